"""A book from its first update to its death: states, gaps, snapshots, what it asks for."""

from typing import Any

import pytest

from aggregator.books.effects import Fetch, Mismatch, Send
from aggregator.books.states import NEXT, WHOLE, Step
from aggregator.books.words import BookCounts, BookState
from aggregator.protocol import NONE, Chain, Evidence, Refused, SnapshotFrom
from tests.support.json_venue import Scene, book, frame, make_manifest, snapshot

STREAMED = {"snapshot_from": SnapshotFrom.STREAM, "evidence": Evidence.CHAIN}


def state(scene: Scene) -> BookState:
    return scene.desk.listings["BTC/USDT"].state


def counts(scene: Scene) -> BookCounts:
    return scene.desk.listings["BTC/USDT"].counts


def answer(scene: Scene, fetch: Fetch, last_id: int, bids: str, asks: str, **fields: Any) -> None:
    body = frame(snapshot(last_id, bids, asks, **fields))
    scene.desk.answered(fetch.ticket, body, "", scene.at_ns)


def live_scene(**facts: Any) -> Scene:
    """Return a book that is live at 10 with bids 99, 98 and asks 101, 102."""
    scene = Scene(manifest=make_manifest(**facts))
    if facts.get("snapshot_from") is SnapshotFrom.STREAM:
        scene.hear(snapshot(10, "1@99 2@98", "1@101 2@102"))
    else:
        scene.hear(book(10, 10))
        (fetch,) = scene.wishes(Fetch)
        answer(scene, fetch, 10, "1@99 2@98", "1@101 2@102")
    scene.desk.take_effects()
    assert state(scene) is BookState.LIVE
    return scene


def test_every_state_can_be_left() -> None:
    for known in BookState:
        leads_to = {NEXT[known, step] for step in Step if (known, step) in NEXT}
        assert leads_to - {known}
    assert set(BookState) > WHOLE


def test_a_book_asks_for_its_snapshot_with_the_first_update_and_not_before() -> None:
    scene = Scene()
    assert state(scene) is BookState.EMPTY
    assert scene.wishes(Fetch) == []

    scene.hear(book(5, 7, "1@99"))
    assert state(scene) is BookState.BUFFERING
    (fetch,) = scene.wishes(Fetch)
    assert fetch.symbol == "BTCUSDT"

    scene.hear(book(8, 9, "", "1@101"))
    assert scene.wishes(Fetch) == []
    answer(scene, fetch, 7, "2@99", "2@102")
    assert state(scene) is BookState.LIVE
    assert scene.shown() == "2@99 | 1@101 2@102"


def test_a_snapshot_older_than_the_stream_is_asked_for_again() -> None:
    scene = Scene()
    scene.hear(book(20, 21, "1@99"))
    (stale,) = scene.wishes(Fetch)

    answer(scene, stale, 10, "1@90", "1@110")

    assert state(scene) is BookState.BUFFERING
    (again,) = scene.wishes(Fetch)
    assert again.ticket != stale.ticket
    answer(scene, again, 21, "1@99", "1@110")
    assert state(scene) is BookState.LIVE


def test_a_snapshot_ahead_of_the_stream_is_syncing_until_it_is_reached() -> None:
    scene = Scene()
    scene.hear(book(5, 7))
    (fetch,) = scene.wishes(Fetch)

    answer(scene, fetch, 9, "1@99", "1@101")
    assert state(scene) is BookState.SYNCING

    scene.hear(book(8, 10, "", "0@101 1@102"))
    assert state(scene) is BookState.LIVE
    assert scene.shown() == "1@99 | 1@102"


def test_a_repeat_changes_nothing_and_is_counted() -> None:
    scene = live_scene()
    scene.hear(book(11, 12, "5@99"))
    before = scene.shown()

    scene.hear(book(11, 12, "5@99"))
    scene.hear(book(9, 10, "7@97"))

    assert scene.shown() == before
    assert (counts(scene).duplicates, counts(scene).gaps) == (2, 0)


def test_a_gap_ends_the_book_in_the_same_call_and_only_this_one() -> None:
    scene = Scene("BTC/USDT", "ETH/USDT")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        scene.hear(book(10, 10, symbol=symbol))
    for fetch in scene.wishes(Fetch):
        answer(scene, fetch, 10, "1@99", "1@101", symbol=fetch.symbol)

    scene.hear(book(12, 12, "7@99"))

    assert state(scene) is BookState.RESYNC
    assert "something between is missing" in scene.desk.listings["BTC/USDT"].reason
    assert scene.desk.listings["ETH/USDT"].state is BookState.LIVE
    (fetch,) = scene.wishes(Fetch)
    assert fetch.symbol == "BTCUSDT"
    assert (counts(scene).gaps, counts(scene).resyncs) == (1, 1)

    answer(scene, fetch, 11, "1@99", "1@101")
    assert state(scene) is BookState.LIVE
    assert scene.shown() == "7@99 | 1@101"  # The update after the gap was kept.


