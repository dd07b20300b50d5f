"""The venue's word on its touch, compared with the book at the same number."""

import pytest

from aggregator.books.effects import Mismatch
from aggregator.books.touches import TOUCHES_KEPT_MAX, TouchProof
from aggregator.books.words import BookState
from aggregator.protocol import Evidence, SnapshotFrom, TouchUpdate
from tests.support.json_venue import Scene, book, make_manifest, snapshot


def touch(update_id: int, bid: str, ask: str) -> TouchUpdate:
    bid_quantity, bid_price = bid.split("@")
    ask_quantity, ask_price = ask.split("@")
    return TouchUpdate("BTCUSDT", update_id, bid_price, bid_quantity, ask_price, ask_quantity)


class Compared(Scene):
    """A book at 10 with 1@99 and 1@101."""

    def __init__(self) -> None:
        facts = {"evidence": Evidence.TOUCH, "snapshot_from": SnapshotFrom.STREAM}
        super().__init__(manifest=make_manifest(**facts))
        self.hear(snapshot(10, "1@99", "1@101"))

    @property
    def verified(self) -> int:
        return self.desk.listings["BTC/USDT"].counts.verified

    def is_live(self) -> bool:
        return self.desk.listings["BTC/USDT"].state is BookState.LIVE


def test_a_book_is_compared_when_a_later_touch_shows_which_was_the_last() -> None:
    scene = Compared()
    scene.hear(touch(9, "1@99", "1@101"))
    assert scene.verified == 0

    scene.hear(touch(12, "7@99", "1@101"))
    assert scene.verified == 1

    scene.hear(book(11, 13, "7@99"))
    assert scene.verified == 1
    scene.hear(touch(14, "8@99", "1@101"))
    assert (scene.verified, scene.is_live()) == (2, True)


@pytest.mark.parametrize("said", [("2@99", "1@101"), ("1@98", "1@101"), ("1@99", "1@102")])
def test_another_price_or_quantity_than_the_venues_is_a_mismatch(said: tuple[str, str]) -> None:
    scene = Compared()
    scene.hear(touch(10, *said))
    assert scene.is_live()

    scene.hear(touch(11, "1@99", "1@101"))

    assert not scene.is_live()
    (mismatch,) = scene.wishes(Mismatch)
    assert "the venue's is" in mismatch.reason


def test_a_book_behind_the_touches_is_compared_with_the_one_of_its_own_number() -> None:
    scene = Compared()
    for update_id, bid in ((10, "1@99"), (11, "2@99"), (12, "3@99"), (13, "4@99")):
        scene.hear(touch(update_id, bid, "1@101"))

    scene.hear(book(11, 12, "3@99"))
    assert scene.is_live()
    scene.hear(book(13, 13, "5@99"))
    scene.hear(touch(14, "5@99", "1@101"))
    assert not scene.is_live()


def test_a_touch_that_comes_late_is_compared_too() -> None:
    scene = Compared()
    scene.hear(touch(8, "1@99", "1@101"))
    scene.hear(touch(12, "1@99", "1@101"))
    assert scene.is_live()

    scene.hear(touch(10, "6@99", "1@101"))

    assert not scene.is_live()


def test_a_touch_that_is_said_twice_is_nothing_new() -> None:
    scene = Compared()
    for update_id in (8, 12, 12, 8):
        scene.hear(touch(update_id, "1@99", "1@101"))

    assert (scene.verified, scene.is_live()) == (1, True)


def test_nothing_is_compared_across_a_lost_frame() -> None:
    scene = Compared()
    scene.hear(touch(8, "6@99", "1@101"))
    scene.desk.received(scene.connection, b"[[cut", scene.at_ns)

    scene.hear(touch(12, "1@99", "1@101"))

    assert (scene.verified, scene.is_live()) == (0, True)


def test_a_touch_that_cannot_be_read_is_counted_and_proves_nothing() -> None:
    scene = Compared()
    scene.hear(touch(8, "6@99", "1@101"))
    scene.hear(touch(10, "1e5@99", "1@101"))
    scene.hear(touch(12, "1@99", "1@101"))

    assert (scene.verified, scene.is_live()) == (0, True)
    assert scene.desk.listings["BTC/USDT"].counts.malformed == 1


def test_an_old_touch_is_not_held_against_the_next_book() -> None:
    scene = Compared()
    scene.hear(touch(10, "6@99", "1@101"))
    scene.hear(touch(11, "1@99", "1@101"))
    assert not scene.is_live()

    scene.hear(snapshot(20, "1@99", "1@101"))
    scene.hear(touch(21, "2@99", "1@101"))

    assert scene.is_live()


def test_touches_that_no_book_will_be_held_against_are_let_go() -> None:
    # given a ticker that is always heard before the book of the same number
    scene = Compared()
    count = 3 * TOUCHES_KEPT_MAX
    for number in range(11, count):
        scene.hear(touch(number, f"{number}@99", "1@101"))
        scene.hear(book(number, number, f"{number}@99"))

    # then all books but the last are proven, and half of what may wait for books is kept
    assert (scene.verified, scene.is_live()) == (count - 12, True)
    proof = scene.desk.listings["BTC/USDT"].book._proof
    assert isinstance(proof, TouchProof)
    assert len(proof._ids) == len(proof._touches) <= TOUCHES_KEPT_MAX // 2 + 1
