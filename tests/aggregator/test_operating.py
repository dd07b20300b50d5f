"""`rialto aggregator`: what an operator sees, and what is told when nobody is there."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
import redis
from typer.testing import CliRunner

from aggregator.operating import app
from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.messages import BookState, FeedState, FeedStatus, SymbolStatus
from shared.operating_outside import ResumeFeed, read_order
from shared.wire import DecodeError
from tests.support.deadlines import eventually

HALTED = FeedStatus(
    feed="kraken:spot",
    state=FeedState.HALTED,
    since_ns=1,
    reason="too many failures",
    books=(SymbolStatus(book="kraken:spot:BTC/USD", state=BookState.RESYNC, since_ns=1),),
)
LIVE = FeedStatus(feed="bybit:linear", state=FeedState.LIVE, since_ns=1)


@contextmanager
def a_door(statuses: list[FeedStatus], home: str = "") -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            health = {"status": "ok", "home": home}
            body = msgspec.json.encode(statuses if self.path == "/status" else health)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("RIALTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(choose_port()))
    monkeypatch.setenv("COLUMNS", "120")


def test_each_feed_is_shown_and_a_trouble_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_door([HALTED, LIVE]) as port:
        monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(port))
        result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "too many failures" in result.output
    assert "kraken:spot:BTC/USD" in result.output


def test_when_all_is_well_the_exit_code_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_door([LIVE]) as port:
        monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(port))
        assert CliRunner().invoke(app, ["status"]).exit_code == 0


def test_without_an_aggregator_there_is_one_sentence() -> None:
    result = CliRunner().invoke(app, ["status"])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "No aggregator answers at 127.0.0.1:" in result.output


def test_of_several_those_that_answer_are_shown_and_the_others_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_door([LIVE]) as port:
        # The one before it, at a port where nobody listens.
        monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(port - 1))
        monkeypatch.setenv("RIALTO_AGGREGATORS", "2")
        monkeypatch.setenv("RIALTO_AGGREGATOR_HOST", "0.0.0.0")
        result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "bybit:linear" in result.output
    assert f"No aggregator answers at 127.0.0.1:{port - 1}" in result.output


def run_of(home: Path, **ports: int) -> None:
    """Note a run that is alive in a folder, as `rialto up` does."""
    home.mkdir()
    run = {"pid": os.getpid(), "redis_url": "", "ports": ports}
    (home / "run.json").write_bytes(msgspec.json.encode(run))


def test_of_another_home_the_aggregator_is_where_its_run_says(tmp_path: Path) -> None:
    # given a run with ports of its own, which this shell's settings do not know
    home = tmp_path / "other"
    with a_door([LIVE], str(home)) as port:
        run_of(home, api=1, aggregator=port)
        result = CliRunner().invoke(app, ["status", "--home", str(home)])
    assert (result.exit_code, "bybit:linear" in result.output) == (0, True)


def test_another_exchanges_aggregator_at_this_port_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_door([LIVE], str(tmp_path / "home")) as port:
        monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(port))
        ours = CliRunner().invoke(app, ["status"])
        other = CliRunner().invoke(app, ["status", "--home", str(tmp_path / "other")])
    assert ours.exit_code == 0
    assert other.exit_code == 1
    assert other.output == (
        f"At 127.0.0.1:{port} is the aggregator of {tmp_path / 'home'}, not of "
        f"{tmp_path / 'other'}.\n"
    )


def test_a_run_without_an_aggregator_says_so(tmp_path: Path) -> None:
    run_of(tmp_path / "other", api=1)
    result = CliRunner().invoke(app, ["status", "--home", str(tmp_path / "other")])
    assert result.exit_code == 1
    assert result.output == "The aggregator is switched off (RIALTO_AGGREGATOR_ENABLED).\n"


def test_books_in_one_state_for_one_reason_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def books(*states: BookState) -> tuple[SymbolStatus, ...]:
        return tuple(
            SymbolStatus(book=f"bybit:spot:{number}/USD", state=state, since_ns=1, reason="why")
            for number, state in enumerate(states)
        )

    none = msgspec.structs.replace(LIVE, books=books(*[BookState.EMPTY] * 9))
    some = msgspec.structs.replace(
        LIVE, books=books(*[BookState.STALE] * 5, BookState.RESYNC, BookState.LIVE)
    )
    with a_door([none, some]) as port:
        monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(port))
        output = CliRunner().invoke(app, ["status"]).output
    lines = [line.strip("│") for line in output.splitlines() if "why" in line]
    words = [[cell.strip() for cell in line.split("│")] for line in lines]
    assert words == [
        ["all 9 books", "empty", "", "why"],
        ["0/USD, 1/USD, 2/USD and 2 more", "stale", "", "why"],
        ["bybit:spot:5/USD", "resync", "", "why"],
    ]


def test_one_that_is_switched_off_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIALTO_AGGREGATOR_ENABLED", "false")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert result.output == "The aggregator is switched off (RIALTO_AGGREGATOR_ENABLED).\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["resume", "nobody:spot"], "nobody:spot is not followed; there are binance:spot,"),
        (["resume"], "There is no Redis: set REDIS_URL,"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_one_sentence(words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert result.output.startswith(sentence)


def test_a_resume_says_how_many_heard_it(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    result = CliRunner().invoke(app, ["resume"])
    assert (result.exit_code, result.output) == (1, "No aggregator runs.\n")
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as listening:
        listening.subscribe(Keys("rialto").aggregator_channel)
        eventually(lambda: listening.get_message() is not None)
        result = CliRunner().invoke(app, ["resume", "kraken:spot"])
        said = eventually(lambda: listening.get_message(ignore_subscribe_messages=True))
    assert (result.exit_code, result.output) == (0, "Told 1 aggregator.\n")
    assert said is not None
    assert read_order(said["data"]) == ResumeFeed("kraken:spot")


def test_an_order_with_an_endless_name_is_none() -> None:
    with pytest.raises(DecodeError):
        read_order(msgspec.json.encode(ResumeFeed("x" * 200)))
