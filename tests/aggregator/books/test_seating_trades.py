"""Where a loss of trades begins when it is noticed late, or hidden by another connection.

The rule of this file: none of the trades has a number, unless it says so.
"""

import pytest

from aggregator.books.effects import Fetch, Send
from aggregator.protocol import Goodbye, TradeUpdate
from tests.aggregator.books.test_seating import STREAMED, answer, streamed, trade
from tests.support.json_venue import Scene, book, make_connector, make_manifest, snapshot


def unnumbered(*numbers: int, is_history: bool = False) -> list[TradeUpdate]:
    return [trade(number, has_number=False, is_history=is_history) for number in numbers]


def told(scene: Scene) -> list[int]:
    return [int(one.trade_id) for one in scene.desk.take_trades()]


@pytest.mark.parametrize("how", ["gap", "gone"])
def test_a_trade_lost_before_the_gap_of_its_book_was_noticed_is_told(how: str) -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(book(11, 11, "3@99"), *unnumbered(5))
    scene.wait(3)
    # Trade 6 and the book's 12 were in a frame that never came.
    scene.hear(*unnumbered(7))
    if how == "gap":
        scene.hear(book(13, 13, "2@99"))
    else:
        scene.desk.closed(scene.connection, "1006", scene.at_ns)
        scene.open(scene.desk.plans[0])
    scene.wait(2.5)
    (early,) = scene.wishes(Fetch)
    answer(scene, early, range(4, 8))
    scene.hear(*unnumbered(8))
    scene.wait(6)
    (late,) = scene.wishes(Fetch)
    answer(scene, late, range(4, 9))

    assert told(scene) == [5, 7, 6, 8]
    assert scene.desk.listings["BTC/USDT"].tape.gap_count == 0


def test_a_trade_lost_before_a_gap_and_not_to_be_had_any_more_is_counted() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5), book(11, 11, "3@99"), *unnumbered(7), book(13, 13, "2@99"))
    scene.hear(*unnumbered(8))
    scene.wait(3)

    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, range(7, 9))

    assert told(scene) == [5, 7, 8]
    assert scene.desk.listings["BTC/USDT"].counts.trade_gaps == 1


def test_what_is_lost_after_a_change_that_was_proven_is_all_that_may_be() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5), book(11, 11, "3@99"), *unnumbered(7), book(12, 12, "2@99"))
    scene.hear(*unnumbered(8), book(14, 14, "2@99"), *unnumbered(10))
    scene.wait(3)

    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, range(7, 11))

    assert told(scene) == [5, 7, 8, 10, 9]
    assert scene.desk.listings["BTC/USDT"].counts.trade_gaps == 0


@pytest.mark.parametrize("has_overlap", [True, False])
def test_a_relieving_connection_proves_nothing_of_trades_before_its_first(
    has_overlap: bool,
) -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5))
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(*unnumbered(8), on=new)
    if has_overlap:
        scene.hear(*unnumbered(6, 7, 8), on=old)

    scene.desk.closed(old, "1006", scene.at_ns)
    scene.wait(2.5)
    fetches = scene.wishes(Fetch)
    for fetch in fetches:
        answer(scene, fetch, range(4, 9))

    assert bool(fetches) is not has_overlap
    assert sorted(told(scene)) == [5, 6, 7, 8]


def test_a_loss_that_a_relieving_connection_hides_is_counted_if_no_list_reaches_it() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5))
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(*unnumbered(8, 9), on=new)
    scene.desk.closed(old, "1006", scene.at_ns)
    scene.wait(2.5)

    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, range(7, 10))

    assert told(scene) == [5, 8, 9, 7]
    assert scene.desk.listings["BTC/USDT"].tape.gap_count == 1


def test_a_connection_that_ends_before_the_one_it_should_relieve_loses_nothing() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5))
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(*unnumbered(6), on=old)
    scene.hear(*unnumbered(6, 7), on=new)

    scene.desk.closed(new, "1006", scene.at_ns)
    scene.wait(2.5)

    assert scene.wishes(Fetch) == []
    assert told(scene) == [5, 6, 7]


@pytest.mark.parametrize("has_number", [True, False])
def test_a_history_that_reaches_back_is_followed_by_no_other_subscription(
    has_number: bool,
) -> None:
    scene = with_history(has_number=has_number)

    scene.hear(trade(7, has_number=has_number))
    scene.wait(60)

    assert scene.wishes(Send) == []
    assert told(scene) == [5, 6, 7]


def test_a_trade_between_two_subscriptions_is_told_by_the_history_of_the_second() -> None:
    scene = with_history(has_number=False)
    scene.desk.listings["BTC/USDT"].tape.lose()
    scene.hear(*unnumbered(7))
    assert len(scene.wishes(Send)) == 1

    scene.hear(*unnumbered(6, 7, 8, is_history=True))
    scene.hear(*unnumbered(9))

    assert told(scene) == [5, 6, 7, 8, 9]
    assert scene.desk.listings["BTC/USDT"].tape.gap_count == 0


def test_a_history_does_not_swallow_what_the_old_connection_has_not_brought_yet() -> None:
    scene = with_history(has_number=False)
    old = scene.connection
    scene.hear(Goodbye("Now."))
    new = scene.open(scene.desk.plans[0])
    scene.hear(*unnumbered(5, 6, 7, is_history=True), on=new)

    scene.desk.closed(old, "1006", scene.at_ns)
    scene.hear(*unnumbered(8), on=new)

    assert told(scene) == [5, 6, 7, 8]
    assert scene.desk.listings["BTC/USDT"].tape.gap_count == 0


def with_history(*, has_number: bool) -> Scene:
    """Return a feed that cannot be asked, after a reconnect: 5 came by the first stream, and 6 with
    the past that the second one began with.
    """
    connector = make_connector(fetch_trades=lambda manifest, symbol: None)
    scene = Scene(manifest=make_manifest(**STREAMED, stale_s=10**6), connector=connector)
    scene.hear(snapshot(10, "1@99", "1@101"))
    scene.hear(trade(4, has_number=has_number, is_history=True))
    scene.hear(trade(5, has_number=has_number))
    scene.desk.closed(scene.connection, "1006", scene.at_ns)
    scene.open(scene.desk.plans[0])
    scene.hear(snapshot(20, "1@99", "1@101"))
    scene.hear(*(trade(one, has_number=has_number, is_history=True) for one in (4, 5, 6)))
    return scene


def test_a_gap_among_changes_that_wait_for_a_snapshot_is_a_loss_of_trades_too() -> None:
    scene = streamed(stale_s=10**6)
    scene.hear(*unnumbered(5), book(13, 13, "3@99"), *unnumbered(6))
    scene.wait(3)
    (early,) = scene.wishes(Fetch)
    answer(scene, early, range(4, 7))
    scene.hear(book(14, 14, "3@99"), *unnumbered(8), book(16, 16, "3@99"), *unnumbered(9))
    scene.wait(6)

    (late,) = scene.wishes(Fetch)
    answer(scene, late, range(5, 10))

    assert told(scene) == [5, 6, 8, 9, 7]
    assert scene.desk.listings["BTC/USDT"].tape.gap_count == 0
