"""A throw-away exchange serves its purpose and is gone, whatever happens."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from rialto.errors import RialtoError
from rialto.throwaway import Throwaway, run_on_throwaway
from rialto.versions import RedisBinary
from shared.channels import Keys
from shared.redis_client import connect_async
from tests.rialto.harness import all_gone, children_of


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which throw-away homes are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


async def _look(place: Throwaway) -> tuple[object, int]:
    client = connect_async(place.redis_url)
    try:
        holder = await client.get(Keys(place.venue).lease)
        return holder, len(children_of(os.getpid()))
    finally:
        await client.aclose()


def _process(*words: str) -> psutil.Process:
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if _words_of(child)[-len(words) :] == list(words))


def _words_of(child: psutil.Process) -> list[str]:
    try:
        return list(child.cmdline())
    except psutil.ZombieProcess:  # What an earlier test has killed and nobody has asked for yet.
        return []


def test_it_has_an_engine_and_an_archiver_on_every_redis_and_leaves_nothing(
    temp: Path, redis_binary: RedisBinary
) -> None:
    before = set(children_of(os.getpid()))
    holder, children = run_on_throwaway(os.environ, _look, binary=redis_binary)
    assert holder
    assert children == len(before) + 3
    assert list(temp.iterdir()) == []
    assert set(children_of(os.getpid())) == before


def test_the_settings_of_the_person_do_not_reach_it(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temp / "rialto.toml").write_text(f'archive_dir = "{temp}/real"\nvenue = "real"\n')
    monkeypatch.chdir(temp)
    environ = {**os.environ, "RIALTO_VENUE": "real", "REDIS_URL": "redis://127.0.0.1:1"}
    holder, _ = run_on_throwaway(environ, _look)
    assert holder
    assert not (temp / "real").exists()


def test_the_end_of_a_part_ends_the_work_in_one_sentence(temp: Path) -> None:
    before = set(children_of(os.getpid()))

    async def work(_place: Throwaway) -> None:
        _process("-m", "engine").kill()
        await asyncio.Event().wait()

    with pytest.raises(RialtoError, match=r"The engine ended \(SIGKILL\)"):
        run_on_throwaway(os.environ, work)
    assert list(temp.iterdir()) == []
    all_gone(sorted(set(children_of(os.getpid())) - before, key=str))


def test_a_signal_ends_the_work_and_leaves_nothing(temp: Path) -> None:
    before = set(children_of(os.getpid()))

    async def work(_place: Throwaway) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(RialtoError, match="Stopped by a signal"):
        run_on_throwaway(os.environ, work)
    assert list(temp.iterdir()) == []
    assert set(children_of(os.getpid())) == before
