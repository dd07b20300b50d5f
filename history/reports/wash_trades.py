"""Wash-trade candidates: trades that may be nobody's change of mind, each with its evidence.

The rule of this file: the rules are those of `round_trips`, said in the definition below; all
trades of a candidate are shown.
"""

from collections import Counter

import sqlalchemy as sa

from history.projection.rows import MarketRow, TradeRow
from history.reports.form import Column, Kind, Outcome, Row, Rows
from history.reports.making import PERIOD_MARKET_ACCOUNT, ReportKind
from history.reports.round_trips import Candidate, Search, buyer_of, seller_of
from history.reports.scope import Scope
from history.reports.source import Source, within
from history.sql.tables import trades


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    found: Counter[str] = Counter()
    number = 0
    for market in source.asked_markets(scope):
        t = trades.c
        where = [*within(trades, scope), t.market == market.market]
        if scope.account_id is not None:
            is_one = t.maker_account_id == scope.account_id, t.taker_account_id == scope.account_id
            where.append(sa.or_(*is_one))
        search = Search(scope.window_ns, scope.tolerance_ppm, dict(scope.owners))
        async for row in source.each(sa.select(trades).where(*where).order_by(t.trade_id)):
            for candidate in search.take(TradeRow(*row)):
                number += 1
                found[candidate.rule] += 1
                for line in _lines(source, market, number, candidate):
                    yield line
        for candidate in search.finish():
            number += 1
            found[candidate.rule] += 1
            for line in _lines(source, market, number, candidate):
                yield line
    for rule, count in sorted(found.items()):
        outcome.total("candidates", rule, count)
    _note_rules(scope, outcome)


def _note_rules(scope: Scope, outcome: Outcome) -> None:
    outcome.notes.append(
        f"Window: {scope.window_ns // 1_000_000} ms; tolerance: {scope.tolerance_ppm} ppm;"
        f" accounts with a known owner: {len(scope.owners)}."
    )


def _lines(source: Source, market: MarketRow, number: int, candidate: Candidate) -> list[Row]:
    rows = [trade for leg in candidate.legs for trade in leg.trades]
    account_id = min(rows[0].maker_account_id, rows[0].taker_account_id)
    net_lots = net_atoms = 0
    if rows[0].maker_account_id != rows[0].taker_account_id:
        for trade in rows:
            sign = 1 if buyer_of(trade) == account_id else -1
            net_lots += sign * trade.quantity_lots
            net_atoms -= sign * trade.quote_atoms
    moved = source.quantity(market, net_lots), source.quote(market, net_atoms)
    return [
        (
            number,
            candidate.rule,
            market.market,
            trade.trade_id,
            trade.at_ns,
            buyer_of(trade),
            seller_of(trade),
            source.price(market, trade.price_ticks),
            source.quantity(market, trade.quantity_lots),
            source.quote(market, trade.quote_atoms),
            *moved,
            trade.maker_account_id,
            trade.maker_order_id,
            trade.taker_order_id,
            trade.n,
            trade.sequence,
        )
        for trade in rows
    ]


WASH_TRADES = ReportKind(
    name="wash-trades",
    title="Wash-trade candidates",
    definition=(
        "A row is a trade of a candidate; rows of one candidate have one number. It is a candidate"
        " for a look, not a finding: two who make markets meet each other, too.",
        "A leg is all that one order has traded with one account when it came. The first rule that"
        " a leg fits counts, and a leg is in one candidate at most.",
        "same_account: the same account is on both sides of the leg.",
        "same_owner: both accounts belong to one owner, as the list that was given (--owners)"
        " says.",
        "back_and_forth: legs of two accounts in one market, the first and the last no further"
        " apart than the window, that go in both directions and leave both where they were: what"
        " one bought of the other and what it sold to it differ by no more than the tolerance, in"
        " parts per million of the larger. Of several ways to put legs together it is the one with"
        " the fewest that ends with the newest leg; at most 200 legs of a pair are looked at.",
        "Net base and net quote are what the account with the lower number has gained by the"
        " candidate, fees aside: what went from one to the other.",
    ),
    columns=(
        Column("candidate", Kind.COUNT, "Candidate"),
        Column("rule", Kind.TEXT, "Rule"),
        Column("market", Kind.TEXT, "Market"),
        Column("trade", Kind.COUNT, "Trade"),
        Column("at", Kind.TIME, "Time"),
        Column("buyer", Kind.COUNT, "Buyer"),
        Column("seller", Kind.COUNT, "Seller"),
        Column("price", Kind.DECIMAL, "Price"),
        Column("quantity", Kind.DECIMAL, "Quantity (base)"),
        Column("notional", Kind.DECIMAL, "Notional (quote)"),
        Column("net_base", Kind.DECIMAL, "Net base"),
        Column("net_quote", Kind.DECIMAL, "Net quote"),
        Column("maker", Kind.COUNT, "Maker"),
        Column("maker_order", Kind.COUNT, "Maker's order"),
        Column("taker_order", Kind.COUNT, "Taker's order"),
        Column("n", Kind.COUNT, "Journal entry"),
        Column("sequence", Kind.COUNT, "Event"),
    ),
    options=PERIOD_MARKET_ACCOUNT | {"window", "tolerance", "owners"},
    make=_make,
)
