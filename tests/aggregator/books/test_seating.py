"""Connections that come, go and relieve each other, and what becomes of their books."""

from collections.abc import Iterable
from typing import Any

import pytest

from aggregator.books.effects import Close, Fetch, Purpose, Renew, Send
from aggregator.protocol import NONE, Goodbye, Kind, SnapshotFrom, Socket, TradeUpdate
from shared.messages import FeedState, Side
from tests.support.json_venue import Scene, book, frame, make_connector, make_manifest, snapshot

STREAMED: dict[str, Any] = {"snapshot_from": SnapshotFrom.STREAM}
BOTH = ("BTC/USDT", "ETH/USDT")


def streamed(*pairs: str, **facts: Any) -> Scene:
    """Return a feed whose books are live at 10, each 1@99 | 1@101."""
    scene = Scene(*pairs, manifest=make_manifest(**STREAMED | facts))
    for symbol in symbols_of(scene):
        scene.hear(snapshot(10, "1@99", "1@101", symbol=symbol))
    return scene


def symbols_of(scene: Scene) -> list[str]:
    found = [listing.instrument for listing in scene.desk.listings.values()]
    return [instrument.symbol for instrument in found if instrument is not None]


def states(scene: Scene) -> list[str]:
    return [listing.state.value for listing in scene.desk.listings.values()]


def trade(
    number: int,
    symbol: str = "BTCUSDT",
    *,
    is_history: bool = False,
    has_number: bool = True,
) -> TradeUpdate:
    counted = number if has_number else NONE
    return TradeUpdate(
        symbol, str(number), "100", "1", Side.BUY, number, counted, is_history=is_history
    )


def test_a_lost_connection_ends_its_books_and_the_next_one_brings_them_back() -> None:
    scene = streamed(*BOTH)
    counts = scene.desk.listings["BTC/USDT"].counts
    updates = counts.updates

    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    assert states(scene) == ["resync", "resync"]
    assert scene.desk.listings["BTC/USDT"].reason == "The connection is gone: 1006"
    assert scene.desk.status().state is FeedState.CONNECTING

    scene.open(scene.desk.plans[0])
    assert states(scene) == ["resync", "resync"]
    scene.hear(snapshot(50, "2@99", "2@101"))

    assert states(scene) == ["live", "resync"]
    assert scene.desk.listings["BTC/USDT"].counts is counts
    assert counts.updates == updates + 1
    assert scene.desk.listings["BTC/USDT"].take_change().is_whole


def test_what_is_said_on_a_connection_that_is_closed_is_passed_over() -> None:
    scene = streamed()
    scene.desk.closed(scene.connection, "1006", scene.at_ns)

    scene.hear(snapshot(50, "2@99", "2@101"))

    assert states(scene) == ["resync"]


@pytest.mark.parametrize("how", ["goodbye", "age"])
def test_a_connection_is_relieved_before_its_end_when_the_new_books_are_live(how: str) -> None:
    scene = streamed(*BOTH, lifetime_s=86_400, stale_s=10**6)
    old = scene.connection
    if how == "goodbye":
        scene.hear(Goodbye("Maintenance."))
    else:
        scene.wait(86_400 - 299)
    (renew,) = scene.wishes(Renew)
    assert (renew.connection, renew.overlap) == (old, True)

    new = scene.open(scene.desk.plans[0])
    scene.hear(snapshot(50, "2@99", "2@101"), on=new)
    scene.wait(0.3)
    scene.hear(book(11, 11, "3@99"), on=old)
    assert scene.shown() == "3@99 | 1@101"  # Not all books of the new one are live yet.
    assert scene.wishes(Close) == []

    scene.hear(snapshot(60, "4@99", "4@101", symbol="ETHUSDT"), on=new)
    scene.wait(0.3)
    (close,) = scene.wishes(Close)
    assert close.connection == old
    assert scene.shown() == "2@99 | 2@101"
    scene.desk.closed(old, "1000", scene.at_ns)
    assert states(scene) == ["live", "live"]


