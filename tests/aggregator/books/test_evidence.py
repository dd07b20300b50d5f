"""Proofs that are made of a book alone: level counts, checksums, order."""

from typing import Any

import pytest

from aggregator.books.effects import Mismatch, Send
from aggregator.books.words import BookState
from aggregator.protocol import NONE, BookUpdate, Chain, Evidence, Kind, SnapshotFrom
from tests.support.json_venue import Scene, book, make_connector, make_manifest, snapshot

WINDOW: dict[str, Any] = {
    "snapshot_from": SnapshotFrom.STREAM,
    "evidence": Evidence.LEVEL_COUNT,
    "depths": (3,),
    "depth_default": 3,
}
FULL = snapshot(10, "1@99 1@98 1@97", "1@101 1@102 1@103", depth=3)


def window_scene(first: BookUpdate = FULL) -> Scene:
    scene = Scene(manifest=make_manifest(**WINDOW))
    scene.hear(first)
    return scene


def is_live(scene: Scene) -> bool:
    return scene.desk.listings["BTC/USDT"].state is BookState.LIVE


@pytest.mark.parametrize(
    ("bids", "is_right"),
    [
        ("0@97 1@100", True),
        ("5@97", True),
        ("1@100", False),  # Nobody told which level has left.
        ("0@97", False),
        ("0@96", False),  # It was not there.
    ],
)
def test_a_full_side_stays_full_and_only_what_is_there_leaves(bids: str, is_right: bool) -> None:
    scene = window_scene()

    scene.hear(book(11, 11, bids, depth=3))

    assert is_live(scene) is is_right
    assert len(scene.wishes(Mismatch)) == (not is_right)


def test_a_thin_book_may_have_fewer_levels_and_never_more() -> None:
    scene = window_scene(snapshot(10, "1@99 1@98", "1@101", depth=3))
    assert is_live(scene)

    scene.hear(book(11, 11, "0@98", "1@102", depth=3))
    assert is_live(scene)
    scene.hear(book(12, 12, "1@98 1@97", "", depth=3))
    assert is_live(scene)
    scene.hear(book(13, 13, "1@96", "", depth=3))
    assert not is_live(scene)


def test_a_side_that_falls_is_asked_for_once_and_then_believed() -> None:
    scene = window_scene()
    scene.hear(book(11, 11, "0@97", depth=3))
    assert len(scene.wishes(Send)) == 1

    scene.hear(snapshot(12, "1@99 1@98", "1@101 1@102 1@103", depth=3))
    assert is_live(scene)
    scene.hear(book(13, 13, "1@97", depth=3))
    scene.hear(book(14, 14, "0@97", depth=3))
    assert is_live(scene)

    scene.hear(book(15, 15, "", "0@103", depth=3))  # Of the other side nothing was learnt.
    assert not is_live(scene)


class SumChecksum:
    """The count of levels a side; enough to be wrong."""

    def value(self, update: BookUpdate, bids: Any, asks: Any) -> int:
        return len(bids.keys) * 10 + len(asks.keys)


def checksum_scene(**options: Any) -> Scene:
    connector = make_connector(make_checksum=lambda instrument: SumChecksum())
    facts = {**WINDOW, "evidence": Evidence.CHECKSUM, "chain": Chain.NONE, "truncates": True}
    return Scene(connector=connector, manifest=make_manifest(**facts), **options)


def sumcheck(bids: str, asks: str, checksum: int, **fields: Any) -> BookUpdate:
    return book(NONE, NONE, bids, asks, checksum=checksum, **fields)


def test_a_checksum_is_over_the_book_cut_to_its_depth() -> None:
    scene = checksum_scene()
    scene.hear(sumcheck("1@99 1@98 1@97", "1@101 1@102", 32, is_snapshot=True))
    assert is_live(scene)

    scene.hear(sumcheck("1@100", "", 32))
    assert scene.shown() == "1@100 1@99 1@98 | 1@101 1@102"
    assert is_live(scene)

    scene.hear(sumcheck("", "1@103", 32))
    assert not is_live(scene)
    counts = scene.desk.listings["BTC/USDT"].counts
    assert (counts.verified, counts.mismatched) == (2, 1)


def test_no_checksum_is_no_mismatch_and_no_proof() -> None:
    scene = checksum_scene()
    scene.hear(sumcheck("1@99", "1@101", 11, is_snapshot=True))
    scene.hear(sumcheck("1@98", "", NONE))

    assert is_live(scene)
    assert scene.desk.listings["BTC/USDT"].counts.verified == 1


def test_where_nothing_proves_a_book_nothing_is_verified() -> None:
    scene = Scene(
        manifest=make_manifest(snapshot_from=SnapshotFrom.STREAM, evidence=Evidence.NONE),
        kinds=frozenset({Kind.BOOK}),
    )
    scene.hear(snapshot(10, "1@99", "1@101"))
    scene.hear(book(11, 11, "2@99"))

    assert is_live(scene)
    assert scene.desk.listings["BTC/USDT"].counts.verified == 0
