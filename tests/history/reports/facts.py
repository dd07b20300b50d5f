"""What happened on a day, told from its events alone, for tests that count for themselves.

The rule of this file: it knows events and no rows; amounts are fractions of whole units.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from shared.messages import Fill, Market, MarketCreated, Side, TradeExecuted
from tests.history.reports.days import SCALES, RecordedDay

DAY_NS = 86_400_000_000_000


class Traded(NamedTuple):
    """A trade and when it was."""

    at_ns: int
    n: int
    event: TradeExecuted

    @property
    def day(self) -> int:
        return self.at_ns // DAY_NS

    @property
    def sides(self) -> Iterator[tuple[Fill, bool, str]]:
        """Each side: the fill, whether it bought, and its role."""
        is_buy = self.event.taker_side is Side.BUY
        yield self.event.maker, not is_buy, "maker"
        yield self.event.taker, is_buy, "taker"


def trades_of(day: RecordedDay) -> list[Traded]:
    """The trades of a day, oldest first."""
    return [
        Traded(applied.at_ns, applied.n, event)
        for applied in day.applied
        for event in applied.events
        if isinstance(event, TradeExecuted)
    ]


def markets_of(day: RecordedDay) -> dict[str, Market]:
    """The markets of a day by name."""
    return {
        event.market.market: event.market
        for applied in day.applied
        for event in applied.events
        if isinstance(event, MarketCreated)
    }


def units(asset: str, atoms: int) -> Fraction:
    """An amount of an asset in whole units."""
    return Fraction(atoms, 10 ** SCALES.get(asset, 1))


def price(market: Market, ticks: int) -> Fraction:
    return Fraction(ticks * market.price_tick, 10**market.price_scale)
