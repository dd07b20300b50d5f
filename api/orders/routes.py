"""Placing, cancelling, amending and looking up orders.

The rule of this file: the account is the token's, always; another account's order and one that does
not exist get the same answer.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer, encoded_answer, request_id_of
from api.edge.body import read_body, read_optional_body
from api.edge.errors import ApiError
from api.edge.params import idempotency_key_of, integer, order_id_of, query_of
from api.gateway import Gateway
from api.identity.caller import Caller, Scope
from api.limits.charging import take_orders
from api.orders import docs as order_docs
from api.orders.batch import carry_out, result_of
from api.orders.desk import Desk
from api.orders.lookup import OrderLookup
from api.orders.open_orders import PAGE_DEFAULT, PAGE_MAX, OpenOrderPages
from api.orders.outcomes import Told
from api.orders.requests import named_order
from api.paths import PREFIX
from api.reads import stored
from shared.rest.orders import (
    AmendOrderBody,
    BatchBody,
    BatchCancel,
    CancelOrderBody,
    CancelTimerBody,
    PlaceOcoBody,
    PlaceOrderBody,
    PlaceOtoBody,
)


class Orders:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._catalog = gateway.catalog
        self._lookup = OrderLookup(gateway.store, gateway.catalog)
        self._pages = OpenOrderPages(gateway.store, gateway.catalog)
        self._desk = Desk(gateway.bus, gateway.catalog, self._lookup)

    async def place(self, request: Request) -> Response:
        """Place an order; `{market, side, price, quantity}` is a limit, good till cancelled."""
        caller, key = await self._asked(request)
        body = await read_body(request, PlaceOrderBody)
        self._take(request, caller)
        return told_answer(await self._desk.place(caller, body, key))

    async def test(self, request: Request) -> Response:
        """Check an order in every way, and place nothing."""
        caller, key = await self._asked(request)
        body = await read_body(request, PlaceOrderBody)
        self._take(request, caller)  # It takes a journal entry and a key, as placing does.
        return told_answer(await self._desk.test(caller, body, key))

    async def place_oco(self, request: Request) -> Response:
        """Place a limit order and a stop, of which one cancels the other."""
        caller, key = await self._asked(request)
        body = await read_body(request, PlaceOcoBody)
        self._take(request, caller, 2)
        return told_answer(await self._desk.place_oco(caller, body, key))

    async def place_oto(self, request: Request) -> Response:
        """Place a limit order, and an order that waits until the first is filled."""
        caller, key = await self._asked(request)
        body = await read_body(request, PlaceOtoBody)
        self._take(request, caller, 2)
        return told_answer(await self._desk.place_oto(caller, body, key))

    async def batch(self, request: Request) -> Response:
        """Place, cancel and amend, many at once: journalled all or none, answered one by one."""
        caller, key = await self._asked(request)
        body = await read_body(request, BatchBody)
        cancels = sum(isinstance(each, BatchCancel) for each in body.commands)
        if cancels < len(body.commands):
            self._take(request, caller, len(body.commands) - cancels)
        if cancels:
            self._take(request, caller, cancels, cancels=True)
        answers = await carry_out(self._desk, caller, body.commands, key)
        results = [result_of(each, request_id_of(request)) for each in answers]
        return answer({"results": results, "idempotency_key": key}, 200, {"Idempotency-Key": key})

    async def cancel(self, request: Request) -> Response:
        """Cancel an order, named in the query or in the body."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        names = query_of(request, "order_id", "client_order_id", "response")
        key = idempotency_key_of(request)
        body = await read_optional_body(request, CancelOrderBody)
        if body is not None and names:
            raise ApiError("INVALID_FIELD", "Name the order in the query or in the body, not both.")
        self._take(request, caller, cancels=True)
        return told_answer(await self._desk.cancel(caller, body or CancelOrderBody(**names), key))

    async def cancel_by_path(self, request: Request, order_id: str) -> Response:
        """Cancel an order."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        given = query_of(request, "response")
        key = idempotency_key_of(request)
        body = CancelOrderBody(order_id=order_id, response=given.get("response"))
        self._take(request, caller, cancels=True)
        return told_answer(await self._desk.cancel(caller, body, key))

    async def cancel_all(self, request: Request) -> Response:
        """Cancel all open and pending orders, of all markets or one, of both sides or one."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        given = query_of(request, "market", "side")
        key = idempotency_key_of(request)
        if given.get("market") == "":
            raise ApiError("UNKNOWN_MARKET", field="market")
        market, side = given.get("market", ""), given.get("side")
        self._take(request, caller, cancels=True)
        return told_answer(await self._desk.cancel_all(caller, market, side, key))

    async def amend(self, request: Request) -> Response:
        """Give an order a new total quantity, a new price or a new stop price."""
        caller, key = await self._asked(request)
        body = await read_body(request, AmendOrderBody)
        self._take(request, caller)
        return told_answer(await self._desk.amend(caller, body, key))

    async def set_cancel_timer(self, request: Request) -> Response:
        """Have all orders cancelled after a time, unless this is asked again before."""
        caller, key = await self._asked(request)
        body = await read_body(request, CancelTimerBody)
        self._take(request, caller)
        return told_answer(await self._desk.set_cancel_timer(caller, body, key))

    async def cancel_timer(self, request: Request) -> Response:
        """Show when all orders are cancelled."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        minimum = integer(query_of(request, "min_sequence"), "min_sequence", 0)
        sequence, cancel_at_ns = await self._lookup.cancel_timer(caller.account_id, minimum)
        return answer({"cancel_at_ns": cancel_at_ns or None, "sequence": sequence})

    async def open(self, request: Request) -> Response:
        """List the open and pending orders, oldest first, page by page."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "market", "after", "limit", "min_sequence")
        if "market" in given:
            await self._catalog.market(given["market"])
        page = await self._pages.page(
            caller.account_id,
            given.get("market", ""),
            after=integer(given, "after", 0),
            limit=integer(given, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX),
            min_sequence=integer(given, "min_sequence", 0),
        )
        return encoded_answer(page)

    async def one(self, request: Request, order_id: str) -> Response:
        """Look up one order, open or lately closed."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "min_sequence")
        wanted = order_id_of(order_id)
        minimum = integer(given, "min_sequence", 0)
        order = await self._lookup.named(caller.account_id, wanted, "", minimum)
        return answer(await self._lookup.view(order))

    async def status(self, request: Request) -> Response:
        """Ask what became of a request, by its key; or look up an order by one of its names."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        names = ("order_id", "client_order_id", "min_sequence")
        given = query_of(request, *stored.PARAMETERS, *names)
        if "idempotency_key" not in given:
            wanted = named_order(given.get("order_id"), given.get("client_order_id"))
            minimum = integer(given, "min_sequence", 0)
            order = await self._lookup.named(caller.account_id, *wanted, minimum)
            return answer(await self._lookup.view(order))
        asked = stored.asked_in(given)
        return told_answer(await self._lookup.status(caller.account_id, asked))

    def _take(
        self, request: Request, caller: Caller, count: int = 1, *, cancels: bool = False
    ) -> None:
        take_orders(self._gateway.limits, request, caller, count, cancels=cancels)

    async def _asked(self, request: Request) -> tuple[Caller, str]:
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        query_of(request)
        return caller, idempotency_key_of(request)


