"""How far a book can be trusted, and how it is asked for again before the touch leaves that."""

from aggregator.books.effects import Fetch, Renew
from aggregator.books.listing import BookDifference
from aggregator.books.words import BookState
from aggregator.protocol import Evidence, SnapshotFrom, to_units
from tests.support.json_venue import Scene, book, frame, make_manifest, snapshot

KEPT = 20


def side(count: int, first: int, step: int) -> str:
    return " ".join(f"1@{first + step * index}" for index in range(count))


def deep_scene(levels: int = KEPT, *, is_whole: bool = False) -> Scene:
    """Return a live book at 10 with bids from 999 down and asks from 1001 up."""
    scene = Scene(book_levels_kept=KEPT)
    scene.hear(book(10, 10))
    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, 10, levels, is_whole=is_whole)
    return scene


def answer(
    scene: Scene, fetch: Fetch, last_id: int, levels: int, touch: int = 1000, **fields: bool
) -> None:
    bids, asks = side(levels, touch - 1, -1), side(levels, touch + 1, 1)
    said = frame(snapshot(last_id, bids, asks, **{"is_whole": False} | fields))
    scene.desk.answered(fetch.ticket, said, "", scene.at_ns)


def trusted(scene: Scene) -> tuple[int | None, int | None]:
    """Return the trusted range in whole prices."""
    found = scene.desk.listings["BTC/USDT"].book
    bid, ask = found.trusted_bid_key, found.trusted_ask_key
    unit = to_units("1")
    return (bid and bid // unit), (ask and -ask // unit)


def change(scene: Scene) -> BookDifference:
    return scene.desk.listings["BTC/USDT"].take_change()


def test_beyond_its_worst_level_nothing_is_known_and_nothing_is_kept() -> None:
    scene = deep_scene()
    assert trusted(scene) == (980, 1020)

    scene.hear(book(11, 11, "5@979 5@980", "5@1021 5@1020"))

    assert "979" not in scene.shown()
    assert "5@980" in scene.shown()
    assert "5@1020" in scene.shown()
    assert "1021" not in scene.shown()


def test_a_whole_book_is_known_to_its_end() -> None:
    scene = deep_scene(is_whole=True)
    assert trusted(scene) == (None, None)

    scene.hear(book(11, 11, "5@1", "5@5000"))

    assert scene.shown().endswith("5@5000")


def test_a_window_is_known_up_to_its_worst_level_of_now() -> None:
    manifest = make_manifest(
        snapshot_from=SnapshotFrom.STREAM, evidence=Evidence.CHAIN, depths=(3,), depth_default=3
    )
    scene = Scene(manifest=manifest)
    scene.hear(snapshot(10, side(3, 999, -1), side(2, 1001, 1), depth=3, is_whole=False))

    assert trusted(scene) == (997, None)


def test_a_window_on_a_snapshot_that_was_asked_for_is_trusted_no_further_either() -> None:
    manifest = make_manifest(evidence=Evidence.CHAIN, depths=(3,), depth_default=3)
    scene = Scene(manifest=manifest)
    scene.hear(book(10, 10))
    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, 10, 3)
    assert trusted(scene) == (997, 1003)

    scene.hear(book(11, 11, "1@1000 0@997", "0@1001 1@1004"))

    assert trusted(scene) == (998, 1004)
    assert "1@1004" in scene.shown()


def test_a_book_is_cut_only_far_past_what_is_kept_and_then_trusted_less() -> None:
    scene = deep_scene(KEPT * 10, is_whole=True)
    assert len(scene.desk.listings["BTC/USDT"].book.bids) == KEPT * 10
    change(scene)

    scene.hear(book(11, 11, "5@1"))

    assert len(scene.desk.listings["BTC/USDT"].book.bids) == KEPT
    assert trusted(scene) == (980, None)
    assert len(change(scene).bids) == KEPT * 9 + 1  # All that went is told.


def test_a_touch_near_the_edge_has_the_book_asked_for_while_it_lives() -> None:
    scene = deep_scene()
    last_id = 10
    while not (fetches := scene.wishes(Fetch)):
        last_id += 1
        scene.hear(book(last_id, last_id, f"0@{1010 - last_id}"))
    assert last_id == 10 + KEPT - 1  # With one level of twenty it is less than a tenth of them.
    assert scene.desk.listings["BTC/USDT"].state is BookState.LIVE
    change(scene)

    scene.hear(book(last_id + 1, last_id + 1, "7@980", "0@1001"))
    answer(scene, fetches[0], last_id, KEPT, touch=980)

    assert scene.desk.listings["BTC/USDT"].state is BookState.LIVE
    assert trusted(scene)[0] == 960
    assert scene.shown().startswith("7@980 1@979")  # The update since is in it.
    assert change(scene).is_whole
    assert scene.desk.listings["BTC/USDT"].counts.resyncs == 0
    assert scene.wishes(Fetch) == []


def test_a_refresh_that_is_ahead_waits_and_one_too_old_is_asked_for_again() -> None:
    scene = deep_scene(KEPT)
    scene.hear(book(11, 11, " ".join(f"0@{price}" for price in range(981, 1000))))
    (fetch,) = scene.wishes(Fetch)

    answer(scene, fetch, 5, KEPT)
    scene.wait(1)  # It is the third question in a short time.
    (again,) = scene.wishes(Fetch)
    answer(scene, again, 13, KEPT, touch=981)
    assert trusted(scene)[0] == 980
    scene.hear(book(12, 13))

    assert trusted(scene)[0] == 961


def test_a_gap_while_a_book_is_refreshed_leaves_one_question() -> None:
    scene = deep_scene(KEPT)
    scene.hear(book(11, 11, " ".join(f"0@{price}" for price in range(981, 1000))))
    (early,) = scene.wishes(Fetch)

    scene.hear(book(13, 13))
    answer(scene, early, 13, KEPT, touch=981)
    assert scene.desk.status().books[0].state is BookState.RESYNC

    scene.wait(1)
    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, 13, KEPT, touch=981)
    assert scene.desk.listings["BTC/USDT"].state is BookState.LIVE


def test_a_streamed_book_near_its_edge_is_brought_by_another_connection() -> None:
    manifest = make_manifest(snapshot_from=SnapshotFrom.STREAM, evidence=Evidence.CHAIN)
    scene = Scene(manifest=manifest, book_levels_kept=2)
    scene.hear(snapshot(10, side(21, 999, -1), side(2, 1001, 1)))
    assert trusted(scene) == (998, None)

    scene.hear(book(11, 11, "0@999"))

    # With two levels kept, a tenth is none: such a book is never near its edge.
    assert scene.wishes(Renew) == []
    deep = Scene(manifest=manifest, book_levels_kept=20)
    deep.hear(snapshot(10, side(201, 999, -1), side(2, 1001, 1)))
    deep.hear(book(11, 11, " ".join(f"0@{price}" for price in range(981, 1000))))
    (renew,) = deep.wishes(Renew)
    assert renew.overlap
    assert deep.desk.listings["BTC/USDT"].state is BookState.LIVE


def test_what_has_changed_is_told_once() -> None:
    scene = deep_scene()
    assert change(scene).is_whole

    scene.hear(book(11, 11, "5@999 0@998", "5@1001"))
    difference = change(scene)

    assert not difference.is_whole
    assert set(difference.bids) == {to_units("999"), to_units("998")}
    assert set(difference.asks) == {-to_units("1001")}
    assert change(scene) == BookDifference(is_whole=False, bids=set(), asks=set())
