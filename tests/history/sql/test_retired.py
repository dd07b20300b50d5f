"""The note of what has left the database is read as it was written, or refused by its name."""

from pathlib import Path

import pytest

from history.sql.retired import NOTE, RetiredError, note_of, whole_since_day


def test_without_a_note_everything_is_there(tmp_path: Path) -> None:
    assert whole_since_day(tmp_path) == 0


@pytest.mark.parametrize("day", [1, 20_778])
def test_the_day_is_the_one_that_was_noted(tmp_path: Path, day: int) -> None:
    (tmp_path / NOTE).write_bytes(note_of(day))
    assert whole_since_day(tmp_path) == day


def test_it_can_be_read_by_a_person() -> None:
    assert note_of(1) == b'{"before":"1970-01-02"}\n'


@pytest.mark.parametrize("text", ["", "{}", '{"before":"yesterday"}', '{"before":5}'])
def test_a_note_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / NOTE).write_text(text)
    with pytest.raises(RetiredError, match=NOTE):
        whole_since_day(tmp_path)
