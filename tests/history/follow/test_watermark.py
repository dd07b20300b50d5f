"""The watermark: each way in which it could be wrong."""

from history.follow.watermark import Moment, Watermark
from history.projection.rows import CursorRow
from shared.messages import Applied

WRITTEN = CursorRow(sequence=20, n=10, at_ns=1_000, batch_digest="")


def moment(last_n: int, clock_ns: int) -> Moment:
    return Moment(last_n=last_n, clock_ns=clock_ns, n=10, sequence=20, at_ns=1_000, server="")


def test_without_a_look_at_the_venue_it_is_the_time_of_the_last_entry() -> None:
    assert Watermark().after(WRITTEN) == 1_000


def test_while_nothing_waits_it_goes_with_the_clock() -> None:
    # given
    watermark = Watermark()
    # when
    watermark.look(moment(last_n=10, clock_ns=5_000))
    # then
    assert watermark.after(WRITTEN) == 5_000


def test_while_commands_wait_for_the_engine_the_clock_says_nothing() -> None:
    """Entry 11 was stamped at 2,000 and will be carried out with that time, whenever it is."""
    # given
    watermark = Watermark()
    # when
    watermark.look(moment(last_n=11, clock_ns=5_000))
    # then
    assert watermark.after(WRITTEN) == 1_000


def test_what_is_committed_and_not_written_holds_the_clock_too() -> None:
    # given
    watermark = Watermark()
    # when the engine is at 12 and so is the journal, but the history is at 10
    watermark.look(Moment(last_n=12, clock_ns=5_000, n=12, sequence=24, at_ns=3_000, server=""))
    # then
    assert watermark.after(WRITTEN) == 1_000


def test_a_look_from_before_the_entry_says_nothing_of_the_time_after_it() -> None:
    # given
    watermark = Watermark()
    watermark.look(moment(last_n=9, clock_ns=900))
    # then
    assert watermark.after(WRITTEN) == 1_000


def test_it_takes_the_entrys_time_where_the_clock_was_set_back_before() -> None:
    """The engine takes the larger of the clock and the last time, and so do we."""
    # given
    watermark = Watermark()
    # when
    watermark.look(moment(last_n=10, clock_ns=400))
    # then
    assert watermark.after(WRITTEN) == 1_000


def test_it_never_goes_back_with_the_clock() -> None:
    # given
    watermark = Watermark()
    watermark.look(moment(last_n=10, clock_ns=5_000))
    assert watermark.after(WRITTEN) == 5_000
    # when
    watermark.look(moment(last_n=10, clock_ns=4_000))
    # then
    assert watermark.after(WRITTEN) == 5_000


def test_entries_of_a_clock_that_was_set_back_are_counted() -> None:
    # given
    watermark = Watermark()
    watermark.look(moment(last_n=10, clock_ns=5_000))
    watermark.after(WRITTEN)
    # when
    watermark.take([Applied(11, 4_000, ()), Applied(12, 4_999, ()), Applied(13, 5_000, ())])
    # then
    assert watermark.late_entries == 2
    assert watermark.after(CursorRow(25, 13, 5_000, "")) == 5_000
