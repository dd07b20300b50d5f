"""Bad input and bad connections, against the service as a process with a real engine behind it."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from api.edge.door import BODY_SIZE_MAX
from api.edge.protocol import HEAD_TIMEOUT_S, PIPELINE_MAX
from rialto.client import Client
from rialto.embedded_redis import choose_port
from tests.api.conftest import Engine
from tests.api.exchange import PASSWORD
from tests.support.deadlines import eventually
from tests.support.processes import Service, running_service

ERROR_FIELDS = {"code", "message", "field", "request_id"}
HALF_OPEN = 300
POST = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
NEXT = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
ORDER: dict[str, object] = {
    "market": "TATA_INR",
    "side": "buy",
    "price": "1.00",
    "quantity": "1",
}


class Door:
    """The public port of a running service, and somebody who has logged in there."""

    def __init__(self, port: int, service: Service) -> None:
        self.port = port
        self.service = service
        self.url = f"http://127.0.0.1:{port}"
        self.token: dict[str, str] = {}

    def connect(self, patience_s: float = 20.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=patience_s)

    def ask(self, data: bytes, patience_s: float = 20.0) -> bytes:
        """Send bytes and return all that comes back until the connection is closed."""
        with self.connect(patience_s) as connection:
            connection.sendall(data)
            return rest_of(connection)

    def order(self, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        given = {"Content-Type": "application/json", **self.token, **headers}
        response = httpx.post(f"{self.url}/order", content=body, headers=given)
        reply: dict[str, Any] = response.json()
        return response.status_code, reply

    def is_alive(self, path: str = "/health") -> bool:
        try:
            return httpx.get(f"{self.url}{path}").status_code == 200
        except httpx.HTTPError:
            return False

    def is_ready(self) -> bool:
        return self.is_alive("/ready")


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 ([0-9]{3})", answer)]


@pytest.fixture(scope="module")
def door(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    port = choose_port()
    settings = {
        "redis_url": engine.redis_url,
        "api_port": port,
        "admin_port": choose_port(),
        "limit_weight_minute": 1_000_000,
    }
    home = tmp_path_factory.mktemp("transport") / "home"
    with running_service("api", home, settings) as service:
        door = Door(port, service)
        eventually(door.is_ready)
        with Client(door.url) as client:
            client.register("alice", PASSWORD)
            access_token = client.log_in("alice", PASSWORD).access_token
        door.token = {"Authorization": f"Bearer {access_token}"}
        yield door
        assert "Traceback" not in service.log_path.read_text(errors="replace")


def text_of(**changes: object) -> bytes:
    return json.dumps({**ORDER, **changes}).encode()


def raw_price(text: str) -> bytes:
    return text_of(price="?").replace(b'"?"', text.encode())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (raw_price("NaN"), 400, "INVALID_JSON"),
        (raw_price("Infinity"), 400, "INVALID_JSON"),
        (raw_price("-Infinity"), 400, "INVALID_JSON"),
        (raw_price("1e400"), 422, "AMOUNT_NOT_TEXT"),
        (raw_price("101.5"), 422, "AMOUNT_NOT_TEXT"),
        (raw_price('"1","price":"2"'), 422, "DUPLICATE_FIELD"),
        (text_of(quantity="1e999999"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="1E2"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="-5"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="+5"), 422, "INVALID_DECIMAL"),
        (text_of(quantity=" 5"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="0x10"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="NaN"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="Infinity"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="\u0661\u0662"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="\uff11\uff12"), 422, "INVALID_DECIMAL"),
        (text_of(quantity="1_000"), 422, "INVALID_DECIMAL"),
        (text_of(quantity=""), 422, "INVALID_DECIMAL"),
        (text_of(quantity=None), 422, "MISSING_FIELD"),
        (text_of(expires_at_ns=10**30), 422, "INVALID_FIELD"),
        (b'{"market":"TATA_INR","expires_at_ns":' + b"9" * 5_000 + b"}", 400, "INVALID_JSON"),
        (b"[" * 16_000, 400, "INVALID_JSON"),
        (b'{"a":' * 3_000, 400, "INVALID_JSON"),
        (b"[" * 100_000, 413, "BODY_TOO_LARGE"),
        (b'{"market":"\xff"}', 400, "INVALID_JSON"),
        (b'\xef\xbb\xbf{"market":"TATA_INR"}', 400, "INVALID_JSON"),
        ('{"market":"TATA_INR"}'.encode("utf-16"), 400, "INVALID_JSON"),
        (b'{"market":"\\ud800","side":"buy"}', 422, "INVALID_TEXT"),
        (text_of(user_id=1), 422, "USER_ID_NOT_ALLOWED"),
        (text_of(admin=True), 422, "UNKNOWN_FIELD"),
        (b"", 400, "INVALID_JSON"),
        (b"null", 400, "INVALID_JSON"),
    ],
)
def test_a_body_that_is_not_exactly_right_is_refused(
    door: Door, body: bytes, status: int, code: str
) -> None:
    answered, reply = door.order(body)
    assert (answered, reply["code"]) == (status, code)
    assert set(reply) == ERROR_FIELDS
    assert len(json.dumps(reply)) < 400, "little of the input is said back"


def test_a_right_one_is_taken(door: Door) -> None:
    status, reply = door.order(text_of())
    assert (status, reply["code"]) == (422, "INSUFFICIENT_FUNDS")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "text/plain; application/json"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/json, text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/json; charset=utf-16"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/json; charset=utf-8; x=y"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Encoding": "gzip"}, "UNSUPPORTED_ENCODING"),
        ({"Content-Encoding": "br"}, "UNSUPPORTED_ENCODING"),
        ({"Content-Encoding": "identity, gzip"}, "UNSUPPORTED_ENCODING"),
    ],
)
def test_a_body_of_another_kind_is_refused(door: Door, headers: dict[str, str], code: str) -> None:
    status, reply = door.order(text_of(), **headers)
    assert (status, reply["code"]) == (415, code)


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + NEXT,
        POST + b"Content-Length: 2, 2\r\n\r\n{}" + NEXT,
        POST + b"Content-Length: +2\r\n\r\n{}" + NEXT,
        POST + b"Content-Length: -2\r\n\r\n{}" + NEXT,
        POST + b"Content-Length: 0x2\r\n\r\n{}" + NEXT,
        POST + b"Content-Length : 2\r\n\r\n{}" + NEXT,
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + NEXT,
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
        CHUNKED + b"\r\nzz\r\n" + NEXT,
        CHUNKED + b"\r\nffffffffffffffffff\r\n" + NEXT,
        CHUNKED + b"\r\n2\r\n{}XX0\r\n\r\n" + NEXT,
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: b\r\n folded\r\n\r\n" + NEXT,
        b"GET /health HTTP/1.1\nHost: x\n\n" + NEXT,
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n" + NEXT,
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n" + NEXT,
        b"GET /health HTTP/1.1\r\n\r\n" + NEXT,
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + NEXT,
        b"GET /health\r\n\r\n" + NEXT,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_two_programs_could_read_differently_is_refused_and_cut(
    door: Door, data: bytes
) -> None:
    answer = door.ask(data)
    assert statuses(answer) == [400], answer
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == ERROR_FIELDS


def test_a_broken_body_behind_others_is_refused_after_their_answers(door: Door) -> None:
    answer = door.ask(NEXT * 3 + CHUNKED + b"\r\nzz\r\n")
    assert statuses(answer) == [200, 200, 200, 400]


def test_what_follows_a_body_is_no_header_of_its_request(door: Door) -> None:
    end = b"\r\n0\r\nContent-Type: application/json\r\n\r\n"
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    assert statuses(door.ask(head + end)) == [415]
    flood = head + b"\r\n0\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n"
    assert statuses(door.ask(flood)) == [431]


def test_chunks_without_end_are_413_and_cut(door: Door) -> None:
    chunk = b"1000\r\n" + b" " * 4_096 + b"\r\n"
    with door.connect() as connection:
        connection.sendall(CHUNKED + b"\r\n" + chunk * (BODY_SIZE_MAX // 4_096 + 1))
        answer = rest_of(connection)
    assert statuses(answer) == [413]
    assert b"BODY_TOO_LARGE" in answer


def drip(connection: socket.socket, data: bytes, stop: threading.Event) -> None:
    """Send one byte now and then, always soon enough to look alive."""
    for byte in data:
        if stop.wait(0.2):
            return
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return


def answer_while_dripping(door: Door, head: bytes, drops: bytes) -> bytes:
    stop = threading.Event()
    with door.connect(patience_s=60.0) as connection:
        connection.sendall(head)
        dripping = threading.Thread(target=drip, args=(connection, drops, stop))
        dripping.start()
        try:
            return rest_of(connection)
        finally:
            stop.set()
            dripping.join()


SLOW = {
    "a head": (b"GET /health HTTP/1.1\r\nX-Slow: ", b"a" * 1_000, []),
    "a body": (POST + b"Content-Length: 1000\r\n\r\n", b" " * 1_000, [408]),
    "a chunk": (CHUNKED + b"\r\n3e8\r\n", b" " * 1_000, [408]),
    "the extension of a chunk": (CHUNKED + b"\r\n2;", b"a" * 1_000, [408]),
    # Nobody reads these: they are answered before, and must not hold the connection.
    "a body for nobody": (
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
        b" " * 1_000,
        [404],
    ),
    "a body without a token": (
        b"POST /order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
        b" " * 1_000,
        [401],
    ),
    "empty lines after a request": (NEXT, b"\r\n" * 500, [200]),
}


def test_whatever_comes_slowly_is_cut_in_the_end(door: Door) -> None:
    # given one client for each way to be slow, all at once, as each of them takes seconds
    with ThreadPoolExecutor(len(SLOW)) as pool:
        answers = {
            name: pool.submit(answer_while_dripping, door, head, drops)
            for name, (head, drops, _) in SLOW.items()
        }
        seen = {name: statuses(answer.result()) for name, answer in answers.items()}
    assert seen == {name: wanted for name, (_, _, wanted) in SLOW.items()}


def test_connections_that_are_half_open_are_cut_and_hold_nobody_up(door: Door) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(door.connect(60.0)) for _ in range(HALF_OPEN)]
        for number, connection in enumerate(held):
            connection.sendall(b"" if number % 3 == 0 else b"GET /health HTTP/1.1\r\nHost:")
        assert door.is_alive()
        started_at_s = time.monotonic()
        assert {rest_of(connection) for connection in held} == {b""}
        # Each had its whole time, so this says that they were cut, not how fast the machine is.
        assert time.monotonic() - started_at_s < 3 * HEAD_TIMEOUT_S
    assert door.is_alive()


def test_a_pipeline_without_end_is_refused_after_the_answers_it_is_owed(door: Door) -> None:
    seen = statuses(door.ask(NEXT * 5_000))
    assert seen[-1] == 400
    assert set(seen[:-1]) == {200}
    assert len(seen) >= PIPELINE_MAX
    assert door.is_alive()


def test_a_flood_of_logins_leaves_the_machine_responsive(door: Door) -> None:
    count = 200

    def log_in(number: int) -> int:
        credentials = {"username": f"nobody{number}", "password": PASSWORD}
        return httpx.post(f"{door.url}/login", json=credentials, timeout=60.0).status_code

    with ThreadPoolExecutor(50) as pool, httpx.Client(base_url=door.url) as client:
        logins = [pool.submit(log_in, number) for number in range(count)]
        answered = 0
        while not all(login.done() for login in logins):
            assert client.get("/time").status_code == 200
            assert client.get("/depth?market=TATA_INR").status_code == 200
            answered += 2
        # then others were served all the while, and nobody was left without an answer
        assert answered > 10
        assert {login.result() for login in logins} <= {401, 429, 503}


def test_the_limits_stand_on_the_answers_of_the_process(door: Door) -> None:
    response = httpx.get(f"{door.url}/time")
    assert response.headers["x-ratelimit-weight-limit"] == "1000000"
    assert int(response.headers["x-ratelimit-weight-used"]) > 0


def test_nothing_of_all_this_holds_it_back_when_it_is_told_to_stop(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = choose_port()
    settings = {"redis_url": engine.redis_url, "api_port": port, "admin_port": choose_port()}
    home = tmp_path_factory.mktemp("stopping") / "home"
    with running_service("api", home, settings) as service, ExitStack() as stack:
        door = Door(port, service)
        eventually(door.is_alive)
        for data in (
            b"",
            b"GET /",
            POST + b"Content-Length: 50\r\n\r\n{",
            CHUNKED + b"\r\n5\r\n{",
            NEXT,
        ):
            stack.enter_context(door.connect()).sendall(data)
        assert service.terminate() == 0
