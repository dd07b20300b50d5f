"""Daily volumes: what was traded of each market, day by day.

The rule of this file: counted from the trades themselves; the daily candles only prove it.
"""

from collections import Counter

import sqlalchemy as sa

from history.projection.candles import filled
from history.projection.intervals import DAY_S
from history.projection.rows import CandleRow, MarketRow
from history.reports.form import DAY_NS, Column, Kind, Outcome, Rows, day_text
from history.reports.making import PERIOD_AND_MARKET, ReportKind
from history.reports.scope import Scope
from history.reports.source import Source, whole, whole_sum, within
from history.sql.tables import candles, fills, trades


def day_of(table: sa.Table, time: str = "at_ns") -> sa.ColumnElement[int]:
    """Return the day, counted from the epoch in UTC, that a row's time lies in."""
    # A literal: a parameter in SELECT and one in GROUP BY are two expressions to PostgreSQL.
    return table.c[time] // sa.literal_column(str(DAY_NS), sa.BigInteger)


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    differing: list[str] = []
    for market in source.asked_markets(scope):
        counted = await _days(source, scope, market)
        stored = await _candles(source, scope, market)
        if _is_of_days(source, scope):
            differing += _unlike(source, market, counted, stored)
        # What has left the database is in its daily candles still.
        days = [day for day in stored if day.open_at_ns < source.kept_from_ns]
        days += [day for day in counted if day.open_at_ns >= source.kept_from_ns]
        traders = await _traders(source, scope, market)
        known_from_day = -(-source.kept_from_ns // DAY_NS)
        name = market.market
        before = await _before(source, scope, market)
        until_ns = (min(source.cursor.at_ns, scope.until_ns - 1) // DAY_NS + 1) * DAY_NS
        first_ns = scope.from_ns - scope.from_ns % DAY_NS
        for day in filled(days, before, from_ns=first_ns, until_ns=until_ns):
            prices = day.open_ticks, day.high_ticks, day.low_ticks, day.close_ticks
            number = day.open_at_ns // DAY_NS
            yield (
                number,
                name,
                day.trades,
                source.quantity(market, day.volume_lots),
                source.quote(market, day.quote_atoms),
                *(source.price(market, ticks) for ticks in prices),
                traders[number] if number >= known_from_day else None,
            )
        _add_up(source, market, days, outcome)
    outcome.check("The daily candles say the same.", differing)


async def _days(source: Source, scope: Scope, market: MarketRow) -> list[CandleRow]:
    """The days with trades, made of the trades; taker's volumes are not asked and left 0."""
    t = trades.c
    day = day_of(trades)
    where = *within(trades, scope), t.market == market.market
    sums = *whole_sum(t.quantity_lots), *whole_sum(t.quote_atoms)
    ends = sa.func.min(t.trade_id), sa.func.max(t.trade_id)
    columns = day, sa.func.count(), *sums, sa.func.max(t.price_ticks), sa.func.min(t.price_ticks)
    grouped = sa.select(*columns, *ends).where(*where).group_by(day).order_by(day)
    found = await source.all(grouped)
    prices: dict[int, int] = {}
    for row in found:  # By the key: a day has one first and one last trade.
        named = t.trade_id.in_((row[-2], row[-1]))
        at_ends = sa.select(t.trade_id, t.price_ticks).where(t.market == market.market, named)
        prices.update((trade_id, ticks) for trade_id, ticks in await source.all(at_ends))
    return [
        CandleRow(
            market.market,
            DAY_S,
            number * DAY_NS,
            prices[first],
            high,
            low,
            prices[last],
            whole(lots_high, lots_low),
            whole(quote_high, quote_low),
            count,
            0,
            0,
            first,
            last,
        )
        for number, count, lots_high, lots_low, quote_high, quote_low, high, low, first, last
        in found
    ]  # fmt: skip


async def _before(source: Source, scope: Scope, market: MarketRow) -> CandleRow | None:
    c = candles.c
    where = c.market == market.market, c.interval_s == DAY_S, c.open_at_ns < scope.from_ns
    newest = sa.select(candles).where(*where).order_by(c.open_at_ns.desc()).limit(1)
    found = await source.all(newest)
    return CandleRow(*found[0]) if found else None


async def _traders(source: Source, scope: Scope, market: MarketRow) -> Counter[int]:
    day = day_of(fills)
    count = sa.func.count(sa.distinct(fills.c.account_id))
    where = *within(fills, scope), fills.c.market == market.market
    return Counter(dict(await source.all(sa.select(day, count).where(*where).group_by(day))))


async def _candles(source: Source, scope: Scope, market: MarketRow) -> list[CandleRow]:
    c = candles.c
    where = *within(candles, scope, time="open_at_ns"), c.market == market.market
    stored = sa.select(candles).where(*where, c.interval_s == DAY_S).order_by(c.open_at_ns)
    return [CandleRow(*row) for row in await source.all(stored)]


def _is_of_days(source: Source, scope: Scope) -> bool:
    # A part of a day is no candle.
    ends_within = scope.until_ns <= source.cursor.at_ns and scope.until_ns % DAY_NS
    return not (scope.from_ns % DAY_NS or ends_within)


def _unlike(
    source: Source, market: MarketRow, counted: list[CandleRow], stored: list[CandleRow]
) -> list[str]:
    one = {day.open_at_ns: _shown(day) for day in counted}
    other = {day.open_at_ns: _shown(day) for day in stored}
    return [
        f"{market.market} differs on {day_text(at_ns // DAY_NS)}."
        for at_ns in sorted(one.keys() | other.keys())
        if at_ns >= source.kept_from_ns and one.get(at_ns) != other.get(at_ns)
    ]


def _shown(day: CandleRow) -> CandleRow:
    return day._replace(taker_buy_lots=0, taker_buy_quote_atoms=0)


def _add_up(source: Source, market: MarketRow, days: list[CandleRow], outcome: Outcome) -> None:
    lots = sum(day.volume_lots for day in days)
    quote_atoms = sum(day.quote_atoms for day in days)
    outcome.total("trades", market.market, sum(day.trades for day in days))
    outcome.total(f"volume ({market.base})", market.market, source.quantity(market, lots))
    outcome.total(f"volume ({market.quote})", market.market, source.quote(market, quote_atoms))


VOLUMES = ReportKind(
    name="volumes",
    title="Daily volumes",
    definition=(
        "A row is a day of UTC and a market, from its first trade on. A trade belongs to the day"
        " of its journal time; one at midnight to the day that begins.",
        "Volume is the sum of quantities, in base; quote volume the sum of price times quantity."
        " Each trade counts once, not for both sides.",
        "Open and close are the prices of the first and the last trade of the day. On a day"
        " without trades all four prices are the last one before it.",
        "Traders are the distinct accounts that were maker or taker of a trade; they"
        " are not known of days whose trades have left the database.",
    ),
    columns=(
        Column("day", Kind.DAY, "Day (UTC)"),
        Column("market", Kind.TEXT, "Market"),
        Column("trades", Kind.COUNT, "Trades"),
        Column("volume", Kind.DECIMAL, "Volume (base)"),
        Column("quote_volume", Kind.DECIMAL, "Volume (quote)"),
        Column("open", Kind.DECIMAL, "Open"),
        Column("high", Kind.DECIMAL, "High"),
        Column("low", Kind.DECIMAL, "Low"),
        Column("close", Kind.DECIMAL, "Close"),
        Column("traders", Kind.COUNT, "Traders"),
    ),
    options=PERIOD_AND_MARKET,
    make=_make,
)
