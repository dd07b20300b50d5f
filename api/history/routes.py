"""The routes of what was: candles, tickers, trades, and an account's orders, fills and statement.

The rule of this file: the account is the caller's, always; what is asked is read by the function by
which the history reads it, so that both agree on every parameter.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import encoded_answer
from api.edge.errors import ApiError
from api.edge.params import order_id_of
from api.gateway import Gateway
from api.history import docs
from api.history.asking import Pairs
from api.history.download import Download
from api.history.trades import TradeList
from api.identity.caller import Scope
from api.paths import PREFIX
from shared.rest.history_queries import (
    CSV,
    FILLS,
    KLINES,
    LEDGER,
    ORDER,
    ORDERS,
    REJECTIONS,
    TICKERS,
    TRADES,
    HistoryQuery,
    HistoryRoute,
    QueryFault,
    read_query,
)

# Any of these in a question about trades is for the history; without them it is about recent ones.
OF_HISTORY = frozenset(("from_ns", "to_ns", "cursor", "format"))


class HistoryReads:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._trades = TradeList(gateway)

    async def klines(self, request: Request) -> Response:
        """Show candles of a market, oldest first; an interval without trades has one, too.

        With `from_ns` the pages go forward from it, without it from the newest back in time. Both
        `from_ns` and `to_ns` are about when a candle opens.
        """
        return await self._answer(KLINES, request)

    async def tickers(self, request: Request) -> Response:
        """Show the last 24 hours of every market, or of one."""
        return await self._answer(TICKERS, request)

    async def trades(self, request: Request) -> Response:
        """Show the trades of a market, newest first, page by page back to its first one.

        Without `from_ns`, `to_ns`, `cursor` and `format` the pages go on with `before`.
        """
        if OF_HISTORY.isdisjoint(request.query_params):
            return await self._trades.answer(request)
        return await self._answer(TRADES, request)

    async def orders(self, request: Request) -> Response:
        """List your orders, those that have ended too, the last placed first."""
        return await self._own(ORDERS, request)

    async def order(self, request: Request, order_id: str) -> Response:
        """Tell the story of one of your orders: all that has happened to it, oldest first."""
        account_id = await self._account_of(request)
        if "order_id" in request.query_params:
            raise ApiError("UNKNOWN_PARAMETER", field="order_id")
        named = (("order_id", str(order_id_of(order_id))),)
        return await self._answer(ORDER, request, account_id, named)

    async def fills(self, request: Request) -> Response:
        """List your sides of trades, newest first."""
        return await self._own(FILLS, request)

    async def ledger(self, request: Request) -> Response:
        """Show your statement, newest line first: each change of a balance, and its cause."""
        return await self._own(LEDGER, request)

    async def rejections(self, request: Request) -> Response:
        """List what the exchange has refused of your orders, newest first."""
        return await self._own(REJECTIONS, request)

    async def _own(self, route: HistoryRoute, request: Request) -> Response:
        return await self._answer(route, request, await self._account_of(request))

    async def _account_of(self, request: Request) -> int:
        return (await self._gateway.callers.trader(request, Scope.READ)).account_id

    async def _answer(
        self, route: HistoryRoute, request: Request, account_id: int = 0, named: Pairs = ()
    ) -> Response:
        assert route.is_private == bool(account_id), "a private route is asked for an account"
        query = _read(route, [*named, *request.query_params.multi_items()], account_id)
        pairs = pairs_of(route, query)
        if query.format == CSV:
            caller = f"account:{account_id}" if account_id else f"address:{_address_of(request)}"
            return Download(self._gateway.history, route.path, pairs, caller)
        return encoded_answer(
            await self._gateway.history.ask(route.path, pairs, account_id=account_id)
        )


def pairs_of(route: HistoryRoute, query: HistoryQuery) -> Pairs:
    """Return how a query is put to the history: what the route takes, and whose rows."""
    known = {*route.parameters, "account_id"}
    return [(name, value) for name, value in query.pairs() if name in known]


def _read(route: HistoryRoute, given: list[tuple[str, str]], account_id: int) -> HistoryQuery:
    try:
        return read_query(route, given, account_id=account_id)
    except QueryFault as fault:
        raise ApiError(fault.code, fault.sentence, field=fault.field) from None


def _address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def history_routes(gateway: Gateway) -> APIRouter:
    """Return the routes."""
    reads = HistoryReads(gateway)
    router = APIRouter(prefix=PREFIX)
    market_data, account = "market data", "account"
    for path, handler, tag, extra in (
        ("/klines", reads.klines, market_data, docs.klines()),
        ("/tickers", reads.tickers, market_data, docs.tickers()),
        ("/trades", reads.trades, market_data, docs.trades()),
        ("/orders", reads.orders, account, docs.orders()),
        ("/orders/{order_id}", reads.order, account, docs.order()),
        ("/fills", reads.fills, account, docs.fills()),
        ("/ledger", reads.ledger, account, docs.ledger()),
        ("/rejections", reads.rejections, account, docs.rejections()),
    ):
        router.add_api_route(path, handler, methods=["GET"], tags=[tag], openapi_extra=extra)
    return router