def test_an_answer_of_an_older_epoch_never_becomes_the_book() -> None:
    scene = Scene()
    scene.hear(book(10, 10))
    (late,) = scene.wishes(Fetch)
    scene.hear(book(11, 11, "bad@99"))
    answer(scene, late, 10, "1@99", "1@101")  # The malformed update comes to light here.
    assert state(scene) is BookState.RESYNC
    (fetch,) = scene.wishes(Fetch)

    answer(scene, late, 10, "9@99", "9@101")
    assert state(scene) is BookState.RESYNC

    answer(scene, fetch, 11, "2@99", "2@101")
    scene.hear(book(12, 12))
    assert scene.shown() == "2@99 | 2@101"


def test_an_answer_asked_for_before_the_book_began_anew_is_nothing_to_it() -> None:
    # given a question on its way while the venue closes the market and counts anew after that
    scene = Scene()
    scene.hear(book(1_000, 1_000))
    (late,) = scene.wishes(Fetch)
    scene.hear(Refused("We are at work.", symbol="BTCUSDT"), book(5, 5))
    (fetch,) = scene.wishes(Fetch)

    answer(scene, late, 1_000, "9@99", "9@101")

    assert state(scene) is BookState.RESYNC, "it does not wait for a number that never comes"
    assert scene.desk.errors["answer", "late"] == 1
    answer(scene, fetch, 5, "2@99", "2@101")
    assert scene.shown() == "2@99 | 2@101"


def test_nothing_of_an_update_with_a_malformed_number_is_taken_over() -> None:
    scene = live_scene()

    scene.hear(book(11, 11, "5@99 5@98", "5@101 -1@102"))

    assert scene.shown() == "1@99 2@98 | 1@101 2@102"
    assert state(scene) is BookState.RESYNC
    assert counts(scene).malformed == 1


def test_a_book_that_crosses_is_wrong() -> None:
    scene = live_scene()

    scene.hear(book(11, 11, "1@101"))

    assert state(scene) is BookState.RESYNC
    assert (counts(scene).crossed, counts(scene).mismatched) == (1, 1)
    assert len(scene.wishes(Mismatch)) == 1


def test_levels_without_a_quantity_in_a_snapshot_are_none() -> None:
    scene = Scene(manifest=make_manifest(**STREAMED))

    scene.hear(snapshot(10, "1@99 0@98", "0.0@101 2@102"))

    assert scene.shown() == "1@99 | 2@102"


def test_the_same_price_in_other_digits_is_the_same_level() -> None:
    scene = live_scene()

    scene.hear(book(11, 11, "3@99.00"))
    scene.hear(book(12, 12, "", "0@101.0"))

    assert scene.shown() == "3@99 2@98 | 2@102"


def test_an_update_ends_a_stale_book_and_silence_makes_it_stale() -> None:
    scene = live_scene()

    scene.wait(5.5)
    assert state(scene) is BookState.STALE
    scene.hear(book(11, 11))
    assert state(scene) is BookState.LIVE


# Snapshots in the stream.


def test_an_unasked_snapshot_replaces_the_book_and_no_level_survives() -> None:
    scene = live_scene(**STREAMED)

    scene.hear(snapshot(15, "3@97", "3@103"))
    assert scene.shown() == "3@97 | 3@103"

    scene.hear(snapshot(1, "4@96", "4@104"))  # The venue has begun to count anew.
    assert scene.shown() == "4@96 | 4@104"
    scene.hear(book(2, 2, "5@96"))
    assert scene.shown() == "5@96 | 4@104"
    assert counts(scene).gaps == 0


def test_a_repeat_of_the_same_snapshot_is_no_update_but_a_sign_of_life() -> None:
    scene = live_scene(**STREAMED)
    updates = counts(scene).updates
    scene.wait(4)

    scene.hear(snapshot(10, "1@99 2@98", "1@101 2@102"))

    assert (counts(scene).updates, counts(scene).gaps) == (updates, 0)
    scene.wait(4)
    assert state(scene) is BookState.LIVE


