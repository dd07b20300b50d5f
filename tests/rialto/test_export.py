"""`rialto export`, as a person types it, at a gateway process and a history of the test's own."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.edge.examples import example_of
from rialto.client import Client, calls
from rialto.embedded_redis import choose_port
from rialto.errors import RialtoError
from rialto.export import Kind, time_ns, wanted_call
from tests.api.exchange import PASSWORD
from tests.conftest import ROOT, RedisServers, redis_binaries
from tests.support.deadlines import eventually
from tests.support.fake_history import CSV_HEAD, FakeHistory, Manner, history_in_a_thread
from tests.support.processes import running_service

ROWS = 500
DOCUMENTED_URL = "http://127.0.0.1:8000"
FILE = CSV_HEAD + "".join(f"{row},101.5\r\n" for row in range(ROWS))


@dataclass(frozen=True)
class Place:
    """A gateway and its history; `alice` has an account."""

    url: str
    history: FakeHistory

    def export(self, *words: str, secret: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rialto", "export", *words, "--url", self.url],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "error"},
            input=f"{secret}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def place(redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A gateway without an engine, which nothing here needs."""
    home = tmp_path_factory.mktemp("export") / "home"
    port = choose_port()
    url = f"http://127.0.0.1:{port}"
    with history_in_a_thread(FakeHistory(example=example_of, csv_rows=ROWS)) as history:
        settings = {
            "redis_url": redis_servers.fresh(redis_binaries()[0]).url,
            "api_port": port,
            "admin_port": choose_port(),
            "history_url": history.url,
        }
        with running_service("api", home, settings) as service:

            def is_up() -> bool:
                service.fail_if_ended()
                try:
                    return httpx.get(f"{url}/health").status_code == 200
                except httpx.HTTPError:
                    return False

            eventually(is_up)
            with Client(url) as client:
                client.register("alice", PASSWORD)
            yield Place(url, history)


def test_a_statement_is_written_for_its_owner(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "ledger.csv"
    words = ("ledger", "--asset", "INR", "--from", "2031-01-01", "--username", "alice")
    done = place.export(*words, "--out", str(out), secret=PASSWORD)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.endswith(f"{ROWS} rows, {len(FILE)} bytes.\n")
    assert out.read_bytes().decode() == FILE
    assert out.stat().st_mode & 0o777 == 0o600
    path, query = place.history.asked[-1]
    assert (path, query.asset, query.from_ns) == ("/ledger", "INR", 1_924_992_000_000_000_000)
    assert query.account_id > 0


def test_an_export_leaves_no_session(place: Place, tmp_path: Path) -> None:
    with Client(place.url) as client:
        client.log_in("alice", PASSWORD)
        before = len(client.sessions().sessions)
        words = ("fills", "--username", "alice", "--out", str(tmp_path / "fills.csv"))
        assert place.export(*words, secret=PASSWORD).returncode == 0
        assert len(client.sessions().sessions) == before


def test_the_market_is_for_everybody(place: Place) -> None:
    done = place.export("klines", "--market", "TATA_INR", "--interval", "1m", "--out", "-")
    assert done.returncode == 0, done.stderr
    assert done.stdout == FILE.replace("\r\n", "\n")  # As text is read here.


def test_a_pipe_or_a_device_is_written_to_and_stays_what_it_is(
    place: Place, tmp_path: Path
) -> None:
    pipe = tmp_path / "trades.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        done = place.export("trades", "--market", "TATA_INR", "--out", str(pipe))
        assert (done.returncode, os.read(reader, 100_000).decode()) == (0, FILE), done.stderr
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["trades.csv"]


def test_a_link_stays_and_what_it_leads_to_is_written(place: Place, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("of yesterday")
    (tmp_path / "trades.csv").symlink_to("target")
    out = str(tmp_path / "trades.csv")
    done = place.export("trades", "--market", "TATA_INR", "--out", out)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "target").read_bytes().decode() == FILE
    assert os.readlink(out) == "target"


def test_a_file_that_breaks_off_is_not_there(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "trades.csv"
    out.write_text("of yesterday")
    place.history.manner = Manner.CSV_DIES
    try:
        done = place.export("trades", "--market", "TATA_INR", "--out", str(out))
    finally:
        place.history.manner = Manner.GOOD
    assert done.returncode == 1
    assert done.stderr.startswith("Nothing was exported: ")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["trades.csv"]
    assert out.read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ledger", "--out", "x.csv"), "These rows are somebody's"),
        (("ledger", "--username", "alice", "--out", "x.csv"), "The username or the password"),
        (("klines", "--market", "A", "--out", "x.csv"), "klines need an --interval"),
        (("fills", "--asset", "INR", "--out", "x.csv"), "fills cannot be chosen by --asset"),
        (("trades", "--market", "A", "--from", "May", "--out", "x.csv"), "--from is a time"),
        (("trades", "--market", "A", "--from", "٣", "--out", "x.csv"), "--from is a time"),
        (("money", "--out", "x.csv"), "'money' is none of them"),
        (("trades", "--market", "a b", "--out", "x.csv"), "market has 1 to 64"),
    ],
)
def test_a_no_is_one_sentence(place: Place, words: tuple[str, ...], sentence: str) -> None:
    done = place.export(*words, secret="wrong")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (ROOT / "x.csv").exists()


def test_times_are_exact() -> None:
    assert time_ns("1924992000000000007", "from_ns") == 1_924_992_000_000_000_007
    assert time_ns("2031-01-01", "from_ns") == 1_924_992_000_000_000_000
    assert time_ns("2031-01-01T00:00:00.999999", "to_ns") == 1_924_992_000_999_999_000
    assert time_ns("2031-01-01T05:30+05:30", "to_ns") == 1_924_992_000_000_000_000


def test_the_last_day_is_meant_whole_and_a_time_is_a_moment_that_is_not_included() -> None:
    midnight = 1_924_992_000_000_000_000
    assert time_ns("2031-01-01", "to_ns") == midnight + 86_400 * 10**9
    assert time_ns("2031-01-01T00:00", "to_ns") == midnight
    assert time_ns(str(midnight), "to_ns") == midnight
    day = wanted_call(Kind.FILLS, from_ns="2031-01-01", to_ns="2031-01-01")
    assert day == calls.fills(from_ns=midnight, to_ns=midnight + 86_400 * 10**9)


def test_every_kind_has_its_call() -> None:
    for kind in Kind:
        if kind in (Kind.TRADES, Kind.KLINES):
            continue
        assert not wanted_call(kind, from_ns="5").is_open
    assert wanted_call(Kind.TRADES, market="A") == calls.trade_history("A")
    assert wanted_call(Kind.KLINES, market="A", interval="1m") == calls.klines("A", "1m")
    with pytest.raises(RialtoError, match="trades need a --market"):
        wanted_call(Kind.TRADES)


def test_the_page_shows_a_program_that_does_it(place: Place, tmp_path: Path) -> None:
    # Given the example of docs/PROTOCOL.md as it stands, and the user that is in it.
    section = (ROOT / "docs" / "PROTOCOL.md").read_text().split("\n### History\n")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    assert DOCUMENTED_URL in found[1]
    with Client(place.url) as client:
        client.register("bob", "correct horse battery")
    # When a Python of its own runs it, then the file is there.
    done = subprocess.run(
        [sys.executable, "-c", found[1].replace(DOCUMENTED_URL, place.url)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.stderr == ""
    assert (tmp_path / "ledger.csv").read_bytes().decode() == FILE
