"""The supervisor over tiny real processes: every start, death and end that a service can have."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rialto.home import Home, open_home
from rialto.runs import ProcessMark, is_alive, read_run
from tests.rialto.harness import (
    DEADLINE_S,
    ROOT,
    SLEEPER,
    STUBBORN,
    all_gone,
    children_of,
    tiny_run,
    until,
)


def test_all_services_start_and_the_run_is_noted_for_its_owner_only(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("first"), _sleeper("second")) as started:
        started.says("all ready")
        run = started.run()
        assert run.pid == started.process.pid
        assert set(run.services) == {"first", "second"}
        assert stat.S_IMODE(os.stat(tmp_path / "run.json").st_mode) == 0o600


def test_a_killed_service_is_restarted_and_the_signal_is_named(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("worker"), _sleeper("other")) as started:
        started.says("all ready")
        worker, other = started.service("worker"), started.service("other")
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: started.service("worker") != worker, "a new worker")
        started.says("died (SIGKILL), starts again in 0.1 s")
        started.says("ready again")
        assert started.service("other") == other


def test_a_service_that_cannot_stay_up_is_reported_with_its_reason_and_backs_off(
    tmp_path: Path,
) -> None:
    code = "import sys; sys.exit('the disk of the moon is full')"
    with tiny_run(tmp_path, {"name": "broken", "code": code}, _sleeper("sound")) as started:
        started.says("cannot stay up: 5 quick deaths in a row")
        for delay in ("0.1 s", "0.2 s", "0.4 s", "0.8 s", "Next try in 1.6 s"):
            started.says(delay)
        started.says("the last with exit code 1: the disk of the moon is full")
        assert started.output.count("| the disk of the moon is full") == 1
        started.service("sound")


def test_a_vital_service_that_never_starts_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    broken = {"name": "redis", "code": "import sys; sys.exit('bad file')", "vital": True}
    with tiny_run(tmp_path, broken, _sleeper("later")) as started:
        assert started.ends() == 1
        assert "redis cannot start: bad file" in started.output.splitlines()[-1]
        assert "later" not in started.output


def test_exit_code_78_at_the_start_ends_the_run_with_the_services_own_sentence(
    tmp_path: Path,
) -> None:
    code = "import sys; print('The keys are gone: put them back.'); sys.exit(78)"
    with tiny_run(tmp_path, _sleeper("first"), {"name": "second", "code": code}) as started:
        started.says("ready")
        assert started.ends() == 1
        assert started.output.splitlines()[-1] == "The keys are gone: put them back."
        assert "Traceback" not in started.output
        assert read_run(open_home(tmp_path)) is None


def test_exit_code_78_later_is_tried_again_until_its_cause_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "if os.path.exists('{home}/stop'): sys.exit(print('no more') or 78)\n"
        "time.sleep(600)"
    )
    with tiny_run(tmp_path, {"name": "moody", "code": code}, _sleeper("other")) as started:
        started.says("all ready")
        (tmp_path / "stop").touch()
        other = started.service("other")
        os.kill(started.service("moody").pid, signal.SIGKILL)
        started.says("| no more")
        started.says("died (exit code 78)", times=2)
        (tmp_path / "stop").unlink()
        started.says("moody          ready again")
        assert started.service("other") == other


def test_a_restart_without_a_free_descriptor_is_tried_again(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("worker"), _sleeper("other")) as started:
        started.says("all ready")
        worker, other = started.service("worker"), started.service("other")
        soft, hard = resource.prlimit(started.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(started.process.pid, resource.RLIMIT_NOFILE, (3, hard))
        os.kill(worker.pid, signal.SIGKILL)
        started.says("it could not be started: Too many open files")
        resource.prlimit(started.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        until(lambda: started.service("worker") != worker, "a new worker")
        assert started.service("other") == other


def test_a_reader_that_stands_still_does_not_hold_up_the_run(tmp_path: Path) -> None:
    code = (
        "import json, time\n"
        "for _ in range(5_000): print(json.dumps({'level': 'error', 'event': 'x' * 200}))\n"
        "open('{home}/said', 'w').close()\n"
        "time.sleep(600)"
    )
    plans = json.dumps([{"name": "talker", "code": code}])
    argv = [sys.executable, "-m", "tests.rialto.tiny_run", str(tmp_path), plans]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        try:
            until((tmp_path / "said").exists, "all that the talker has to say")
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()


def test_a_service_waits_for_what_it_needs_before_it_starts_again(tmp_path: Path) -> None:
    fragile = (
        "import os, sys, time\n"
        "if os.path.exists('{home}/redis-broken'): sys.exit('still broken')\n"
        "time.sleep(600)"
    )
    plans = ({"name": "redis", "code": fragile}, {**_sleeper("engine"), "needs": ["redis"]})
    with tiny_run(tmp_path, *plans) as started:
        started.says("all ready")
        (tmp_path / "redis-broken").touch()
        redis, engine = started.service("redis"), started.service("engine")
        os.kill(redis.pid, signal.SIGKILL)
        os.kill(engine.pid, signal.SIGKILL)
        started.says("still broken")
        assert started.run().services.get("engine") in (None, engine)
        (tmp_path / "redis-broken").unlink()
        until(lambda: started.service("engine") != engine, "the engine again")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with tiny_run(tmp_path, _sleeper("first"), _sleeper("second")) as started:
        started.says("all ready")
        marks = children_of(started.process.pid)
        assert len(marks) == 2
        started.signal(number)
        assert started.ends() == 0
        all_gone(marks)
        assert not (tmp_path / "run.json").exists()


def test_services_stop_in_the_order_of_their_ranks(tmp_path: Path) -> None:
    plans = [
        {"name": name, "code": _writes_its_end(name), "stop_rank": rank}
        for name, rank in (("redis", 3), ("engine", 1), ("archive", 2), ("api", 0))
    ]
    with tiny_run(tmp_path, *plans) as started:
        started.says("all ready")
        started.signal(signal.SIGTERM)
        assert started.ends() == 0
    assert (tmp_path / "ends").read_text().split() == ["api", "engine", "archive", "redis"]


def test_a_service_that_does_not_stop_is_killed_at_its_deadline(tmp_path: Path) -> None:
    plan = {"name": "deaf", "code": STUBBORN, "stop_deadline_s": 0.3}
    with tiny_run(tmp_path, plan) as started:
        started.says("all ready")
        deaf = started.service("deaf")
        started.signal(signal.SIGTERM)
        assert started.ends() == 0
        assert "did not stop within 0.3 s, killed" in started.output
        all_gone([deaf])


def test_a_signal_during_the_start_stops_everything(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("first"), _sleeper("second")) as started:
        mark = started.service("first")
        started.signal(signal.SIGTERM)
        assert started.ends() == 0
        all_gone([mark])


def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("first"), {"name": "deaf", "code": STUBBORN}) as started:
        started.says("all ready")
        marks = children_of(started.process.pid)
        assert len(marks) == 2
        started.process.kill()
        started.ends()
        all_gone(marks)
        assert (tmp_path / "run.json").exists()
        assert read_run(open_home(tmp_path)) is None
    with tiny_run(tmp_path, _sleeper("first")) as again:
        again.says("all ready")


def test_what_a_service_started_itself_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('started', flush=True); time.sleep(600)"
    )
    with tiny_run(tmp_path, {"name": "parent", "code": code}) as started:
        log = tmp_path / "logs" / "parent.log"
        until(lambda: log.exists() and "started" in log.read_text(), "the grandchild")
        marks = children_of(started.process.pid)
        assert len(marks) == 2
        started.signal(signal.SIGTERM)
        assert started.ends() == 0
        all_gone(marks)


def test_a_second_run_on_the_same_home_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with tiny_run(tmp_path, _sleeper("first")) as started:
        started.says("all ready")
        mark = started.service("first")
        with tiny_run(tmp_path, _sleeper("first")) as second:
            assert second.ends() == 1
            (sentence,) = second.output.splitlines()
            assert f"already runs on {tmp_path} as process {started.process.pid}" in sentence
        assert started.service("first") == mark


def test_warnings_of_a_service_reach_the_console_and_all_lines_its_log(tmp_path: Path) -> None:
    code = (
        "import json, time\n"
        "print(json.dumps({'level': 'info', 'event': 'a quiet line'}))\n"
        "print(json.dumps({'level': 'warning', 'event': 'a loud line', 'n': 7}), flush=True)\n"
        "time.sleep(600)"
    )
    with tiny_run(tmp_path, {"name": "talker", "code": code}) as started:
        started.says("a loud line n=7")
        assert "a quiet line" not in started.output
        assert "a quiet line" in (tmp_path / "logs" / "talker.log").read_text()


def test_a_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    plans = json.dumps([_sleeper("a")])
    argv = [sys.executable, "-m", "tests.rialto.tiny_run", str(tmp_path), plans]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.close()
        home = open_home(tmp_path)
        first = until(lambda: _service(home, "a"), "the service")
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: _service(home, "a") not in (None, first), "the service again")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()


def _service(home: Home, name: str) -> ProcessMark | None:
    run = read_run(home)
    mark = run.services.get(name) if run else None
    return mark if mark and is_alive(mark) else None


def _sleeper(name: str) -> dict[str, str]:
    return {"name": name, "code": SLEEPER}


def _writes_its_end(name: str) -> str:
    return (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open('{{home}}/ends', 'a').write('{name} ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "time.sleep(600)"
    )
