"""Feeds of every kind beside a gateway, and what must be the same.

The rule of this file: it compares at a moment at which nothing is traded; what was shown before is
`feed_truth`'s to judge.
"""

import asyncio

from rialto.client import AsyncClient
from rialto.client.feed import AsyncFeed, BookKeeper
from shared.feed import OpenOrder
from shared.rest.orders import OrderView
from tests.support.deadlines import DEADLINE_S
from tests.support.feed_exchange import FeedExchange
from tests.support.feed_orders import MARKETS
from tests.support.feed_truth import Sides

TOP = 5
INTERVAL_MS = 50
LEVELS_MAX = 5_000
DEPTHS = [f"depth:{market}" for market in MARKETS]
TRADES = [f"trades:{market}" for market in MARKETS]
MORE = [f"{kind}:{market}" for kind in ("bbo", "depth20") for market in MARKETS]


class Judge:
    """One client of each kind; `compare` raises AssertionError or TimeoutError."""

    def __init__(self, exchange: FeedExchange, clients: list[AsyncClient]) -> None:
        self.exchange = exchange
        self.clients = clients
        self.accounts: list[AsyncFeed] = []
        self.full: AsyncFeed
        self.top: AsyncFeed
        self.slow: AsyncFeed

    async def open(self) -> None:
        exchange = self.exchange
        for client in self.clients:
            feed = await exchange.feed("account", trader=client)
            self.accounts.append(feed)
        self.full = await exchange.feed(*DEPTHS, *TRADES, *MORE)
        self.top = await exchange.feed(*DEPTHS, interval_ms=0, levels=TOP)
        self.slow = await exchange.feed(*DEPTHS, interval_ms=INTERVAL_MS)

    async def compare(self, sequence: int, *, all_of_it: bool = True) -> None:
        """Compare with the rows at the venue's `sequence`, while nothing is traded."""
        async with asyncio.timeout(DEADLINE_S):
            for market in MARKETS:
                await self._compare_market(market, sequence, all_of_it=all_of_it)
            if all_of_it:
                for client, feed in zip(self.clients, self.accounts, strict=True):
                    await _compare_account(client, feed, sequence)

    async def _compare_market(self, market: str, sequence: int, *, all_of_it: bool) -> None:
        depth = await self.clients[0].depth(market, levels=LEVELS_MAX, min_sequence=sequence)
        true = [tuple(level) for level in depth.bids], [tuple(level) for level in depth.asks]
        for feed, levels in ((self.full, None), (self.top, TOP)):
            book = feed.book(f"depth:{market}")
            await _reached(feed, book, depth.sequence)
            assert (book.sequence, book.levels_max) == (depth.sequence, levels or 0)
            assert (book.bids, book.asks) == (true[0][:levels], true[1][:levels])
        best = [side[0] if side else (None, None) for side in true]
        value = self.full.value(f"bbo:{market}")
        await self.full.until(
            lambda: (
                (value.bbo.bid_price, value.bbo.bid_quantity) == best[0]
                and (value.bbo.ask_price, value.bbo.ask_quantity) == best[1]
            )
        )
        newest = (await self.clients[0].trades(market, limit=1, min_sequence=sequence)).trades
        if newest:
            trades = self.full.trades(f"trades:{market}")
            await self.full.until(lambda: trades.last_trade_id >= newest[0].trade_id)
            assert trades.trades[0].trade_id == newest[0].trade_id
        if all_of_it:
            await self._compare_intervals(market, depth.sequence, true)

    async def _compare_intervals(self, market: str, sequence: int, true: Sides) -> None:
        slow = self.slow.book(f"depth:{market}")
        await _reached(self.slow, slow, sequence)
        assert (slow.bids, slow.asks) == true
        twenty = self.full.book(f"depth20:{market}")
        await _reached(self.full, twenty, sequence)
        assert (twenty.bids, twenty.asks) == tuple(side[:20] for side in true)


async def _reached(feed: AsyncFeed, book: BookKeeper, sequence: int) -> None:
    await feed.until(lambda: book.sequence >= sequence)


async def _compare_account(client: AsyncClient, feed: AsyncFeed, sequence: int) -> None:
    account = feed.account()
    rest = await client.balances(min_sequence=sequence)
    balances = {asset: (row.available, row.held) for asset, row in rest.balances.items()}
    open_orders = (await client.open_orders(min_sequence=sequence, limit=LEVELS_MAX)).orders

    def has_balances() -> bool:
        kept = {asset: (row.available, row.held) for asset, row in account.balances.items()}
        return kept == balances

    def has_orders() -> bool:
        return list(map(_as_told, account.open_orders)) == list(map(_as_told, open_orders))

    await feed.until(lambda: has_balances() and has_orders())


def _as_told(order: OpenOrder | OrderView) -> dict[str, object]:
    """Return what updates can tell of an order: where a trailing stop is now, they do not."""
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    if fields["type"] == "trailing_stop" and fields["status"] == "pending":
        fields["stop_price"] = None
    return fields