def test_when_the_old_connection_dies_early_the_new_one_takes_over_as_it_is() -> None:
    scene = streamed(*BOTH)
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(snapshot(50, "2@99", "2@101"), on=new)

    scene.desk.closed(old, "1001", scene.at_ns)

    assert states(scene) == ["live", "resync"]
    assert scene.shown() == "2@99 | 2@101"


def test_a_live_book_is_not_given_up_for_one_that_is_late() -> None:
    scene = streamed(*BOTH, stale_s=10**6)
    scene.hear(Goodbye("Some time."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(snapshot(50, "2@99", "2@101"), on=new)

    scene.wait(100)

    assert states(scene) == ["live", "live"]  # The second one is the old connection's still.
    assert scene.wishes(Close) == []
    scene.wait(150)
    assert len(scene.wishes(Close)) == 1  # But not for ever.


def test_a_connection_that_relieves_one_may_have_to_be_relieved_itself() -> None:
    scene = streamed(stale_s=10**6)
    first = scene.connection
    scene.hear(Goodbye("All our servers are renewed, one after the other."))
    second = scene.open(scene.desk.plans[0])
    scene.hear(Goodbye("This one, too."), on=second)
    third = scene.open(scene.desk.plans[0])

    scene.hear(snapshot(20, "2@99", "2@101"), on=second)
    scene.wait(0.5)
    scene.hear(snapshot(30, "3@99", "3@101"), on=third)
    scene.wait(0.5)

    assert [close.connection for close in scene.wishes(Close)] == [first, second]
    assert scene.shown() == "3@99 | 3@101"


def test_a_trade_on_two_connections_is_told_once_and_one_missed_is_asked_for() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(trade(4, is_history=True))
    scene.hear(trade(5))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.hear(trade(8))

    (fetch,) = scene.wishes(Fetch)
    assert fetch.purpose is Purpose.TRADES
    past = [trade(number, is_history=True) for number in range(1, 9)]
    scene.desk.answered(fetch.ticket, frame(*past), "", scene.at_ns)

    told = scene.desk.take_trades()
    assert [(one.trade_id, one.is_recovered) for one in told] == [
        ("5", False),
        ("8", False),
        ("6", True),
        ("7", True),
    ]


def test_after_a_reconnect_trades_are_asked_for_even_if_none_comes() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(trade(5))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    assert scene.wishes(Fetch) == []

    scene.wait(2.5)

    (fetch,) = scene.wishes(Fetch)
    assert fetch.purpose is Purpose.TRADES


def test_an_answer_before_a_late_subscription_is_asked_for_again_with_its_first_trade() -> None:
    # The venue takes its time with the new subscription, and its trades have no numbers.
    scene = streamed(stale_s=10**6)
    scene.hear(trade(5, has_number=False))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.wait(2.5)
    (early,) = scene.wishes(Fetch)
    answer(scene, early, range(4, 7))
    scene.wait(60)
    assert scene.wishes(Fetch) == []  # A quiet pair is not asked for without end.

    scene.hear(trade(9, has_number=False))

    (late,) = scene.wishes(Fetch)
    answer(scene, late, range(5, 10))
    told = [one.trade_id for one in scene.desk.take_trades()]
    assert told == ["5", "6", "9", "7", "8"]
    assert scene.desk.listings["BTC/USDT"].counts.trade_gaps == 0


def test_trades_without_numbers_and_without_a_list_of_them_are_told_to_be_missing() -> None:
    connector = make_connector(fetch_trades=lambda manifest, symbol: None)
    scene = Scene(manifest=make_manifest(**STREAMED), connector=connector)
    scene.hear(trade(5, has_number=False))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.hear(trade(9, has_number=False), trade(10, has_number=False))

    counts = scene.desk.listings["BTC/USDT"].counts
    assert (counts.trades, counts.trade_gaps) == (3, 1)
    assert scene.wishes(Send) == []


def answer(scene: Scene, fetch: Fetch, numbers: Iterable[int]) -> None:
    past = [trade(number, is_history=True, has_number=False) for number in numbers]
    scene.desk.answered(fetch.ticket, frame(*past), "", scene.at_ns)


def test_where_the_stream_has_the_history_a_hole_is_filled_by_subscribing_again() -> None:
    connector = make_connector(fetch_trades=lambda manifest, symbol: None)
    scene = Scene(manifest=make_manifest(**STREAMED), connector=connector)
    scene.hear(trade(4, is_history=True))
    scene.hear(trade(5))
    scene.hear(trade(7))

    (send,) = scene.wishes(Send)
    assert send.texts == ("unsubscribe trades:BTCUSDT", "subscribe trades:BTCUSDT")
    scene.hear(*(trade(number, is_history=True) for number in (7, 6, 5)))
    assert [one.trade_id for one in scene.desk.take_trades()] == ["5", "7", "6"]


def test_trades_asked_for_before_another_loss_are_asked_for_again() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(trade(5))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.hear(trade(8))
    (early,) = scene.wishes(Fetch)
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.desk.answered(early.ticket, frame(trade(8, is_history=True)), "", scene.at_ns)

    scene.hear(trade(11))

    (fetch,) = scene.wishes(Fetch)
    past = [trade(number, is_history=True) for number in range(1, 12)]
    scene.desk.answered(fetch.ticket, frame(*past), "", scene.at_ns)
    told = [one.trade_id for one in scene.desk.take_trades()]
    assert told == ["5", "8", "11", "6", "7", "9", "10"]


@pytest.mark.parametrize("age_s", [0.1, 20])
@pytest.mark.parametrize("is_history", [True, False])
@pytest.mark.parametrize("is_heard", [True, False])
def test_trades_may_be_lost_with_a_connection_whose_successor_has_brought_none_yet(
    age_s: float, is_history: bool, is_heard: bool
) -> None:
    # However old it is: the venue may have refused the topic, or not looked at it yet.
    scene = streamed(stale_s=10**6)
    scene.hear(trade(5))
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.wait(age_s)
    if is_heard:
        scene.hear(trade(5, is_history=is_history), on=new)

    scene.desk.closed(old, "1001", scene.at_ns)
    scene.wait(2.5)

    assert bool(scene.wishes(Fetch)) is not is_heard


def test_trades_are_lost_with_the_class_of_connections_that_carries_them() -> None:
    books = Socket(name="books", url="wss://json.test/1", kinds=(Kind.BOOK,), topics_max=9)
    trades = Socket(name="trades", url="wss://json.test/2", kinds=(Kind.TRADES,), topics_max=9)
    scene = Scene(manifest=make_manifest(sockets=(books, trades), stale_s=10**6, **STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101"))
    scene.open(scene.desk.plans[1])
    scene.hear(trade(5))
    scene.wait(60)

    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[1])
    scene.wait(2.5)

    (fetch,) = scene.wishes(Fetch)
    assert fetch.purpose is Purpose.TRADES


def test_where_a_change_of_the_book_was_lost_trades_without_numbers_may_have_been_too() -> None:
    scene = streamed(stale_s=10**6)
    first, lost = (trade(number) for number in (5, 6))
    first.number = lost.number = NONE
    scene.hear(first)
    scene.wait(3)
    assert scene.wishes(Fetch) == []

    scene.hear(book(15, 15, "2@99"))
    scene.wait(0.5)

    (fetch,) = scene.wishes(Fetch)
    assert fetch.purpose is Purpose.TRADES
    for one in (first, lost):
        one.is_history = True
    scene.desk.answered(fetch.ticket, frame(first, lost), "", scene.at_ns)
    told = scene.desk.take_trades()
    assert [(one.trade_id, one.is_recovered) for one in told] == [("5", False), ("6", True)]


def test_trades_that_count_themselves_are_not_asked_for_because_of_a_book() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(trade(5))

    scene.hear(book(15, 15, "2@99"))
    scene.wait(3)

    assert scene.wishes(Fetch) == []
