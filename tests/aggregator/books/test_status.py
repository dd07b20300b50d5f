"""A feed's state: the worst of its books, and why."""

import pytest

from aggregator.protocol import Refused, SnapshotFrom
from shared.messages import FeedState
from tests.support.json_venue import Scene, book, make_manifest, snapshot

BOTH = ("BTC/USDT", "ETH/USDT")


def live_scene() -> Scene:
    scene = Scene(*BOTH, manifest=make_manifest(snapshot_from=SnapshotFrom.STREAM))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        scene.hear(snapshot(10, "1@99", "1@101", symbol=symbol))
    return scene


def test_a_feed_is_live_when_all_of_its_books_are() -> None:
    status = live_scene().desk.status()

    assert (status.feed, status.state, status.reason) == ("json:spot", FeedState.LIVE, "")
    assert [one.book for one in status.books] == ["json:spot:BTC/USDT", "json:spot:ETH/USDT"]


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("silence", FeedState.STALE),
        ("gap", FeedState.RESYNC),
        ("refusal", FeedState.REFUSED),
        ("close", FeedState.CONNECTING),
    ],
)
def test_a_feed_is_as_bad_as_its_worst_book_and_says_why(what: str, state: FeedState) -> None:
    scene = live_scene()
    if what == "silence":
        scene.wait(4)
        scene.hear(book(11, 11))
        scene.wait(2)
    elif what == "gap":
        scene.hear(book(12, 12))
    elif what == "refusal":
        scene.hear(book(12, 12))
        scene.hear(Refused("No more.", symbol="BTCUSDT"))
    else:
        scene.desk.closed(scene.connection, "1006", scene.at_ns)

    status = scene.desk.status()

    assert status.state is state
    assert status.reason
    assert status.since_ns == scene.at_ns


def test_a_feed_without_a_list_of_symbols_says_so() -> None:
    scene = Scene(*BOTH, instruments=())

    assert scene.desk.status().state is FeedState.CONNECTING
