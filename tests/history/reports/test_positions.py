"""Positions against single lots in a queue, from the events of a random day."""

from collections import deque
from fractions import Fraction
from typing import Any

from history.projection.rows import MarketRow
from history.reports.lots import Lots
from history.reports.positions import average_price
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from shared.messages import FeeAsset
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import markets_of, price, trades_of, units
from tests.history.reports.reading import report

NAMES = "bought", "sold", "net", "position", "open_cost", "realised", "base_fees", "quote_fees"


class One:
    """An account in a market: each lot by itself."""

    def __init__(self) -> None:
        self.open: deque[tuple[int, int]] = deque()  # Price, 1 or -1.
        self.fills = self.bought = self.sold = self.made = 0
        self.fees: dict[str, int] = {}

    def take(self, ticks: int, lots: int, sign: int, fee: tuple[str, int], counts: bool) -> None:
        made = 0
        for _ in range(lots):
            if self.open and self.open[0][1] == -sign:
                made += (ticks - self.open.popleft()[0]) * -sign
            else:
                self.open.append((ticks, sign))
        if counts:
            self.fills += 1
            self.made += made
            self.bought += lots if sign > 0 else 0
            self.sold += lots if sign < 0 else 0
            self.fees[fee[0]] = self.fees.get(fee[0], 0) + fee[1]


def counted(day: RecordedDay, from_ns: int) -> dict[tuple[int, str], dict[str, Any]]:
    found: dict[tuple[int, str], One] = {}
    for trade in trades_of(day):
        event = trade.event
        market = markets_of(day)[event.market]
        for fill, is_buy, _ in trade.sides:
            in_base = is_buy and market.fee_asset is FeeAsset.RECEIVED
            fee = market.base if in_base else market.quote, fill.fee_atoms
            one = found.setdefault((fill.account_id, event.market), One())
            sign = 1 if is_buy else -1
            one.take(event.price_ticks, event.quantity_lots, sign, fee, trade.at_ns >= from_ns)
    return {key: _told(day, key[1], one) for key, one in found.items()}


def _told(day: RecordedDay, name: str, one: One) -> dict[str, Any]:
    market = markets_of(day)[name]
    position, cost = sum(sign for _, sign in one.open), sum(t * sign for t, sign in one.open)

    def base(lots: int) -> Fraction:
        return units(market.base, lots * market.lot_atoms)

    def quote(tick_lots: int) -> Fraction:
        return units(market.quote, tick_lots * market.atoms_per_tick_lot)

    return {
        "fills": one.fills,
        "bought": base(one.bought),
        "sold": base(one.sold),
        "net": base(one.bought - one.sold),
        "position": base(position),
        "open_cost": quote(cost),
        "realised": quote(one.made),
        "base_fees": units(market.base, one.fees.get(market.base, 0)),
        "quote_fees": units(market.quote, one.fees.get(market.quote, 0)),
        "average": price(market, 1) * Fraction(cost, position) if position else None,
    }


async def test_positions_are_those_of_single_lots(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    traded = trades_of(day)
    for from_ns in (0, traded[len(traded) // 2].at_ns):
        kept = await report(history, "positions", Scope(from_ns=from_ns))
        expected = counted(day, from_ns)
        assert {(row["account"], row["market"]) for row in kept.named} == set(expected)
        for row in kept.named:
            wanted = expected[row["account"], row["market"]]
            assert row["fills"] == wanted["fills"]
            for name in NAMES:
                assert Fraction(row[name]) == wanted[name], name
            assert (row["average_price"] is None) is (wanted["average"] is None)
            if wanted["average"] is not None:
                off = Fraction(row["average_price"]) - wanted["average"]
                assert -Fraction(1, 2000) < off <= Fraction(1, 2000)  # One decimal and two more.
        assert not kept.faults


def test_an_average_is_rounded_half_up_on_both_sides() -> None:
    market = MarketRow("A_B", "A", "B", 0, 1, 1, 1, "received", "{}", 0)
    for many, sale, average in [(199, False, "1.01"), (200, True, "1"), (2, False, "1.33")]:
        lots = Lots()
        take = lots.sell if sale else lots.buy
        take(1, many)
        assert average_price(market, lots) == "1"
        take(2, 1)
        assert average_price(market, lots) == average
    assert average_price(market, Lots()) is None


async def test_one_account_of_one_market_alone(history: HistoryDatabase, day: RecordedDay) -> None:
    everything = await report(history, "positions")
    kept = await report(history, "positions", Scope(account_id=1, market="AAA_USD"))
    assert kept.named == [
        row for row in everything.named if (row["account"], row["market"]) == (1, "AAA_USD")
    ]
