"""The service as a process, on real sockets: its start, its end, and bad connections."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rialto.embedded_redis import choose_port
from tests.support.deadlines import eventually
from tests.support.processes import Service, running_service

EXIT_CONFIGURATION = 78


@pytest.fixture
def settings(redis_url: str) -> dict[str, object]:
    return {"redis_url": redis_url, "api_port": choose_port(), "admin_port": choose_port()}


def answers(port: object) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def service(tmp_path: Path, settings: dict[str, object]) -> Iterator[Service]:
    with running_service("api", tmp_path / "home", settings) as service:
        eventually(lambda: answers(settings["api_port"]) and answers(settings["admin_port"]))
        yield service


def ask(port: object, data: bytes, patience_s: float = 20.0) -> bytes:
    """Send bytes and return all that comes back until the connection is closed."""
    with socket.create_connection(("127.0.0.1", int(str(port))), timeout=patience_s) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


def test_it_stops_cleanly_when_told(service: Service) -> None:
    assert service.terminate() == 0
    assert "gateway_stopped" in service.log_tail()


def test_half_a_request_does_not_hold_it_back(
    service: Service, settings: dict[str, object]
) -> None:
    address = ("127.0.0.1", int(str(settings["api_port"])))
    with socket.create_connection(address) as connection:
        connection.sendall(
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 50\r\n\r\n{"
        )
        assert service.terminate() == 0


def test_a_port_in_use_is_one_sentence(
    service: Service, settings: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    with running_service("api", tmp_path / "second" / "home", settings) as second:
        assert second.wait() == EXIT_CONFIGURATION
        log = second.log_tail()
    assert f":{settings['api_port']}: " in log
    assert "Traceback" not in log


def test_without_a_redis_it_says_what_to_do(tmp_path: Path) -> None:
    ports = {"api_port": choose_port(), "admin_port": choose_port()}
    with running_service("api", tmp_path / "home", ports) as service:
        assert service.wait() == EXIT_CONFIGURATION
        assert "rialto up" in service.log_tail()
        assert "Traceback" not in service.log_tail()


def test_a_large_body_gets_its_answer_on_a_real_socket(
    service: Service, settings: dict[str, object]
) -> None:
    for size in (16_385, 100_000, 900_000):
        response = httpx.post(f"http://127.0.0.1:{settings['api_port']}/order", content=b"x" * size)
        assert (response.status_code, response.json()["code"]) == (413, "BODY_TOO_LARGE")


def test_an_announced_huge_body_is_refused_at_once(
    service: Service, settings: dict[str, object]
) -> None:
    head = b"POST /order HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n"
    answer = ask(settings["api_port"], head + b"Expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n", 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"a" * 18_000, 431),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /h\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
)
def test_a_bad_head_is_refused_in_the_shape_of_all_errors(
    service: Service, settings: dict[str, object], data: bytes, status: int
) -> None:
    head, _, body = ask(settings["api_port"], data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), head
    assert set(json.loads(body)) == {"code", "message", "field", "request_id"}
    assert answers(settings["api_port"])


def test_a_head_that_never_ends_is_cut(service: Service, settings: dict[str, object]) -> None:
    assert ask(settings["api_port"], b"GET /health HTTP/1.1\r\nHost:", patience_s=60.0) == b""


def test_requests_one_after_the_other_on_one_connection_are_all_answered(
    service: Service, settings: dict[str, object]
) -> None:
    one = b"GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /health/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = ask(settings["api_port"], one * 20 + last)
    assert answer.count(b"HTTP/1.1 200") == 21


def test_pipelined_requests_are_all_answered_whatever_the_reads_cut(
    service: Service, settings: dict[str, object]
) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Filler: " + b"a" * 500 + b"\r\n\r\n"
    address = ("127.0.0.1", int(str(settings["api_port"])))
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(one * 110 + one[:-10])
        received = b""
        while received.count(b"HTTP/1.1 200") < 110:
            received += connection.recv(65_536)
        connection.sendall(one[-10:])
        while received.count(b"HTTP/1.1 200") < 111:
            chunk = connection.recv(65_536)
            assert chunk, received[-500:]
            received += chunk
    assert b"HTTP/1.1 4" not in received


def test_a_bad_head_is_refused_after_the_answers_to_those_before_it(
    service: Service, settings: dict[str, object]
) -> None:
    one = b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = ask(settings["api_port"], one * 3 + b"nonsense\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 ([0-9]{3})", answer) == [b"503", b"503", b"503", b"400"]


def test_the_secrets_are_the_owners_alone(service: Service, tmp_path: Path) -> None:
    for path in (tmp_path / "home").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
