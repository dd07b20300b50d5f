"""The trades of a market as one list, the recent ones from Redis and the older ones from history.

The rule of this file: a page begins right below the trade that it is asked to come before, whoever
gives it. Trades are numbered without gaps, so a page that does not join is known, and not given.
"""

import msgspec
from fastapi import Request, Response

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.edge.params import integer, query_of, required
from api.gateway import Gateway
from api.reads.trades import TradesPage, read_trades, trade_view
from shared.logs import get_logger
from shared.messages import Market
from shared.rest.history import TradeHistory
from shared.rest.history_queries import LIMIT_DEFAULT, LIMIT_MAX, TRADES
from shared.rest.market_data import Trades

_log = get_logger(__name__)


class TradeList:
    """The handler of the list that goes on with `before`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, request: Request) -> Response:
        """Answer with the page that is asked for."""
        given = query_of(request, "market", "limit", "before", "min_sequence")
        limit = integer(given, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
        before = integer(given, "before", 0, least=1)
        minimum = integer(given, "min_sequence", 0)
        market = await self._gateway.catalog.market(required(given, "market"))
        page = await read_trades(self._gateway.store, market.market, before, limit, minimum)
        if page.is_below and before > 1 and self._gateway.history.is_kept:
            return answer(await self._older(market.market, before, limit, minimum))
        return answer(self._recent(market, page))

    def _recent(self, market: Market, page: TradesPage) -> Trades:
        catalog, following = self._gateway.catalog, page.next_before
        oldest = page.trades[-1].trade_id if page.trades else 1
        if following is None and oldest > 1 and self._gateway.history.is_kept:
            following = oldest  # From here on the history knows.
        views = [trade_view(trade, market, catalog) for trade in page.trades]
        return Trades(market.market, views, following)

    async def _older(self, market: str, before: int, limit: int, min_sequence: int) -> Trades:
        page = await self._ask(market, limit, before, min_sequence)
        ids = [trade.trade_id for trade in page.trades]
        if not ids and page.next is None and await self._is_behind(market, before):
            # It has not come so far, which an empty page would hide.
            raise ApiError("HISTORY_UNAVAILABLE")
        if ids != list(range(before - 1, before - 1 - len(ids), -1)) or len(ids) > limit:
            _log.error("history_trades_do_not_join", market=market, before=before)
            raise ApiError("HISTORY_UNAVAILABLE")
        return Trades(market, page.trades, ids[-1] if page.next is not None and ids else None)

    async def _is_behind(self, market: str, before: int) -> bool:
        newest = (await self._ask(market, 1)).trades
        return not newest or newest[0].trade_id < before - 1

    async def _ask(
        self, market: str, limit: int, before: int = 0, min_sequence: int = 0
    ) -> TradeHistory:
        pairs = [("market", market), ("limit", str(limit))]
        if before:
            pairs.append(("before", str(before)))
        if min_sequence:
            pairs.append(("min_sequence", str(min_sequence)))
        body = await self._gateway.history.ask(TRADES.path, pairs)
        try:
            page = msgspec.json.decode(body, type=TradeHistory)
        except msgspec.ValidationError as error:
            _log.error("history_answers_nonsense", path=TRADES.path, reason=str(error))
            raise ApiError("HISTORY_UNAVAILABLE") from error
        if page.market != market:
            raise ApiError("HISTORY_UNAVAILABLE")
        return page
