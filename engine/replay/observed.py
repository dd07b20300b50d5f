"""What the exchange itself says the day came to: its event stream and its rows, out of Redis.

The rule of this file: only what was committed counts, read as any other service would read it.
"""

from collections.abc import Iterator

from engine.core.exchange import Exchange
from engine.redis_link import RedisLink
from engine.replay.errors import ReplayError
from engine.replay.reference import Expected, Touch, Trade
from engine.rows import Meta, load_meta, load_rows
from shared.channels import Keys
from shared.messages import Applied, DepthChanged, TradeExecuted
from shared.wire import decode_batch

PAGE = 200  # Commits read at once; each holds up to a few hundred kilobytes.


def read_exchange(link: RedisLink, keys: Keys) -> tuple[Exchange, Meta]:
    """Return the exchange that a restarted engine would begin with."""
    meta = load_meta(link.call, keys)
    return Exchange.restore(load_rows(link.call, keys, meta)), meta


def read_depth_rows(link: RedisLink, keys: Keys, market: str) -> dict[str, int]:
    """Return the depth rows of a market as they are."""
    raw = link.call("HGETALL", keys.depth(market))
    assert isinstance(raw, list), "a hash comes as a list of names and values"
    return {name.decode(): int(lots) for name, lots in zip(raw[::2], raw[1::2], strict=True)}


def observe(applied: Iterator[Applied], first_n: int, count: int, price_tick: int) -> Expected:
    """Return trades and touches of the `count` entries from `first_n` on; raises ReplayError when
    the events have a hole.
    """
    watcher = _Watcher(first_n, price_tick)
    for entry in applied:
        if first_n <= entry.n < first_n + count:
            watcher.see(entry)
    if len(watcher.touches) != count:
        raise ReplayError(f"The event stream ends after row {len(watcher.touches)} of {count}.")
    return Expected(watcher.trades, watcher.touches)


def read_events(link: RedisLink, keys: Keys) -> Iterator[Applied]:
    """Yield all events in the stream, page by page."""
    after = "-"
    while True:
        page = link.call("XRANGE", keys.events, after, "+", "COUNT", PAGE)
        assert isinstance(page, list), "XRANGE answers with a list"
        if not page:
            return
        for entry_id, fields in page:
            after = f"({entry_id.decode()}"
            yield from decode_batch(fields[1])


class _Watcher:
    def __init__(self, first_n: int, price_tick: int) -> None:
        self.trades: list[Trade] = []
        self.touches: list[Touch] = []
        self._first_n = first_n
        self._price_tick = price_tick
        self._market_sequence = 0
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._touch = Touch(None, None)

    def see(self, entry: Applied) -> None:
        row = len(self.touches)
        if entry.n != self._first_n + row:
            raise ReplayError(f"The event stream has a hole before row {row}.")
        for event in entry.events:
            if isinstance(event, TradeExecuted):
                self._note_trade(row, event)
            elif isinstance(event, DepthChanged):
                self._change_depth(event)
        self.touches.append(self._touch)

    def _note_trade(self, row: int, event: TradeExecuted) -> None:
        self.trades.append(
            Trade(
                row,
                event.maker.client_order_id,
                event.taker.client_order_id,
                str(event.taker_side),
                event.price_ticks * self._price_tick,
                event.quantity_lots,
            )
        )

    def _change_depth(self, event: DepthChanged) -> None:
        if event.market_sequence != self._market_sequence + 1:
            raise ReplayError(f"The depth events have a gap before {event.market_sequence}.")
        self._market_sequence = event.market_sequence
        for levels, changed in ((self._bids, event.bids), (self._asks, event.asks)):
            for price_ticks, lots in changed:
                if lots:
                    levels[price_ticks] = lots
                else:
                    levels.pop(price_ticks, None)
        bid, ask = max(self._bids, default=None), min(self._asks, default=None)
        self._touch = Touch(self._units(bid), self._units(ask))

    def _units(self, price_ticks: int | None) -> int | None:
        return None if price_ticks is None else price_ticks * self._price_tick
