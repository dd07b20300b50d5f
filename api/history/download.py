"""A CSV on its way from the history to a client, a piece at a time.

The rule of this file: nothing is kept but the piece that is on its way; when either end is gone the
other is let go. A file that is not whole never ends as if it were.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Response
from starlette.types import Receive, Scope, Send

from api.edge.answers import error_answer
from api.edge.errors import ApiError
from api.history.asking import HistoryDoor, Pairs
from shared.logs import get_logger
from shared.tasks import stop

STALL_MAX_S = 10.0  # For a client to take a piece, of 64 KiB at most; slower ones are let go.
DOWNLOAD_TIMEOUT_S = 900.0  # Ten million rows over a line of 10 Mbit/s.

_log = get_logger(__name__)


class Download(Response):
    """The answer that is a file; it is asked for when it is sent, and refused then if need be."""

    def __init__(self, history: HistoryDoor, path: str, pairs: Pairs, caller: str) -> None:
        super().__init__()
        self.raw_headers = []
        self._history = history
        self._path, self._pairs, self._caller = path, pairs, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(scope, receive, send), name="download")
        leaving = asyncio.create_task(_gone(receive), name="download-client")
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_sent = sending.done()
            await stop(sending, leaving)
        if is_sent:
            sending.result()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False
        try:
            async with self._history.download(self._path, self._pairs, self._caller) as reply:
                headers = [*reply.headers, *self.raw_headers]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                has_begun = True
                await _pass_on(reply.chunks, send)
            await send({"type": "http.response.body", "body": b""})
        except ApiError as error:
            if has_begun:
                # Without its last piece the answer is cut, which is how the client hears of it.
                _log.warning("download_broken", path=self._path, code=error.code)
                return
            refusal = error_answer(error, scope["request_id"])
            refusal.raw_headers += self.raw_headers
            await refusal(scope, receive, send)


async def _pass_on(chunks: AsyncIterator[bytes], send: Send) -> None:
    # What the client's end does is no fault of the history's, so it is told apart here.
    ends_at_s = asyncio.get_running_loop().time() + DOWNLOAD_TIMEOUT_S
    async for chunk in chunks:
        left_s = ends_at_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(STALL_MAX_S, left_s)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except OSError as error:
            raise ApiError("BUSY", "The client takes too little.") from error


async def _gone(receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except ApiError:
        return  # A body that does not come, or too much of it: who sends that is let go, too.
