"""A reset removes all that services leave behind in a home, and never a half of it."""

from pathlib import Path

import msgspec
import pytest

from rialto.errors import RialtoError
from rialto.home import Home, prepare
from rialto.reset import refuse_half, reset
from rialto.versions import record_writer
from shared.settings import Settings


def marked_home(folder: Path) -> Home:
    home = Home(folder)
    prepare(home)
    record_writer(home, None)
    return home


def test_whatever_the_settings_say_lies_in_home_is_removed(tmp_path: Path) -> None:
    # Given a home with a folder for each setting that names one, and the two databases.
    home = marked_home(tmp_path / "home")
    settings = Settings(home=str(home.folder))
    for folder in (
        settings.archive_path,
        settings.snapshot_path,
        settings.parquet_path,
        settings.flights_path,
    ):
        folder.mkdir()
        (folder / "file").write_text("something")
    for name in (
        "users.db",
        "users.db-wal",
        "history.db",
        "history.db-wal",
        "history.db-shm",
        "history.lock",
    ):
        (home.folder / name).write_text("something")
    # When it is reset, then nothing is left, not even the folder.
    assert reset(home) == []
    assert not home.folder.exists()


@pytest.mark.parametrize("name", ["redis_url", "database_url", "history_database_url"])
def test_data_that_lies_elsewhere_is_not_parted_from_the_rest(name: str) -> None:
    with pytest.raises(RialtoError, match=f"Nothing was removed.*{name}"):
        refuse_half(msgspec.structs.replace(Settings(), **{name: "postgresql://elsewhere/rialto"}))


def test_a_home_with_all_its_data_may_be_reset() -> None:
    refuse_half(Settings())
