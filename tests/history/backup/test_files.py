"""What is copied is its owner's alone."""

import os
from pathlib import Path

from history.backup.files import copy_file, make_folder


def test_a_folder_and_those_above_it_are_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make_folder(tmp_path / "a" / "b" / "c")
        (tmp_path / "source").write_text("secret")
        copy_file(tmp_path / "source", tmp_path / "a" / "d" / "e" / "copy")
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "a").rglob("*") if path.is_dir()]
    assert len(made) == 4
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a", *made)} == {0o700}
    make_folder(tmp_path / "a" / "b")  # It is there: nothing is wrong with that.
