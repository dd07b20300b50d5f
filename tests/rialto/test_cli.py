"""The `rialto` command as a person meets it: refusals in one sentence, and the end of the data."""

import contextlib
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from rialto.__main__ import main
from rialto.embedded_redis import find_redis_binaries
from rialto.home import open_home
from rialto.runs import read_run
from rialto.versions import DATA_VERSION, OLDEST_DATA_VERSION
from shared.redis_client import connect
from tests.rialto.harness import Started, all_gone, children_of, rialto, tiny_run

TINY = {"name": "first", "code": "import time; time.sleep(600)"}


@pytest.fixture
def free_ports() -> dict[str, str]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in ("API", "ADMIN", "WS")]
    ports = [str(door.getsockname()[1]) for door in doors]
    for door in doors:
        door.close()
    names = ("RIALTO_API_PORT", "RIALTO_ADMIN_PORT", "RIALTO_WS_PORT")
    return dict(zip(names, ports, strict=True))


def refusal(started: Started) -> str:
    """Return the one sentence of a command that refused; nothing of it may be left running."""
    assert started.ends() == 1, started.output
    assert "Traceback" not in started.output
    sentence = started.output.splitlines()[-1]
    assert sentence.endswith((".", "?"))
    assert read_run(started.home) is None
    return sentence


