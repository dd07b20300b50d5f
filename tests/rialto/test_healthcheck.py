"""What the container engine is told about each service, asked of a real Redis and real doors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
import redis

from engine.watch import FOLLOWING, LOADING, STOPPED, StandbyNote
from rialto.embedded_redis import choose_port
from rialto.healthcheck import ARCHIVE_BEHIND_MAX, main
from shared.channels import Keys
from tests.support.ports import ports_in_a_row

KEYS = Keys("rialto")


@pytest.fixture
def venue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setenv("RIALTO_REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as client:
        yield client


@contextmanager
def door_that_answers(status: int, body: bytes, *, port: int = 0) -> Iterator[int]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", port), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


# The two have exchanged their parts after a death, and are asked the same.
either = pytest.mark.parametrize("service", ["engine", "standby"])


@either
def test_an_engine_is_healthy_while_it_holds_the_lease(
    service: str,
    venue: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIALTO_ENGINE_OWNER", "ours")
    assert main([service]) == 1
    assert capsys.readouterr().err == "This engine has no lease and does not stand by.\n"
    venue.set(KEYS.lease, "ours")
    assert main([service]) == 0


@either
def test_a_halted_venue_is_not_healthy(
    service: str,
    venue: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIALTO_ENGINE_OWNER", "ours")
    venue.set(KEYS.lease, "ours")
    venue.hset(KEYS.meta, "halt", "three deaths at entry 7")
    assert main([service]) == 1
    assert capsys.readouterr().err == "The venue is halted: three deaths at entry 7.\n"


@either
def test_a_standby_is_healthy_while_it_speaks_and_agrees(
    service: str,
    venue: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIALTO_ENGINE_OWNER", "ours")
    venue.set(KEYS.lease, "others")
    venue.set(KEYS.standby, msgspec.json.encode(StandbyNote(owner="others", state=FOLLOWING)))
    assert main([service]) == 1, "the lease and the note of others prove nothing of ours"
    capsys.readouterr()
    for state, code in ((LOADING, 0), (FOLLOWING, 0), (STOPPED, 1)):
        venue.set(KEYS.standby, msgspec.json.encode(StandbyNote(owner="ours", state=state)))
        assert main([service]) == code
    assert capsys.readouterr().err == "The standby disagrees with the engine.\n"


def test_an_archive_is_healthy_until_it_is_far_behind(
    venue: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive"]) == 0
    venue.hset(KEYS.meta, "position", ARCHIVE_BEHIND_MAX + 5)
    venue.set(KEYS.cursor("journal"), "5 c0ffee")
    assert main(["archive"]) == 0
    venue.hset(KEYS.meta, "position", ARCHIVE_BEHIND_MAX + 6)
    assert main(["archive"]) == 1
    assert capsys.readouterr().err == "Entry 5 of 20006 is the last one archived.\n"


@pytest.mark.parametrize("service", ["engine", "archive"])
def test_without_redis_nothing_is_healthy(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIALTO_REDIS_URL", f"redis://127.0.0.1:{choose_port()}/0")
    assert main([service]) == 1
    assert capsys.readouterr().err.startswith("No answer: ")


@pytest.mark.parametrize(("service", "setting"), [("api", "API"), ("broadcaster", "WS")])
def test_a_door_is_healthy_when_it_says_that_it_is_ready(
    service: str,
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(f"RIALTO_{setting}_HOST", "0.0.0.0")
    with door_that_answers(200, b'{"ready":true}') as port:
        monkeypatch.setenv(f"RIALTO_{setting}_PORT", str(port))
        assert main([service]) == 0
    assert main([service]) == 1  # Nobody listens there any more.
    with door_that_answers(503, b'{"ready":false,"engine":false}') as port:
        monkeypatch.setenv(f"RIALTO_{setting}_PORT", str(port))
        assert main([service]) == 1
    assert capsys.readouterr().err.endswith('503 {"ready":false,"engine":false}\n')


def test_of_several_broadcasters_each_is_asked_at_its_own_door(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIALTO_BROADCASTERS", "2")
    monkeypatch.setenv("RIALTO_WS_PORT", str(choose_port()))
    first = ports_in_a_row(2)
    monkeypatch.setenv("RIALTO_WS_PRIVATE_PORT", str(first))
    with door_that_answers(200, b'{"ready":true}', port=first):
        assert main(["broadcaster"]) == 1
        assert capsys.readouterr().err.startswith("No answer: ")
        with door_that_answers(503, b'{"ready":false}', port=first + 1):
            assert main(["broadcaster"]) == 1
            assert capsys.readouterr().err.endswith('503 {"ready":false}\n')
        with door_that_answers(200, b'{"ready":true}', port=first + 1):
            assert main(["broadcaster"]) == 0


def test_of_several_aggregators_each_is_asked_at_its_own_door(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIALTO_AGGREGATORS", "2")
    first = ports_in_a_row(2)
    monkeypatch.setenv("RIALTO_AGGREGATOR_PORT", str(first))
    with door_that_answers(200, b'{"ready":true}', port=first):
        assert main(["aggregator"]) == 1
        assert capsys.readouterr().err.startswith("No answer: ")
        with door_that_answers(503, b'{"ready":false}', port=first + 1):
            assert main(["aggregator"]) == 1
        with door_that_answers(200, b'{"ready":true}', port=first + 1):
            assert main(["aggregator"]) == 0


@pytest.mark.parametrize("arguments", [[], ["clearing"], ["api", "engine"]])
def test_the_program_names_the_services_that_it_knows(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    listed = "engine, standby, archive, api, broadcaster, aggregator, history"
    assert capsys.readouterr().err == f"Name one service: {listed}.\n"


def test_settings_that_cannot_be_used_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIALTO_LEASE_TTL_MS", "never")
    assert main(["engine"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
