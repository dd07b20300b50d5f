"""What only shows on a real socket: requests within requests, headers given twice, odd addresses.

One process for all; each attack is bytes, and a request hidden in it must never be answered.
"""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rialto.client import Client, Tokens
from rialto.embedded_redis import choose_port
from tests.api.exchange import PASSWORD
from tests.api.signer import Signer, hmac_of
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually
from tests.support.processes import running_service

PATIENCE_S = 20.0
HIDDEN = b"GET /api/v1/time HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(HIDDEN)
CLOSE = b"Connection: close"
CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
END = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def port(redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The public door of a gateway process without an engine."""
    url = redis_servers.fresh(redis_binaries()[0]).url
    settings = {"redis_url": url, "api_port": choose_port(), "admin_port": choose_port()}
    home = tmp_path_factory.mktemp("wire") / "home"
    with running_service("api", home, settings) as service:

        def is_up() -> bool:
            service.fail_if_ended()
            try:
                return httpx.get(f"http://127.0.0.1:{settings['api_port']}/health").is_success
            except httpx.HTTPError:
                return False

        eventually(is_up)
        yield int(str(settings["api_port"]))


@pytest.fixture(scope="module")
def token(port: int) -> str:
    with Client(f"http://127.0.0.1:{port}") as client:
        client.register("wired", PASSWORD)
        return client.log_in("wired", PASSWORD).access_token


@pytest.fixture(scope="module")
def signer(port: int, token: str) -> Signer:
    with Client(f"http://127.0.0.1:{port}", identity=Tokens(token)) as client:
        made = client.make_key("wire")
    assert made.secret is not None
    return Signer(made.key_id, hmac_of(made.secret))


def ask(port: int, data: bytes) -> list[tuple[int, str]]:
    """Send bytes; return status and code of every answer until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    codes = re.findall(
        rb"HTTP/1\.1 (\d+).*?\r\n\r\n(?:\{\"(?:code|status)\":\"(\w+)\")?", received, re.S
    )
    return [(int(status), code.decode()) for status, code in codes]


def post(*lines: bytes, body: bytes = HIDDEN, first: bytes = b"POST /login HTTP/1.1") -> bytes:
    head = [first, b"Host: x", b"Content-Type: application/json", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def get(target: str, *lines: bytes) -> bytes:
    head = [b"GET " + target.encode() + b" HTTP/1.1", b"Host: x", b"Connection: close", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n"


def lines_of(headers: dict[str, str]) -> list[bytes]:
    return [f"{name}: {value}".encode() for name, value in headers.items()]


SMUGGLED = {
    "two lengths": post(LENGTH, LENGTH),
    "two lengths that differ": post(b"Content-Length: 0", LENGTH),
    "a list of lengths": post(LENGTH + b", 0"),
    "a signed length": post(b"Content-Length: +5"),
    "a negative length": post(b"Content-Length: -1"),
    "a length in hexadecimal": post(b"Content-Length: 0x2"),
    "a length with a space": post(b"Content-Length: 1 0"),
    "a length of nothing": post(b"Content-Length: "),
    "a length beyond 64 bits": post(b"Content-Length: 18446744073709551617"),
    "a length with a space before the colon": post(b"Content-Length : 5"),
    "a length on a line that goes on": post(b"X-A: b\r\n Content-Length: 0", LENGTH),
    "chunks and a length": post(CHUNKED, b"Content-Length: 5", body=END + HIDDEN),
    "a length and chunks": post(LENGTH, CHUNKED, body=END + HIDDEN),
    "chunks, then not": post(CHUNKED, b"Transfer-Encoding: identity", body=END + HIDDEN),
    "a list of codings": post(b"Transfer-Encoding: chunked, identity", body=END + HIDDEN),
    "nearly chunks": post(b"Transfer-Encoding: xchunked", body=END + HIDDEN),
    "chunks in quotes": post(b'Transfer-Encoding: "chunked"', body=END + HIDDEN),
    "chunks with a space before the colon": post(b"Transfer-Encoding : chunked", body=END + HIDDEN),
    "a signed chunk": post(CHUNKED, body=b"+0\r\n\r\n" + HIDDEN),
    "a chunk in hexadecimal": post(CHUNKED, body=b"0x0\r\n\r\n" + HIDDEN),
    "a chunk beyond 64 bits": post(CHUNKED, body=b"f" * 17 + b"\r\n" + HIDDEN),
    "a chunk with a bare line feed": post(CHUNKED, body=b"0\n\n" + HIDDEN),
    "bare line feeds": b"GET /health HTTP/1.1\nHost: x\n\n" + HIDDEN,
    "bare carriage returns": b"GET /health HTTP/1.1\rHost: x\r\r" + HIDDEN,
    "a zero byte in a header": post(b"X-A: a\0b", LENGTH),
    "a header that begins with a space": post(b" X-A: b", LENGTH),
    "two hosts": post(b"Host: y", CLOSE, b"Content-Length: 2", body=b"{}"),
    "two types": post(b"Content-Type: text/plain", CLOSE, b"Content-Length: 2", body=b"{}"),
    "two codings": post(
        CLOSE,
        b"Content-Encoding: identity",
        b"Content-Encoding: gzip",
        b"Content-Length: 2",
        body=b"{}",
    ),
}


def test_a_hidden_request_is_not_answered(port: int) -> None:
    # At once, because a body that never comes is waited for.
    with ThreadPoolExecutor(len(SMUGGLED)) as threads:
        asked = threads.map(lambda data: ask(port, data), SMUGGLED.values())
        for attack, answers in zip(SMUGGLED, asked, strict=True):
            statuses = [status for status, _ in answers]
            assert statuses in ([400], [408]), (attack, answers)


def test_what_comes_after_the_body_is_no_header(port: int, token: str, signer: Signer) -> None:
    bearer = f"Authorization: Bearer {token}".encode()
    by_key = b"\r\n".join(lines_of(signer.headers("GET", "/order/1")))
    for trailer, code in (
        (bearer, "TOKEN_MISSING"),
        (by_key, "TOKEN_MISSING"),
        (b"X-Request-Id: of-the-trailer", "TOKEN_MISSING"),
        (b"Content-Length: 5", "TOKEN_MISSING"),
    ):
        request = post(
            CHUNKED, body=b"0\r\n" + trailer + b"\r\n\r\n", first=b"GET /order/1 HTTP/1.1"
        )
        answers = ask(port, request + LAST)
        assert answers[0] in ((401, code), (400, "BAD_REQUEST")), answers
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(post(CHUNKED, body=b"0\r\nX-Request-Id: of-the-trailer\r\n\r\n"))
        assert b"of-the-trailer" not in connection.recv(65_536)


def test_a_signed_request_passes_on_a_real_socket(port: int, signer: Signer) -> None:
    for target in ("/order/open", "/order/open/", "/api/v1/order/open?market=%54ATA_INR"):
        answers = ask(port, get(target, *lines_of(signer.headers("GET", target))))
        assert answers[0][1] not in ("INVALID_KEY", "SIGNATURE_MISSING"), answers
        assert len(answers) == 1


def test_each_header_of_who_asks_is_given_once(port: int, token: str, signer: Signer) -> None:
    bearer = f"Authorization: Bearer {token}".encode()
    lines = lines_of(signer.headers("GET", "/balances"))
    for more, code in (
        ([bearer, bearer], "TOKEN_MISSING"),
        ([bearer, b"authorization: Bearer x"], "TOKEN_MISSING"),
        ([b"Authorization: Bearer x", bearer], "TOKEN_MISSING"),
        ([*lines, bearer], "TWO_CREDENTIALS"),
        ([bearer, *lines], "TWO_CREDENTIALS"),
        ([*lines, lines[0]], "SIGNATURE_MISSING"),
        ([b"x-api-key: rk_0", *lines], "SIGNATURE_MISSING"),
        ([*lines, b"X-SIGNATURE: 00"], "SIGNATURE_MISSING"),
        ([*lines, lines[1]], "SIGNATURE_MISSING"),
    ):
        assert ask(port, get("/balances", *more)) == [(401, code)]


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1%2ftime",
        "/api%2Fv1/time",
        "/api/v1/%2e%2e/v1/time",
        "/api/v1/../v1/time",
        "/api/v1/./time",
        "/api/v1//time",
        "//api/v1/time",
        "/api/v1/time%00",
        "/api/v1/time;x=1",
        "/api/v1/time%3fa=b",
        "/api/v1/time%20",
        "/api/v1/time%0d%0aX-A:%20b",
        "/api/v1/%zz",
        "/api/v1/%c0%af",
        "/api/v1\\time",
        "/api/v1%5ctime",
        "/API/v1/time",
        "*",
    ],
)
def test_an_odd_address_is_of_nothing(port: int, target: str) -> None:
    assert ask(port, get(target)) in ([(404, "NOT_FOUND")], [(400, "BAD_REQUEST")])


@pytest.mark.parametrize(
    "name",
    ["1%0d%0aX-Injected:%20yes", "1%0aX-Injected:%20yes", "%00", "%2e%2e", "1%27", "%F0%9F%92%A9"],
)
def test_no_line_gets_into_an_answer_by_a_name(port: int, token: str, name: str) -> None:
    bearer = f"Authorization: Bearer {token}".encode()
    for target in (
        f"/order/{name}",
        f"/order?order_id={name}",
        f"/order?client_order_id={name}",
        f"/order?idempotency_key={name}",
        f"/order/open?market={name}",
        f"/depth?market={name}",
        f"/order?{name}=1",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(get(target, bearer))
            received = b""
            while chunk := connection.recv(65_536):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 503")), head
        assert b"Injected" not in head
        assert b"\n" not in body.rstrip(b"\n")


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Type: text/plain; application/json",
        b"Content-Type: application/json, text/plain",
        b"Content-Type: application/json;charset=utf-7",
        b"Content-Type: application/json; charset=utf-8; charset=utf-7",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Type: multipart/form-data; boundary=x",
        b"Content-Type: text/json",
        b"Content-Type: application/json-patch+json",
        b"Content-Type:",
    ],
)
def test_a_type_that_is_nearly_json_is_none(port: int, name: bytes) -> None:
    request = (
        b"POST /login HTTP/1.1\r\nHost: x\r\n"
        + name
        + b"\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert ask(port, request) == [(415, "UNSUPPORTED_MEDIA_TYPE")]


def test_a_hundred_kilobytes_of_token_are_refused_at_once(port: int, signer: Signer) -> None:
    started_at_s = time.monotonic()
    for line in (b"Authorization: Bearer " + b"a" * 100_000, b"X-Signature: " + b"0" * 100_000):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(get("/balances", line))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 431")
    assert time.monotonic() - started_at_s < PATIENCE_S
