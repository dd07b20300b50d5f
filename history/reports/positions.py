"""Positions: what each account has bought and sold of a market, at what price, and what it made.

The rule of this file: lots are closed first in, first out (`Lots`), so that every number but the
average price is exact.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from history.projection.rows import FillRow, MarketRow
from history.reports.form import Cell, Column, Kind, Outcome, Row, Rows, time_text
from history.reports.lots import Lots
from history.reports.making import PERIOD_MARKET_ACCOUNT, ReportKind
from history.reports.scope import Scope
from history.reports.source import Source, within
from history.sql.tables import fills
from shared.messages import Side
from shared.money import format_decimal

PRICE_DECIMALS_MORE = 2  # Of an average price, than a price of the market has.


@dataclass(slots=True)
class _Position:
    lots: Lots = field(default_factory=Lots)
    fills: int = 0
    bought_lots: int = 0
    sold_lots: int = 0
    made_tick_lots: int = 0
    fee_atoms: dict[str, int] = field(default_factory=dict)

    def take(self, fill: FillRow, *, is_within: bool) -> None:
        is_buy = fill.side == Side.BUY
        take = self.lots.buy if is_buy else self.lots.sell
        made = take(fill.price_ticks, fill.quantity_lots)
        if not is_within:
            return
        self.fills += 1
        self.made_tick_lots += made
        self.bought_lots += fill.quantity_lots if is_buy else 0
        self.sold_lots += 0 if is_buy else fill.quantity_lots
        paid = self.fee_atoms.get(fill.fee_asset, 0)
        self.fee_atoms[fill.fee_asset] = paid + fill.fee_atoms


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    if scope.market:
        source.market(scope.market)
    f = fills.c
    where = within(fills, scope._replace(from_ns=0))
    ordered = sa.select(fills).where(*where).order_by(f.account_id, f.sequence, f.role)
    bought: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    account_id, positions = -1, dict[str, _Position]()
    async for row in source.each(ordered):
        fill = FillRow(*row)
        if fill.account_id != account_id:
            for line in _lines(source, account_id, positions):
                yield line
            account_id, positions = fill.account_id, {}
        position = positions.setdefault(fill.market, _Position())
        is_within = fill.at_ns >= scope.from_ns
        position.take(fill, is_within=is_within)
        if is_within:
            side = bought if fill.side == Side.BUY else sold
            side[fill.market] += fill.quantity_lots
    for line in _lines(source, account_id, positions):
        yield line
    if source.kept_from_ns:
        since = time_text(source.kept_from_ns)
        outcome.notes.append(
            f"Fills before {since} have left the database: what was bought or sold before is in no"
            " position, cost or result here."
        )
    if scope.account_id is None:
        _compare(source, bought, sold, outcome)


def _lines(source: Source, account_id: int, positions: dict[str, _Position]) -> Iterator[Row]:
    for name in sorted(positions):
        position, market = positions[name], source.markets[name]
        lots, fees = position.lots, position.fee_atoms
        per_tick_lot = market.atoms_per_tick_lot
        yield (
            account_id,
            name,
            position.fills,
            source.quantity(market, position.bought_lots),
            source.quantity(market, position.sold_lots),
            source.quantity(market, position.bought_lots - position.sold_lots),
            source.quantity(market, lots.net_lots),
            average_price(market, lots),
            source.quote(market, lots.cost_tick_lots * per_tick_lot),
            source.quote(market, position.made_tick_lots * per_tick_lot),
            source.amount(market.base, fees.get(market.base, 0)),
            source.quote(market, fees.get(market.quote, 0)),
        )


def average_price(market: MarketRow, lots: Lots) -> Cell:
    """Return what a unit of the open trades has cost, as the definition has it; None: none is."""
    if not lots.net_lots:
        return None
    # Both are of one sign. Half up: twice the number, and one more, by twice the divisor.
    scaled = abs(lots.cost_tick_lots) * market.price_tick * 10**PRICE_DECIMALS_MORE
    rounded = (2 * scaled + abs(lots.net_lots)) // (2 * abs(lots.net_lots))
    return format_decimal(rounded, market.price_scale + PRICE_DECIMALS_MORE)


def _compare(
    source: Source, bought: dict[str, int], sold: dict[str, int], outcome: Outcome
) -> None:
    differing = []
    for name in sorted(bought.keys() | sold.keys()):
        market = source.markets[name]
        outcome.total(f"bought ({market.base})", name, source.quantity(market, bought[name]))
        outcome.total(f"sold ({market.base})", name, source.quantity(market, sold[name]))
        if bought[name] != sold[name]:
            rest = source.quantity(market, bought[name] - sold[name])
            differing.append(f"In {name} the difference is {rest} {market.base}.")
    outcome.check("What all accounts have bought is what all have sold.", differing)


POSITIONS = ReportKind(
    name="positions",
    title="Positions",
    definition=(
        "A row is an account and a market in which it has traded. Bought, sold, fills, fees and"
        " the realised result are of the period; net = bought - sold.",
        "Position is what all trades up to the end of the report leave open, those before the"
        " period included: bought less sold. Below zero, it has sold here what it got elsewhere.",
        "Cost method: first in, first out. A trade closes the oldest open ones of the other side;"
        " what it closes makes (price sold - price bought) x quantity: the realised result, in"
        " quote, before fees, exact.",
        "Open cost is price x quantity of what is open, in quote, exact (of open sales: below"
        " zero). Average price = open cost / position, rounded half up to two decimals more than a"
        " price has.",
        "Fees are in base or quote as the market takes them; below zero they are rebates.",
    ),
    columns=(
        Column("account", Kind.COUNT, "Account"),
        Column("market", Kind.TEXT, "Market"),
        Column("fills", Kind.COUNT, "Fills"),
        Column("bought", Kind.DECIMAL, "Bought (base)"),
        Column("sold", Kind.DECIMAL, "Sold (base)"),
        Column("net", Kind.DECIMAL, "Net (base)"),
        Column("position", Kind.DECIMAL, "Position (base)"),
        Column("average_price", Kind.DECIMAL, "Average price"),
        Column("open_cost", Kind.DECIMAL, "Open cost (quote)"),
        Column("realised", Kind.DECIMAL, "Realised result (quote)"),
        Column("base_fees", Kind.DECIMAL, "Fees (base)"),
        Column("quote_fees", Kind.DECIMAL, "Fees (quote)"),
    ),
    options=PERIOD_MARKET_ACCOUNT,
    make=_make,
)
