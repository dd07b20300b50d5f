"""Daily volumes against a count of the trades of a random day."""

from fractions import Fraction

import sqlalchemy as sa

from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from history.sql.tables import candles, fills, trades
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import DAY_NS, Traded, markets_of, price, trades_of, units
from tests.history.reports.reading import report


def counted(day: RecordedDay, name: str, of_day: list[Traded], last: int) -> list[object]:
    """A day of a market, from its trades; `last` is the price before it."""
    market = markets_of(day)[name]
    ticks = [trade.event.price_ticks for trade in of_day] or [last]
    lots = sum(trade.event.quantity_lots for trade in of_day)
    quote = sum(trade.event.quote_atoms for trade in of_day)
    prices = ticks[0], max(ticks), min(ticks), ticks[-1]
    traders = {fill.account_id for trade in of_day for fill, _, _ in trade.sides}
    return [
        len(of_day),
        units(market.base, lots * market.lot_atoms),
        units(market.quote, quote),
        *(price(market, each) for each in prices),
        len(traders),
    ]


async def test_volumes_are_those_of_the_trades_of_every_day(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    kept = await report(history, "volumes")
    expected = {}
    for name in markets_of(day):
        traded = [trade for trade in trades_of(day) if trade.event.market == name]
        if not traded:
            continue
        last = 0
        for number in range(traded[0].day, day.exchange.at_ns // DAY_NS + 1):
            of_day = [trade for trade in traded if trade.day == number]
            expected[number, name] = counted(day, name, of_day, last)
            last = of_day[-1].event.price_ticks if of_day else last
    found = {
        (row[0], row[1]): [row[2], *(Fraction(str(cell)) for cell in row[3:9]), row[9]]
        for row in kept.taken
    }
    assert found == expected
    assert not kept.faults
    assert kept.heading is not None
    assert kept.heading.sequence == day.exchange.sequence


async def test_a_period_begins_with_the_last_price_before_it(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    whole = await report(history, "volumes")
    for start, end in [(1, 3), (2, 2), (3, 9)]:
        first = day.applied[0].at_ns // DAY_NS + start
        scope = Scope(first * DAY_NS, (first + end) * DAY_NS)
        part = await report(history, "volumes", scope)
        expected = [row for row in whole.named if first <= row["day"] < first + end]
        assert part.named == expected
        assert not part.faults


async def test_a_candle_that_says_something_else_is_told(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    async with history.writing() as connection:
        daily = candles.c.interval_s == 86_400
        await connection.execute(candles.update().where(daily).values(trades=candles.c.trades + 1))
    kept = await report(history, "volumes")
    assert len(kept.faults) == len({(t.event.market, t.day) for t in trades_of(day)}) > 0


async def test_days_whose_trades_have_left_are_told_by_their_candles(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    whole = await report(history, "volumes")
    since_ns = trades_of(day)[len(trades_of(day)) // 2].day * DAY_NS
    async with history.writing() as connection:
        for table in (trades, fills):
            await connection.execute(sa.delete(table).where(table.c.at_ns < since_ns))
    kept = await report(history, "volumes", kept_from_ns=since_ns)
    expected = [
        row if row["day"] * DAY_NS >= since_ns else row | {"traders": None} for row in whole.named
    ]
    assert kept.named == expected
    assert not kept.faults
    assert kept.outcome is not None
    assert kept.outcome.notes
    have_left = any(trade.at_ns < since_ns for trade in trades_of(day))
    assert bool((await report(history, "volumes")).faults) is have_left
