"""A snapshot and the updates around it, until they fit together."""

from aggregator.books.chains import Place
from aggregator.books.joining import UPDATES_KEPT_MAX, Fit, Joining
from aggregator.protocol import NONE, Chain
from tests.support.json_venue import book, snapshot


def make(chain: Chain, *ids: tuple[int, int]) -> Joining:
    joining = Joining(chain)
    for first_id, last_id in ids:
        joining.keep(book(first_id, last_id, previous_id=first_id))
    return joining


def ids_of(joining: Joining) -> list[int]:
    return [update.last_id for update in joining.updates]


def test_the_updates_that_a_snapshot_has_already_are_left_out() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7), (8, 9), (10, 12))
    joining.snapshot = snapshot(8, "", "")

    assert joining.fit_answer() is Fit.JOINED
    assert ids_of(joining) == [9, 12]


def test_the_first_update_may_begin_right_after_the_snapshot() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7), (8, 9))
    joining.snapshot = snapshot(7, "", "")

    assert joining.fit_answer() is Fit.JOINED
    assert ids_of(joining) == [9]


def test_a_snapshot_older_than_the_stream_is_of_no_use() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7))
    joining.snapshot = snapshot(3, "", "")

    fit = joining.fit_answer()
    assert fit is Fit.TOO_OLD
    assert ids_of(joining) == [7]  # They wait for the next one.


def test_a_snapshot_newer_than_the_stream_waits_until_it_is_reached() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7))
    joining.snapshot = snapshot(9, "", "")
    assert joining.fit_answer() is Fit.WAITING

    joining.keep(book(8, 8))
    assert joining.fit_answer() is Fit.WAITING

    joining.keep(book(9, 10))
    assert joining.fit_answer() is Fit.JOINED
    assert ids_of(joining) == [10]


def test_a_snapshot_at_the_very_end_of_the_stream_fits_without_any_update() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7))
    joining.snapshot = snapshot(7, "", "")

    assert joining.fit_answer() is Fit.JOINED
    assert ids_of(joining) == []


def test_a_snapshot_before_any_update_waits() -> None:
    joining = Joining(Chain.CONTIGUOUS)
    joining.snapshot = snapshot(7, "", "")

    assert joining.fit_answer() is Fit.WAITING


def test_futures_go_live_with_the_update_that_ends_at_the_snapshot() -> None:
    joining = Joining(Chain.LINKED)
    joining.keep(book(NONE, 600, previous_id=590))
    joining.snapshot = snapshot(600, "", "")

    assert joining.fit_answer() is Fit.JOINED
    assert ids_of(joining) == [600]


def test_a_gap_among_kept_updates_leaves_those_after_it() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7))

    assert joining.keep(book(9, 9)) is Place.GAP
    assert ids_of(joining) == [9]
    joining.snapshot = snapshot(7, "", "")
    assert joining.fit_answer() is Fit.TOO_OLD


def test_a_repeat_is_not_kept_twice() -> None:
    joining = make(Chain.CONTIGUOUS, (5, 7))

    assert joining.keep(book(5, 7)) is Place.OLD
    assert ids_of(joining) == [7]


def test_no_more_updates_are_kept_than_the_limit() -> None:
    joining = make(Chain.CONTIGUOUS, *((number, number) for number in range(UPDATES_KEPT_MAX + 1)))

    assert ids_of(joining) == [UPDATES_KEPT_MAX]


def test_a_streamed_snapshot_that_was_held_up_takes_the_updates_that_overtook_it() -> None:
    joining = make(Chain.CONTIGUOUS, (8, 8), (9, 9))
    joining.snapshot = snapshot(7, "", "")

    assert joining.fit_streamed() is Fit.JOINED
    assert ids_of(joining) == [8, 9]


def test_a_streamed_snapshot_too_far_behind_is_not_taken() -> None:
    joining = make(Chain.CONTIGUOUS, (9, 9))
    joining.snapshot = snapshot(7, "", "")

    assert joining.fit_streamed() is Fit.TOO_OLD


def test_a_restart_makes_what_came_before_it_void() -> None:
    joining = make(Chain.CONTIGUOUS, (500, 500))
    joining.snapshot = snapshot(1, "", "")

    assert joining.fit_streamed() is Fit.JOINED
    assert ids_of(joining) == []
