"""The small door: pages, and plain words for everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus

import pytest

from aggregator.outlet import door
from aggregator.outlet.door import TEXT, Door, Page


@pytest.fixture
async def port() -> AsyncIterator[int]:
    pages = {
        "/health": lambda: Page(HTTPStatus.OK, b'{"status":"ok"}\n'),
        "/metrics": lambda: Page(HTTPStatus.OK, b"a 1\n", TEXT),
    }
    opened = Door(pages)
    yield await opened.open("127.0.0.1", 0)
    await opened.close()


async def say(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = b""
    with suppress(ConnectionResetError):  # Who is sent away was not listened to.
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


async def test_a_page_is_answered_and_the_connection_ends(port: int) -> None:
    answer = await say(port, b"GET /health?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in head
    assert body == b'{"status":"ok"}\n'


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /nowhere HTTP/1.1", b"404"),
        (b"POST /health HTTP/1.1", b"405"),
        (b"hello", b"400"),
        (b"GET /health SMTP", b"400"),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1", b"400"),
    ],
)
async def test_anything_else_is_told_what_is_wrong(
    port: int, request_line: bytes, status: bytes
) -> None:
    answer = await say(port, request_line + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_who_says_nothing_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "REQUEST_S", 0.05)
    assert await say(port, b"GET /hea") == b""


async def test_a_crowd_is_sent_away(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "VISITORS_MAX", 0)
    assert await say(port, b"GET /health HTTP/1.1\r\n\r\n") == b""
