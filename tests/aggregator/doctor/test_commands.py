"""`rialto doctor`: what it prints, and its exit code."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from aggregator.doctor.commands import doctor_command
from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from tests.support.deadlines import eventually


class _Running:
    """Simulated venues in a thread of their own, for commands that run a loop themselves."""

    def __init__(self) -> None:
        self.server: VenuesServer | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        eventually(lambda: self.server)

    def _run(self) -> None:
        server = VenuesServer(load_speakers(), rate=50)
        self._loop.run_until_complete(server.start("127.0.0.1", 0))
        self.server = server
        self._loop.run_forever()
        self._loop.run_until_complete(server.stop())
        self._loop.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture
def venues() -> Iterator[VenuesServer]:
    """All simulated venues, running."""
    running = _Running()
    assert running.server is not None
    yield running.server
    running.end()


def _run(*words: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(doctor_command)
    result = CliRunner().invoke(app, words)
    return result.exit_code, result.output


def test_all_enabled_feeds_are_shown_and_work(venues: VenuesServer) -> None:
    code, shown = _run("--address", f"127.0.0.1:{venues.port}")
    assert code == 0, shown
    for feed in ("binance:spot", "bybit:linear", "kraken:spot", "coinbase:spot"):
        assert feed in shown
    assert "4 of 4 feeds work from here." in shown
    assert "FAILED" not in shown


def test_one_feed_that_does_not_work_makes_the_exit_code_1(venues: VenuesServer) -> None:
    venues.faults("kraken:spot").moods.is_refusing = True
    words = ("--address", f"127.0.0.1:{venues.port}", "--wait", "3", "--json")
    code, shown = _run(*words, "kraken:spot", "okx:spot")
    assert code == 1
    kraken, okx = (json.loads(line) for line in shown.splitlines())
    assert (kraken["feed"], okx["feed"]) == ("kraken:spot", "okx:spot")
    outcomes = {finding["step"]: finding["outcome"] for finding in kraken["findings"]}
    assert outcomes["subscription"] == "failed"
    assert all(finding["outcome"] == "ok" for finding in okx["findings"])


def test_an_unknown_feed_is_named_with_the_nearest() -> None:
    code, shown = _run("kraken:spott")
    assert code == 1
    assert "There is no feed kraken:spott; did you mean kraken:spot?" in shown


def test_without_internet_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = _run("--address", "venues.invalid:80")
    assert code == 1
    assert "this machine has no internet, or no DNS" in shown
    assert "0 of 4 feeds work from here." in shown
