"""All analyses of a book together: what is told, and when."""

import msgspec

from aggregator.analysis.signals import SignalDesk, Values
from aggregator.books.words import Trade
from shared.messages import BookState, Side
from shared.messages.outside import Signals
from tests.aggregator.analysis.trades import at, random_trades, trade
from tests.support.outside_books import TableBook

BOOK = TableBook([("99", "3")], [("100", "1")])
ALL = {
    "book_imbalance",
    "cumulative_delta",
    "footprint",
    "jump",
    "momentum",
    "tick_pressure",
    "trade_imbalance",
    "volatility",
    "vwap",
}


def told(values: Values | None) -> dict[str, dict[str, object]]:
    assert values is not None
    return {name: msgspec.json.decode(value) for name, value in values.items()}


def test_what_has_not_seen_enough_is_not_told() -> None:
    desk = SignalDesk()
    assert set(told(desk.take(at(0), BOOK))) == {"book_imbalance"}
    desk.add_trade(trade("buy", "100", seconds=1))
    names = {"book_imbalance", "cumulative_delta", "footprint", "vwap"}
    assert set(told(desk.take(at(1), BOOK))) == names
    last: Values | None = None
    for one in random_trades(3, 2_000, seconds_between=0.1):
        desk.add_trade(one)
        last = desk.take(one.received_at_ns, BOOK) or last
    assert set(told(last)) == ALL


def test_the_values_make_a_message() -> None:
    desk = SignalDesk()
    values = desk.take(at(0), BOOK)
    assert values is not None
    said = Signals(at_ns=1, book="a:spot:B/C", state=BookState.LIVE, values=values)
    again = msgspec.json.decode(msgspec.json.encode(said), type=Signals)
    assert msgspec.json.decode(again.values["book_imbalance"])["bid_percent"] == "75.00"


def test_a_book_that_is_not_live_has_no_imbalance() -> None:
    desk = SignalDesk()
    desk.add_trade(trade("buy", "100"))
    assert "book_imbalance" in told(desk.take(at(0), BOOK))
    assert "book_imbalance" not in told(desk.take(at(1), None))
    assert "book_imbalance" in told(desk.take(at(2), BOOK))


def test_it_is_told_at_most_five_times_a_second_and_only_what_is_new() -> None:
    desk = SignalDesk()
    told_at = []
    for tenth in range(40):
        if tenth < 20:
            desk.add_trade(trade("buy", "100", seconds=tenth / 10))
        if desk.take(at(tenth / 10), BOOK):
            told_at.append(tenth)
    # Without trades only the footprint, a second old, still has something to tell.
    assert told_at == [*range(0, 20, 2), 20]


def test_recovered_trades_count_in_sums_and_not_in_the_flow() -> None:
    desk = SignalDesk()
    for number in range(9):
        desk.add_trade(trade("buy", "100", seconds=number / 100))
    for number in range(20):
        desk.add_trade(trade("sell", str(99 - number), seconds=1, is_recovered=True))
    desk.add_trade(trade("buy", "100", seconds=2))
    values = told(desk.take(at(2), BOOK))
    assert values["cumulative_delta"]["delta"] == "-10"
    # Ten bought, but with a hole in between: nobody knows what the last ten trades were.
    assert "trade_imbalance" not in values
    assert "tick_pressure" not in values
    for number in range(9):
        desk.add_trade(trade("buy", "100", seconds=3 + number / 100))
    assert told(desk.take(at(4), BOOK))["trade_imbalance"]["imbalance"] == "1.00"


def test_a_run_with_a_hole_in_it_is_none() -> None:
    desk = SignalDesk()
    for number in range(4):
        desk.add_trade(trade("buy", str(100 + number)))
    desk.add_trade(trade("sell", "90", is_recovered=True))
    desk.add_trade(trade("buy", "104"))
    assert "tick_pressure" not in told(desk.take(at(1), BOOK))


def test_a_trade_of_nothing_is_none() -> None:
    desk = SignalDesk()
    desk.add_trade(Trade("b", "", 0, 5, Side.BUY, 0, at(0)))
    desk.add_trade(Trade("b", "", 5, 0, Side.BUY, 0, at(0)))
    assert desk.take(at(1), None) is None


def test_what_is_told_is_short() -> None:
    desk, longest = SignalDesk(), 0
    for one in random_trades(1, 5_000, seconds_between=0.05):
        desk.add_trade(one)
        values = desk.take(one.received_at_ns, BOOK)
        if values:
            longest = max(longest, len(msgspec.json.encode(values)))
    # A value may have 64 KiB on its channel, and this one is sent five times a second.
    assert 2_000 < longest < 16_000
