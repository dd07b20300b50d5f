"""A small door of HTTP for whoever looks after the process: its health, its figures.

The rule of this file: it only shows. A request is one line and some headers within a deadline;
anything else is an error in plain words. What changes something is never asked here, since any page
in a browser of this machine could.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

HEAD_BYTES_MAX = 8_192  # What browsers and scrapers send is a tenth of it.
REQUEST_S = 5.0  # Everybody who asks is near.
VISITORS_MAX = 32  # A probe, a scraper and some people; each takes a descriptor of a feed's.
JSON = "application/json"
TEXT = "text/plain; version=0.0.4"


class Page(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON


class Door:
    """Serves pages by path; `open` before and `close` after."""

    def __init__(self, pages: Mapping[str, Callable[[], Page]]) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._visitors = 0

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the port (0 asks for any); raises OSError."""
        self._server = await asyncio.start_server(self._visit, host, port, limit=HEAD_BYTES_MAX)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visitors += 1
        try:
            async with asyncio.timeout(REQUEST_S):
                if self._visitors <= VISITORS_MAX:
                    writer.write(_response(await self._answer(reader)))
                    await writer.drain()
        except (TimeoutError, OSError):
            pass  # Nobody is there any more.
        finally:
            self._visitors -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Page:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return _error(HTTPStatus.BAD_REQUEST, "This is no request.")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _error(HTTPStatus.BAD_REQUEST, "This is no request.")
        if words[0] != b"GET":
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered here.")
        page = self._pages.get(words[1].partition(b"?")[0].decode("latin-1"))
        if page is None:
            listed = ", ".join(self._pages)
            return _error(HTTPStatus.NOT_FOUND, f"There are {listed}.")
        return page()


def _error(status: HTTPStatus, sentence: str) -> Page:
    return Page(status, f"{sentence}\n".encode(), "text/plain")


def _response(page: Page) -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + page.body