def test_a_gap_in_a_streamed_book_subscribes_to_this_topic_anew() -> None:
    scene = live_scene(**STREAMED)

    scene.hear(book(12, 12, "7@99"))

    (send,) = scene.wishes(Send)
    assert send.texts == ("unsubscribe book:BTCUSDT", "subscribe book:BTCUSDT")
    scene.hear(book(13, 13, "8@99"))
    assert state(scene) is BookState.RESYNC
    scene.hear(snapshot(13, "8@99", "1@101"))
    assert state(scene) is BookState.LIVE


def test_a_snapshot_that_comes_late_does_not_take_the_book_back() -> None:
    scene = live_scene(**STREAMED)
    scene.hear(book(11, 11, "7@99"))

    scene.hear(snapshot(9, "1@90", "1@110"))

    assert state(scene) is BookState.RESYNC
    assert scene.wishes(Send)


def test_a_snapshot_overtaken_by_its_updates_is_joined_to_them() -> None:
    scene = Scene(manifest=make_manifest(**STREAMED))
    scene.hear(book(11, 11, "7@99"))

    scene.hear(snapshot(10, "1@99", "1@101"))

    assert state(scene) is BookState.LIVE
    assert scene.shown() == "7@99 | 1@101"


# Futures.


def test_futures_are_bridged_by_the_update_that_ends_at_the_snapshot() -> None:
    scene = Scene(manifest=make_manifest(chain=Chain.LINKED))
    scene.hear(book(591, 600, "1@99", previous_id=590))
    (fetch,) = scene.wishes(Fetch)

    answer(scene, fetch, 600, "1@99", "1@101")

    assert state(scene) is BookState.LIVE
    scene.hear(book(640, 650, "2@99", previous_id=600))
    assert scene.shown() == "2@99 | 1@101"
    scene.hear(book(660, 670, "3@99", previous_id=655))
    assert state(scene) is BookState.RESYNC


def test_numbers_may_begin_anew_where_the_update_names_the_one_before() -> None:
    scene = live_scene(chain=Chain.LINKED)

    scene.hear(book(NONE, 3, "2@99", previous_id=10))
    scene.hear(book(NONE, 5, "3@99", previous_id=3))

    assert scene.shown() == "3@99 2@98 | 1@101 2@102"
    assert counts(scene).gaps == 0


# Numbers that begin anew, and sides that run out.


@pytest.mark.parametrize("chain", [Chain.CONTIGUOUS, Chain.LINKED])
def test_a_venue_that_counts_anew_unsaid_does_not_freeze_the_book(chain: Chain) -> None:
    scene = live_scene(chain=chain, stale_s=30)
    for number in range(11, 1_000):
        scene.hear(book(number, number, "1@99", previous_id=number - 1))

    seconds = 0.0
    for number in range(1, 200):
        scene.hear(book(number, number, "2@99", previous_id=number - 1))
        if state(scene) is not BookState.LIVE:
            break
        scene.wait(0.1)
        seconds += 0.1

    assert state(scene) is BookState.RESYNC
    assert seconds < 5
    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, number, "7@99", "7@101")
    scene.hear(book(number + 1, number + 1, "8@99", previous_id=number))
    assert state(scene) is BookState.LIVE
    assert scene.shown() == "8@99 | 7@101"


def test_updates_that_come_twice_in_a_burst_are_no_new_count() -> None:
    scene = live_scene()
    for _ in range(3):
        for number in range(11, 200):
            scene.hear(book(number, number, "1@99"))
        scene.wait(0.1)

    assert state(scene) is BookState.LIVE
    assert counts(scene).gaps == 0


@pytest.mark.parametrize(
    ("bids", "asks"), [("0@99 0@98", ""), ("", "0@101 0@102")], ids=["bids", "asks"]
)
def test_a_side_that_has_run_out_of_known_levels_is_not_shown_as_empty(
    bids: str, asks: str
) -> None:
    scene = Scene()
    scene.hear(book(10, 10))
    (fetch,) = scene.wishes(Fetch)
    answer(scene, fetch, 10, "1@99 2@98", "1@101 2@102", is_whole=False)
    assert state(scene) is BookState.LIVE

    scene.hear(book(11, 11, bids, asks))

    assert state(scene) is BookState.RESYNC
    assert (counts(scene).mismatched, counts(scene).gaps) == (0, 0)
    assert len(scene.wishes(Fetch)) == 1


def test_a_side_that_is_known_to_its_end_may_be_empty() -> None:
    scene = live_scene()

    scene.hear(book(11, 11, "0@99 0@98"))

    assert state(scene) is BookState.LIVE
    assert scene.shown() == " | 1@101 2@102"
