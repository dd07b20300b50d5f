"""A CSV on its way to the gateway.

The rule of this file: it is not whole until its last piece is sent, and what is not whole never
ends as if it were: the connection is dropped, and the reader can tell. Whoever does not take it is
let go.
"""

import asyncio
import re
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from history.queries.export import Export
from history.queries.standing import UnavailableError
from shared.logs import get_logger
from shared.rest.history_queries import HistoryQuery
from shared.tasks import stop

STALL_MAX_S = 30.0  # For a page to be taken; the gateway lets go of its clients much sooner.
CSV_TYPE = "text/csv; charset=utf-8"
TOTAL_ROWS = "X-Total-Rows"
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")  # The gateway passes no others on.

_log = get_logger(__name__)


class Download(Response):
    """The answer that is a file; `is_over` is called when it has ended, in whatever way."""

    def __init__(
        self, export: Export, path: str, query: HistoryQuery, is_over: Callable[[], None]
    ) -> None:
        headers = {
            TOTAL_ROWS: str(export.rows),
            "Content-Disposition": f'attachment; filename="{_name(path, query)}"',
        }
        super().__init__(None, 200, headers, CSV_TYPE)
        # How long it is is not known: it goes in pieces, and ends with an empty one.
        del self.headers["content-length"]
        self._export, self._path, self._is_over = export, path, is_over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; without its last piece, where not all can be read, it is cut by the server."""
        sending = asyncio.create_task(self._send(send), name="download")
        leaving = asyncio.create_task(_gone(receive), name="download-reader")
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            is_sent = sending.done()
        finally:
            await stop(sending, leaving)
            self._is_over()
        if is_sent:
            sending.result()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        try:
            async for text in self._export.text:
                async with asyncio.timeout(STALL_MAX_S):
                    await send({"type": "http.response.body", "body": text, "more_body": True})
        except (UnavailableError, TimeoutError) as error:
            _log.warning("download_broken", path=self._path, reason=str(error) or "not taken")
            return
        await send({"type": "http.response.body", "body": b""})


def _name(path: str, query: HistoryQuery) -> str:
    # A market's name is one of ours by now, and yet it goes into a header.
    parts = (path.strip("/"), query.market, query.interval)
    return _NOT_OF_A_NAME.sub("-", "-".join(filter(None, parts))) + ".csv"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
