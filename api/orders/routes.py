"""Placing, cancelling, amending and looking up orders.

The rule of this file: the account is the token's, always; another account's order and one that does
not exist get the same answer.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body, read_optional_body
from api.edge.errors import ApiError
from api.edge.params import idempotency_key_of, integer, order_id_of, query_of
from api.gateway import Gateway
from api.identity.caller import Scope
from api.orders import docs as order_docs
from api.orders.lookup import OrderLookup
from api.orders.outcomes import cancelled_answer, order_answer
from api.orders.placing import place_order
from api.orders.requests import (
    amend_no_order,
    amend_order,
    cancel_all,
    cancel_order,
    check_amendment,
    named_order,
)
from api.paths import PREFIX
from shared.rest.orders import AmendOrderBody, CancelOrderBody, PlaceOrderBody


class Orders:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._catalog = gateway.catalog
        self._lookup = OrderLookup(gateway.store, gateway.catalog)

    async def place(self, request: Request) -> Response:
        """Place an order; `{market, side, price, quantity}` is a limit, good till cancelled."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        query_of(request)
        key = idempotency_key_of(request)
        body = await read_body(request, PlaceOrderBody)
        market = await self._catalog.market(body.market)
        scales = (self._catalog.scale(market.base), self._catalog.scale(market.quote))
        command = place_order(body, market, scales, caller.account_id, key)
        outcome = await self._gateway.bus.submit(command)
        return await order_answer(outcome, key, self._catalog, 201)

    async def cancel(self, request: Request) -> Response:
        """Cancel an order, named in the query or in the body."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        names = query_of(request, "order_id", "client_order_id")
        key = idempotency_key_of(request)
        body = await read_optional_body(request, CancelOrderBody)
        if body is not None and names:
            raise ApiError("INVALID_FIELD", "Name the order in the query or in the body, not both.")
        named = body or CancelOrderBody(**names)
        return await self._cancel(named, caller.account_id, key)

    async def cancel_by_path(self, request: Request, order_id: str) -> Response:
        """Cancel an order."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        query_of(request)
        key = idempotency_key_of(request)
        return await self._cancel(CancelOrderBody(order_id=order_id), caller.account_id, key)

    async def _cancel(self, body: CancelOrderBody, account_id: int, key: str) -> Response:
        command = cancel_order(body, account_id, key)
        outcome = await self._gateway.bus.submit(command)
        return await order_answer(outcome, key, self._catalog, 200)

    async def cancel_all(self, request: Request) -> Response:
        """Cancel all open and pending orders, of all markets or one, of both sides or one."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        given = query_of(request, "market", "side")
        key = idempotency_key_of(request)
        if "market" in given:
            await self._catalog.market(given["market"])
        command = cancel_all(given.get("market", ""), given.get("side"), caller.account_id, key)
        return cancelled_answer(await self._gateway.bus.submit(command), key)

    async def amend(self, request: Request) -> Response:
        """Give an order a new total quantity, a new price or a new stop price."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        query_of(request)
        key = idempotency_key_of(request)
        body = await read_body(request, AmendOrderBody)
        wanted_id, wanted_name = named_order(body.order_id, body.client_order_id)
        check_amendment(body)
        order = await self._lookup.to_amend(caller.account_id, wanted_id, wanted_name, key)
        if order is None:
            command = amend_no_order(body, caller.account_id, key)
        else:
            market = await self._catalog.of_order(order)
            command = amend_order(body, order, market, self._catalog.scale(market.base), key)
        outcome = await self._gateway.bus.submit(command)
        return await order_answer(outcome, key, self._catalog, 200)

    async def open(self, request: Request) -> Response:
        """List the open and pending orders."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "market", "min_sequence")
        if "market" in given:
            await self._catalog.market(given["market"])
        sequence, orders = await self._lookup.open(
            caller.account_id, given.get("market", ""), integer(given, "min_sequence", 0)
        )
        return answer({"orders": orders, "sequence": sequence})

    async def one(self, request: Request, order_id: str) -> Response:
        """Look up one order, open or lately closed."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "min_sequence")
        wanted = order_id_of(order_id)
        minimum = integer(given, "min_sequence", 0)
        return answer(await self._lookup.view(caller.account_id, wanted, minimum))

    async def status(self, request: Request) -> Response:
        """Ask what became of a request, by its key; or look up an order by one of its names."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "idempotency_key", "n", "fp", "order_id", "client_order_id")
        if "idempotency_key" not in given:
            wanted = named_order(given.get("order_id"), given.get("client_order_id"))
            order = await self._lookup.named(caller.account_id, *wanted)
            return answer(await self._lookup.view(caller.account_id, order.order_id, 0))
        key, n = given["idempotency_key"], integer(given, "n", 0)
        return await self._lookup.status(caller.account_id, key, n, given.get("fp", ""))


def order_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /order."""
    orders = Orders(gateway)
    router = APIRouter(prefix=f"{PREFIX}/order", tags=["orders"])
    for path, handler, method, extra in (
        ("", orders.place, "POST", order_docs.PLACE),
        ("", orders.cancel, "DELETE", order_docs.CANCEL),
        ("", orders.amend, "PATCH", order_docs.AMEND),
        ("", orders.status, "GET", order_docs.STATUS),
        ("/open", orders.open, "GET", order_docs.OPEN),
        ("/open", orders.cancel_all, "DELETE", order_docs.CANCEL_ALL),
        ("/{order_id}", orders.one, "GET", order_docs.ONE),
        ("/{order_id}", orders.cancel_by_path, "DELETE", order_docs.CANCEL_BY_PATH),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router
