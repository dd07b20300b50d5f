"""What a desk does by the clock for books that are quiet, and for those that were refused."""

from itertools import pairwise

import pytest

from aggregator.books.effects import Fetch, Send
from aggregator.books.words import BookState
from aggregator.protocol import Refused, SnapshotFrom
from tests.support.json_venue import Scene, book, frame, make_manifest, snapshot


def make_scene(snapshot_from: SnapshotFrom = SnapshotFrom.STREAM) -> Scene:
    return Scene(manifest=make_manifest(snapshot_from=snapshot_from))


def state(scene: Scene) -> str:
    return scene.desk.listings["BTC/USDT"].state.value


@pytest.mark.parametrize("snapshot_from", list(SnapshotFrom))
def test_a_quiet_book_is_subscribed_to_anew_ever_more_seldom_and_is_never_called_wrong(
    snapshot_from: SnapshotFrom,
) -> None:
    scene = make_scene(snapshot_from)
    scene.hear(snapshot(10, "1@99", "1@101"))  # A quiet pair, or a dead topic: who knows.
    listing = scene.desk.listings["BTC/USDT"]
    resyncs, asked_at = listing.counts.resyncs, []
    for _ in range(720):
        scene.wait(10)
        assert listing.state in (BookState.LIVE, BookState.STALE)
        if any("subscribe book:BTCUSDT" in send.texts for send in scene.wishes(Send)):
            asked_at.append(scene.at_ns)
            if snapshot_from is SnapshotFrom.STREAM:
                scene.hear(snapshot(10, "1@99", "1@101"))  # It is as it was.

    waits = [later - sooner for sooner, later in pairwise(asked_at)]
    assert 3 <= len(asked_at) <= 12
    assert waits == sorted(waits)
    assert (listing.counts.resyncs, listing.counts.gaps) == (resyncs, 0)

    scene.hear(book(11, 11, "2@99"))
    assert listing.state is BookState.LIVE


def test_what_comes_of_a_refused_book_is_taken_for_the_refusal_was_of_something_else() -> None:
    scene = make_scene()
    scene.hear(Refused("No such trades.", symbol="BTCUSDT"))
    assert state(scene) == "halted"

    scene.hear(snapshot(10, "1@99", "1@101"))

    assert state(scene) == "live"


def test_a_refused_book_is_asked_for_again_after_a_long_while() -> None:
    scene = make_scene()
    scene.hear(Refused("We are at work.", symbol="BTCUSDT"))
    scene.wait(300)
    assert scene.wishes(Send) == []

    scene.wait(400)

    assert [send.texts[-1] for send in scene.wishes(Send)] == ["subscribe book:BTCUSDT"]
    assert state(scene) == "halted"
    scene.hear(snapshot(10, "1@99", "1@101"))
    assert state(scene) == "live"


def test_a_refused_book_that_is_had_by_http_comes_back_with_its_first_update() -> None:
    scene = make_scene(SnapshotFrom.REST)
    scene.hear(Refused("We are at work.", symbol="BTCUSDT"))

    scene.hear(book(10, 10, "1@99"))

    assert state(scene) == "resync"
    (fetch,) = scene.wishes(Fetch)
    scene.desk.answered(fetch.ticket, frame(snapshot(10, "1@99", "1@101")), "", scene.at_ns)
    assert state(scene) == "live"


def test_a_clock_that_is_put_back_neither_keeps_a_silent_book_live_nor_puts_off_a_need() -> None:
    scene = make_scene()
    scene.hear(snapshot(10, "1@99", "1@101"))
    scene.wait(-3_600)
    assert state(scene) == "live"
    scene.wait(5.5)
    assert state(scene) == "stale"

    for number in (20, 30, 40):  # Each is a gap; the third try is one that has to wait.
        scene.hear(snapshot(number, "1@99", "1@101"), book(number + 5, number + 5))
    scene.desk.take_effects()
    scene.wait(-3_600)
    scene.wait(60.5)
    assert len(scene.wishes(Send)) == 1
