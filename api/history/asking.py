"""Asking the history over its internal port.

The rule of this file: whatever the history does, there is an answer in time: its own, or that it
cannot be had now. Nothing of what it sends is believed without a look, nothing is followed to
another place, and no more of it is held than a limit says.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

import httpx

from api.edge.errors import ApiError
from api.history.replies import (
    ANSWER_SIZE_MAX,
    NonsenseError,
    check_answer,
    csv_headers,
    json_size,
    refusal_in,
)
from shared.breaker import Breaker, BreakerOpenError
from shared.history_key import HEADER
from shared.logs import get_logger

CONNECT_TIMEOUT_S = 0.5  # It is on this machine, or in the next room.
ANSWER_TIMEOUT_S = 3.0  # A page takes milliseconds; a client's own limit for an attempt is 4 s.
PROBE_PATH = "/health"
ASKS_AT_ONCE = 32  # More than its database does at once anyway.
TURN_TIMEOUT_S = 0.5  # To be one of those; a page is over a hundred times sooner.
WAITING_MAX = 512  # For a turn; a process that has so many is seconds behind.
# A server drops an idle connection after 5 s, as a rule: ours are gone before, so that none is used
# in the moment in which it is dropped.
KEEP_ALIVE_S = 4.0

DOWNLOADS_AT_ONCE = 4  # For accounts, and as many for all: each holds a snapshot of the database.
DOWNLOADS_PER_CALLER = 2
DOWNLOAD_READ_TIMEOUT_S = 30.0  # To its head, for which all rows are counted, and between pieces.

FAILURES = (httpx.HTTPError, OSError)

Pairs = Sequence[tuple[str, str]]

_log = get_logger(__name__)


class CsvReply(NamedTuple):
    """A file that is arriving: what may be said of it, and its pieces as they come."""

    headers: list[tuple[bytes, bytes]]
    chunks: AsyncIterator[bytes]


class HistoryDoor:
    """The way to the history at `url`, "" where there is none; use `close` after. `key` is of
    `shared.history_key`.
    """

    def __init__(self, url: str, key: str) -> None:
        self.is_kept = bool(url)
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # Each kind of use has its own bound, so nobody waits for the pool.
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_S),
            # Bytes that are passed on are left as is.
            headers={"Accept-Encoding": "identity", HEADER: key},
            follow_redirects=False,
            trust_env=False,  # No proxy of the machine's stands between us.
        )
        self.breaker = Breaker("history", self._probe, failures=FAILURES, starts_later=True)
        self._turns = asyncio.Semaphore(ASKS_AT_ONCE)
        self._waiting = 0
        self._downloads: Counter[str] = Counter()

    async def close(self) -> None:
        await self.breaker.close()
        await self._client.aclose()

    async def is_there(self) -> bool:
        """Return whether the history answers, and says that it is well."""
        if not self.is_kept or not self.breaker.is_closed:
            return False
        try:
            with self.breaker.guard():
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return await self._probe() == httpx.codes.OK
        except (*FAILURES, BreakerOpenError):
            return False

    async def ask(self, path: str, pairs: Pairs, *, account_id: int = 0) -> bytes:
        """Return the answer as it came, which is about `account_id` where that is given.

        Raises ApiError HISTORY_OFF, HISTORY_UNAVAILABLE, BUSY, or what the history has said of the
        query.
        """
        async with self._turn():
            with self._guarded(path):
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await self._answer(path, pairs, account_id)

    @contextlib.asynccontextmanager
    async def download(self, path: str, pairs: Pairs, caller: str) -> AsyncIterator[CsvReply]:
        """Give a CSV that has begun to arrive; `caller` is who wants it, for their fair share.

        Raises as `ask`, also while the pieces are read. Leaving the block ends it at the history.
        """
        with self._share_of(caller), self._guarded(path):
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(DOWNLOAD_READ_TIMEOUT_S):
                    response = await stack.enter_async_context(self._begin_csv(path, pairs))
                    if response.status_code != httpx.codes.OK:
                        raise refusal_in(response, await _whole(response))
                yield CsvReply(csv_headers(response), response.aiter_raw())

    def _begin_csv(
        self, path: str, pairs: Pairs
    ) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        timeout = httpx.Timeout(DOWNLOAD_READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        return self._client.stream("GET", f"/v1{path}", params=list(pairs), timeout=timeout)

    async def _answer(self, path: str, pairs: Pairs, account_id: int) -> bytes:
        async with self._client.stream("GET", f"/v1{path}", params=list(pairs)) as response:
            body = await _whole(response)
        if response.status_code != httpx.codes.OK:
            raise refusal_in(response, body)
        check_answer(response, body, account_id)
        return body

    @contextlib.contextmanager
    def _guarded(self, path: str) -> Iterator[None]:
        if not self.is_kept:
            raise ApiError("HISTORY_OFF")
        try:
            with self.breaker.guard():
                yield
        except (*FAILURES, BreakerOpenError) as error:
            raise ApiError("HISTORY_UNAVAILABLE") from error
        except NonsenseError as error:
            # It does answer, so the breaker has no part in this.
            _log.error("history_answers_nonsense", path=path, reason=str(error))
            raise ApiError("HISTORY_UNAVAILABLE") from error

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise ApiError("BUSY")
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise ApiError("BUSY") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    @contextlib.contextmanager
    def _share_of(self, caller: str) -> Iterator[None]:
        # Strangers, however many, do not keep the owners of accounts from their statements.
        kind = caller.partition(":")[0]
        if self._downloads[kind] >= DOWNLOADS_AT_ONCE:
            raise ApiError("BUSY", "There are too many downloads just now; try again later.")
        if self._downloads[caller] >= DOWNLOADS_PER_CALLER:
            sentence = f"You have {DOWNLOADS_PER_CALLER} downloads under way; wait for one's end."
            raise ApiError("BUSY", sentence)
        self._downloads.update((kind, caller))
        try:
            yield
        finally:
            self._downloads.subtract((kind, caller))
            self._downloads += Counter()  # Who has none is not remembered.

    async def _probe(self) -> int:
        response = await self._client.get(PROBE_PATH)
        return response.status_code


async def _whole(response: httpx.Response) -> bytes:
    """Read a body, as far as it may go."""
    if json_size(response) > ANSWER_SIZE_MAX:
        raise NonsenseError("the answer says that it is too large")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ANSWER_SIZE_MAX:
            raise NonsenseError("the answer is too large")
    return bytes(body)