def told_answer(told: Told) -> Response:
    """Return what the desk told as a response."""
    headers = {"Idempotency-Key": told.key}
    if told.status_url:
        headers["Location"] = told.status_url
    return answer(told.body, told.status, headers)


def order_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /order."""
    orders = Orders(gateway)
    router = APIRouter(prefix=f"{PREFIX}/order", tags=["orders"])
    for path, handler, method, extra in (
        ("", orders.place, "POST", order_docs.PLACE),
        ("", orders.cancel, "DELETE", order_docs.CANCEL),
        ("", orders.amend, "PATCH", order_docs.AMEND),
        ("", orders.status, "GET", order_docs.STATUS),
        ("/batch", orders.batch, "POST", order_docs.BATCH),
        ("/test", orders.test, "POST", order_docs.TEST),
        ("/oco", orders.place_oco, "POST", order_docs.OCO),
        ("/oto", orders.place_oto, "POST", order_docs.OTO),
        ("/cancel-timer", orders.set_cancel_timer, "PUT", order_docs.CANCEL_TIMER),
        ("/cancel-timer", orders.cancel_timer, "GET", order_docs.TIMER),
        ("/open", orders.open, "GET", order_docs.OPEN),
        ("/open", orders.cancel_all, "DELETE", order_docs.CANCEL_ALL),
        ("/{order_id}", orders.one, "GET", order_docs.ONE),
        ("/{order_id}", orders.cancel_by_path, "DELETE", order_docs.CANCEL_BY_PATH),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router