class Interrupted(ModuleType):
    """A module in whose import somebody presses Ctrl-C."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_during_the_imports_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rialto.cli", Interrupted("rialto.cli"))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130


def test_up_refuses_a_port_in_use_and_names_port_and_setting(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = str(door.getsockname()[1])
        with rialto(tmp_path, "up", **{**free_ports, "RIALTO_WS_PORT": port}) as started:
            sentence = refusal(started)
    assert f"Port {port} on 127.0.0.1 is in use" in sentence
    assert "RIALTO_WS_PORT" in sentence
    assert len(started.output.splitlines()) == 1


def test_up_refuses_one_port_for_two_doors(tmp_path: Path, free_ports: dict[str, str]) -> None:
    free_ports["RIALTO_ADMIN_PORT"] = free_ports["RIALTO_API_PORT"]
    with rialto(tmp_path, "up", **free_ports) as started:
        assert "needs a port of its own" in refusal(started)


@pytest.mark.parametrize("place", ["/proc/rialto-home", "under a file"])
def test_up_refuses_a_folder_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.touch()
    home = file / "home" if place == "under a file" else Path(place)
    with rialto(home, "up") as started:
        assert f"cannot write to its folder {home}" in refusal(started)
    assert len(started.output.splitlines()) == 1


def test_up_refuses_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with rialto(tmp_path, "up") as started:
        assert "holds other things (thesis.tex)" in refusal(started)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_up_refuses_data_newer_than_the_program(tmp_path: Path) -> None:
    record = {"data_version": 1_000, "home_id": "x", "from_the_future": True}
    (tmp_path / "version.json").write_text(json.dumps(record))
    with rialto(tmp_path, "up") as started:
        assert "has version 1000 and this Rialto reads up to version" in refusal(started)


def test_up_refuses_data_older_than_the_program(tmp_path: Path) -> None:
    record = {"data_version": OLDEST_DATA_VERSION - 1, "home_id": "x"}
    (tmp_path / "version.json").write_text(json.dumps(record))
    with rialto(tmp_path, "up") as started:
        assert "go on with the older Rialto" in refusal(started)


def test_up_refuses_an_older_redis(tmp_path: Path, free_ports: dict[str, str]) -> None:
    record = {"data_version": DATA_VERSION, "home_id": "x", "redis_program": "redis"}
    (tmp_path / "version.json").write_text(json.dumps({**record, "redis_version": "99.0.0"}))
    with rialto(tmp_path, "up", **free_ports) as started:
        assert "was written by redis 99.0.0 and only" in refusal(started)


def test_up_refuses_a_record_that_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "version.json").write_text("{")
    with rialto(tmp_path, "up") as started:
        assert "version.json cannot be understood" in refusal(started)


def test_up_refuses_a_home_that_is_running(tmp_path: Path) -> None:
    with tiny_run(tmp_path, TINY) as first:
        first.says("all ready")
        with rialto(tmp_path, "up") as second:
            assert second.ends() == 1
        assert f"already runs on {tmp_path} as process {first.process.pid}" in second.output


def test_up_refuses_a_foreign_redis_that_does_not_answer_without_showing_its_password(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    url = f"redis://:hush@127.0.0.1:{free_ports['RIALTO_API_PORT']}/0"
    with rialto(tmp_path, "up", RIALTO_REDIS_URL=url, **free_ports) as started:
        assert "does not answer" in refusal(started)
    assert "hush" not in started.output


def test_up_refuses_a_setting_that_nobody_knows(tmp_path: Path) -> None:
    with rialto(tmp_path, "up", RIALTO_APY_PORT="1") as started:
        assert "RIALTO_APY_PORT" in refusal(started)


def test_up_starts_redis_first_and_ctrl_c_leaves_nothing(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    with rialto(tmp_path, "up", **free_ports) as started:
        started.says("ready  redis ")
        run = started.run()
        assert run.redis_url.startswith("redis://:")
        assert run.ports["api"] == int(free_ports["RIALTO_API_PORT"])
        marks = children_of(started.process.pid)
        started.signal(signal.SIGINT)
        assert started.ends() == 0
        all_gone(marks)
    record = json.loads((tmp_path / "version.json").read_text())
    binary = find_redis_binaries(os.environ)[0]
    assert [record["redis_program"], record["redis_version"]] == str(binary).split()
    assert not (tmp_path / "run.json").exists()


def test_all_that_a_run_writes_is_private_even_in_a_folder_that_was_not(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    tmp_path.chmod(0o755)
    with rialto(tmp_path, "up", **free_ports) as started:
        started.says("Rialto is up")
        started.signal(signal.SIGINT)
        assert started.ends() == 0
    written = [path for path in tmp_path.rglob("*") if path.suffix != ".sock"]
    assert tmp_path / "archive" in written
    open_to_others = [path.name for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_a_killed_redis_comes_back_at_the_same_url_with_its_data(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    with rialto(tmp_path, "up", **free_ports) as started:
        started.says("ready  redis ")
        url, first = started.run().redis_url, started.service("redis")
        _set(url, "kept", "yes")
        os.kill(first.pid, signal.SIGKILL)
        started.says("ready again  redis ")
        assert started.run().redis_url == url
        assert _get(url, "kept") == b"yes"


def test_after_kill_9_of_the_supervisor_the_next_run_finds_the_data(
    tmp_path: Path, free_ports: dict[str, str]
) -> None:
    with rialto(tmp_path, "up", **free_ports) as started:
        started.says("ready  redis ")
        _set(started.run().redis_url, "kept", "yes")
        marks = children_of(started.process.pid)
        started.process.kill()
        started.ends()
        all_gone(marks)
    with rialto(tmp_path, "up", **free_ports) as again:
        again.says("ready  redis ")
        assert _get(again.run().redis_url, "kept") == b"yes"


def _set(url: str, key: str, value: str) -> None:
    with contextlib.closing(connect(url)) as client:
        client.set(key, value)


def _get(url: str, key: str) -> object:
    with contextlib.closing(connect(url)) as client:
        return client.get(key)


def test_status_says_what_runs_and_what_does_not(tmp_path: Path) -> None:
    with rialto(tmp_path, "status") as started:
        assert started.ends() == 1
        assert f"does not run in {tmp_path}" in started.output
    with tiny_run(tmp_path, TINY) as first:
        first.says("all ready")
        with rialto(tmp_path, "status") as started:
            assert started.ends() == 0
        assert f"as process {first.process.pid}" in started.output
        assert f"runs, process {first.service('first').pid}" in started.output


def test_a_program_is_told_where_the_redis_is(tmp_path: Path) -> None:
    with rialto(tmp_path, "redis-url") as started:
        assert "so it has no Redis" in refusal(started)
    with tiny_run(tmp_path, TINY) as first:
        run = first.run()
        with rialto(tmp_path, "redis-url") as started:
            assert started.ends() == 0
        assert started.output == f"{run.redis_url}\n"


def test_reset_asks_and_without_a_terminal_wants_yes(tmp_path: Path) -> None:
    _used_home(tmp_path)
    with rialto(tmp_path, "reset") as started:
        assert "say --yes" in refusal(started)
    assert (tmp_path / "redis").exists()
    with rialto(tmp_path, "reset", "--yes") as started:
        assert started.ends() == 0
    assert not tmp_path.exists()
    with rialto(tmp_path, "reset", "--yes") as started:
        assert started.ends() == 0
        assert "Nothing to remove" in started.output


def test_reset_leaves_what_is_not_rialtos(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir()
    (outside / "dear").touch()
    _used_home(home)
    (home / "notes.txt").touch()
    (home / "archive").symlink_to(outside)
    with rialto(home, "reset", "--yes") as started:
        assert started.ends() == 0
        assert "Left alone, for they are not Rialto's: notes.txt" in started.output
    assert [path.name for path in home.iterdir()] == ["notes.txt"]
    assert (outside / "dear").exists()


def test_reset_refuses_a_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "dump.rdb").touch()
    with rialto(tmp_path, "reset", "--yes") as started:
        assert "is not a folder of Rialto's" in refusal(started)
    assert (tmp_path / "redis" / "dump.rdb").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["redis"]


def test_a_version_file_of_another_program_is_not_a_mark(tmp_path: Path) -> None:
    files = ("version.json", "archive/a.txt", "secrets/key", "logs/log")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"version": "4.2"}')
    with rialto(tmp_path, "reset", "--yes") as started:
        assert "is not a folder of Rialto's" in refusal(started)
    with rialto(tmp_path, "up") as started:
        assert "version.json cannot be understood" in refusal(started)
    assert all((tmp_path / name).exists() for name in files)
    assert not (tmp_path / "redis").exists()


def test_a_lock_file_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("left by apt")
    with rialto(tmp_path, "reset", "--yes") as started:
        assert "is not a folder of Rialto's" in refusal(started)
    with rialto(tmp_path, "up") as started:
        assert "holds other things (lock)" in refusal(started)
    assert (tmp_path / "lock").read_text() == "left by apt"


def test_up_does_not_adopt_folders_that_happen_to_have_our_names(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "backup.tar").touch()
    with rialto(tmp_path, "up") as started:
        assert "holds other things (archive)" in refusal(started)
    assert not (tmp_path / "version.json").exists()


def test_reset_of_newer_data_and_of_a_first_run_cut_short_empties_the_folder(
    tmp_path: Path,
) -> None:
    newer, cut_short = tmp_path / "newer", tmp_path / "cut-short"
    _used_home(newer)
    record = {"data_version": 1_000, "home_id": "x", "from_the_future": True}
    (newer / "version.json").write_text(json.dumps(record))
    cut_short.mkdir()
    (cut_short / "lock").write_text("4711")
    for home in (newer, cut_short):
        with rialto(home, "reset", "--yes") as started:
            assert started.ends() == 0, started.output
        assert not home.exists()


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("RIALTO_REDIS_URL", "redis://:hush@127.0.0.1:1/0"),
        ("REDIS_URL", "redis://:hush@127.0.0.1:1/0"),
        ("RIALTO_DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/db"),
    ],
)
def test_reset_refuses_to_remove_users_without_their_balances(
    variable: str, url: str, tmp_path: Path
) -> None:
    _used_home(tmp_path)
    with rialto(tmp_path, "reset", "--yes", **{variable: url}) as started:
        assert "Nothing was removed" in refusal(started)
    assert "hush" not in started.output
    assert (tmp_path / "users.db").exists()
    assert (tmp_path / "redis" / "file").exists()


def test_reset_refuses_a_home_that_is_running(tmp_path: Path) -> None:
    with tiny_run(tmp_path, TINY) as first:
        first.says("all ready")
        with rialto(tmp_path, "reset", "--yes") as second:
            assert second.ends() == 1
        assert "already runs on" in second.output
        assert psutil.pid_exists(first.service("first").pid)


def test_config_show_names_the_source_of_each_value(tmp_path: Path) -> None:
    with rialto(tmp_path, "config", "show", RIALTO_VENUE="moon") as started:
        assert started.ends() == 0
    rows = {line.split()[0]: line.split()[1:] for line in started.output.splitlines() if line}
    assert rows["venue"][0] == "moon"
    assert "RIALTO_VENUE" in " ".join(rows["venue"])
    assert rows["api_port"] == ["8000", "default"]
    assert rows["home"][0] == str(open_home(tmp_path).folder)


def _used_home(folder: Path) -> None:
    for name in ("redis", "secrets", "logs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "file").touch()
    (folder / "users.db").touch()
    (folder / "version.json").write_text(json.dumps({"data_version": DATA_VERSION, "home_id": "x"}))
