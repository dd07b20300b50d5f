"""Large trades: those at or above an amount of quote, or the largest of each market.

The rule of this file: a trade is as large as its quote amount, which is only compared within one
market.
"""

from typing import Any

import sqlalchemy as sa

from history.projection.rows import MarketRow, TradeRow
from history.reports.form import Column, Kind, Outcome, Row, Rows
from history.reports.making import PERIOD_AND_MARKET, ReportKind
from history.reports.round_trips import buyer_of, seller_of
from history.reports.scope import Scope
from history.reports.source import ReportError, Source, within
from history.sql.tables import trades
from shared.money import SCALE_MAX, AmountError, parse_decimal


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    thresholds = _thresholds(source, scope)
    for market in source.asked_markets(scope):
        count = quote_atoms = 0
        threshold = thresholds.get(market.market, thresholds.get(""))
        least = None if threshold is None else _atoms(threshold, source.scale(market.quote))
        async for row in source.each(_wanted(market, scope, least)):
            trade = TradeRow(*row)
            count += 1
            quote_atoms += trade.quote_atoms
            yield _line(source, market, trade)
        # Of the largest these are no sums of the market.
        shown = " shown" if least is None else ""
        outcome.total(f"trades{shown}", market.market, count)
        amount = source.quote(market, quote_atoms)
        outcome.total(f"notional{shown} ({market.quote})", market.market, amount)


def _thresholds(source: Source, scope: Scope) -> dict[str, str]:
    found = dict(scope.thresholds)
    for name in found:
        if name:
            source.market(name)
    return found


def _wanted(market: MarketRow, scope: Scope, least_atoms: int | None) -> sa.Select[Any]:
    t = trades.c
    where = *within(trades, scope), t.market == market.market
    wanted = sa.select(trades).where(*where)
    if least_atoms is None:
        return wanted.order_by(t.quote_atoms.desc(), t.trade_id).limit(scope.top)
    return wanted.where(t.quote_atoms >= least_atoms).order_by(t.trade_id)


def _atoms(threshold: str, scale: int) -> int:
    # One that is finer than the asset is rounded up: no trade below it is shown.
    try:
        value = parse_decimal(threshold, SCALE_MAX)
    except AmountError as error:
        raise ReportError(f"The threshold {threshold!r} is no amount: {error}") from None
    finer: int = 10 ** (SCALE_MAX - scale)
    return -(-value // finer)


def _line(source: Source, market: MarketRow, trade: TradeRow) -> Row:
    return (
        market.market,
        trade.trade_id,
        trade.at_ns,
        source.price(market, trade.price_ticks),
        source.quantity(market, trade.quantity_lots),
        source.quote(market, trade.quote_atoms),
        trade.taker_side,
        buyer_of(trade),
        seller_of(trade),
        trade.maker_order_id,
        trade.taker_order_id,
        trade.n,
        trade.sequence,
    )


LARGE_TRADES = ReportKind(
    name="large-trades",
    title="Large trades",
    definition=(
        "A row is a trade whose notional, price x quantity in quote, is at or above the threshold"
        " of its market, oldest first.",
        "Without a threshold: the trades of each market with the largest notional, largest first;"
        " the totals are of those that are shown, not of all trades.",
    ),
    columns=(
        Column("market", Kind.TEXT, "Market"),
        Column("trade", Kind.COUNT, "Trade"),
        Column("at", Kind.TIME, "Time"),
        Column("price", Kind.DECIMAL, "Price"),
        Column("quantity", Kind.DECIMAL, "Quantity (base)"),
        Column("notional", Kind.DECIMAL, "Notional (quote)"),
        Column("taker_side", Kind.TEXT, "Taker's side"),
        Column("buyer", Kind.COUNT, "Buyer"),
        Column("seller", Kind.COUNT, "Seller"),
        Column("maker_order", Kind.COUNT, "Maker's order"),
        Column("taker_order", Kind.COUNT, "Taker's order"),
        Column("n", Kind.COUNT, "Journal entry"),
        Column("sequence", Kind.COUNT, "Event"),
    ),
    options=PERIOD_AND_MARKET | {"top", "threshold"},
    make=_make,
)
