"""Files that are there whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from shared.whole_file import whole_file


class BreaksOff(Exception):
    """Whoever writes has not come to the end."""


def write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text.encode())


def test_a_file_is_its_owners_and_nothing_is_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "new")
    assert (tmp_path / "a.csv").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.csv"]


def test_what_breaks_off_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("of yesterday")

    def break_off() -> None:
        with whole_file(tmp_path / "a.csv") as file:
            file.write(b"half")
            raise BreaksOff

    with pytest.raises(BreaksOff):
        break_off()
    assert (tmp_path / "a.csv").read_text() == "of yesterday"
    assert os.listdir(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target = folder / "a.csv"
    if is_there:
        target.write_text("of yesterday")
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("elsewhere/a.csv")
    write(tmp_path / "first", "new")
    assert target.read_text() == "new"
    assert not target.is_symlink()
    assert os.readlink(tmp_path / "first") == "second"
    assert os.readlink(tmp_path / "second") == "elsewhere/a.csv"
    assert os.listdir(folder) == ["a.csv"]


def test_links_in_a_circle_are_an_error_and_stay(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="a") as refused:
        write(tmp_path / "a", "new")
    assert refused.value.errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_pipe_is_written_to_by_a_link_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        write(tmp_path / "link", "new")
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert (tmp_path / "link").is_symlink()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "folder", "new")
    assert os.listdir(tmp_path) == ["folder"]
