"""Asking a venue by HTTP, within its limits.

The rule of this file: each question is answered once, with a body or a reason. A question that
fails is put off, and no other one waits for it; only the venue's own "too many" stops them all.
"""

import asyncio
import random
from typing import Protocol

from aggregator.books.effects import Fetch
from aggregator.feed.addresses import offline_url
from aggregator.feed.clock import Clock
from aggregator.feed.lean_httpx import httpx
from aggregator.feed.opening import FORBIDDEN, TOO_MANY, USER_AGENT, Way, retry_after_s
from aggregator.feed.pacing import Allowance, Ban
from aggregator.feed.patience import Backoff
from aggregator.feed.recording import Recorder, RowKind
from aggregator.feed.words import FeedCounts
from aggregator.protocol import NS_A_S, Rest
from shared.tasks import spawn, stop

# The largest answer known is a list of symbols of 12 MB.
ANSWER_BYTES_MAX = 32 * 1024 * 1024
ANSWER_WITHIN_S = 20.0
QUESTIONS_MAX = 4_096  # A few for each of all the symbols of the largest venue.
# We leave a fifth of the weight to whoever else asks from this address, and spread the rest over
# the minute, after a burst that is enough for the default symbols.
WEIGHT_SHARE = 0.8
BURST_SHARE = 0.2
USED_SHARE_MAX = 0.9  # By the venue's own count; from there on the rest of the minute is waited.
WEIGHT_DIGITS_MAX = 12  # Of the venue's own count; Python refuses to read very long numbers.
MINUTE_S = 60.0
WEIGHT_PER_MINUTE_DEFAULT = 60  # Of a venue that tells no limits: one a second.


class Asker(Protocol):
    """Whoever gets the answers."""

    def answered(self, fetch: Fetch, body: bytes, url: str, at_ns: int) -> None: ...

    def unanswered(self, fetch: Fetch, reason: str, at_ns: int) -> None: ...


class Fetcher:
    """All questions of one feed; use `close` after. `ban` is shared by the feeds of a venue."""

    def __init__(
        self,
        rest: Rest | None,
        asker: Asker,
        *,
        way: Way,
        ban: Ban,
        clock: Clock,
        counts: FeedCounts,
        recorder: Recorder | None = None,
        random_source: random.Random | None = None,
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._rest = rest or Rest(weight_per_minute_max=WEIGHT_PER_MINUTE_DEFAULT)
        self._asker = asker
        self._way = way
        self._ban = ban
        self._clock = clock
        self._counts = counts
        self._recorder = recorder
        self._random = random_source or random.Random()
        self._within_s = within_s
        weight = self._rest.weight_per_minute_max
        self._allowance = Allowance(weight * WEIGHT_SHARE / MINUTE_S, max(weight * BURST_SHARE, 1))
        self._full = Ban()  # Until the venue's minute is over.
        self._places = asyncio.Semaphore(self._rest.parallel_max)
        # Of what failed last, by what it was for; it goes when an answer comes.
        self._put_off: dict[tuple[str, str], Backoff] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    @property
    def waiting(self) -> int:
        return len(self._tasks)

    def ask(self, fetch: Fetch) -> None:
        if len(self._tasks) >= QUESTIONS_MAX:
            self._asker.unanswered(fetch, "too many questions wait", self._clock.unix_ns())
            return
        task = spawn(self._answer(fetch), f"fetch-{fetch.purpose}-{fetch.symbol}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drop_all(self) -> None:
        """Give up what is asked; none of it is answered any more."""
        await stop(*self._tasks)

    async def close(self) -> None:
        await self.drop_all()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _answer(self, fetch: Fetch) -> None:
        key = str(fetch.purpose), fetch.symbol
        backoff = self._put_off.get(key)
        if backoff is not None:
            await asyncio.sleep(self._random.uniform(0, backoff.bound_s))
        async with self._places:
            await self._have_leave(fetch.request.weight)
            body, reason = await self._get(fetch.request.url)
        now_ns = self._clock.unix_ns()
        if body is None:
            self._put_off.setdefault(key, Backoff(self._random)).failed()
            self._asker.unanswered(fetch, reason, now_ns)
        else:
            self._put_off.pop(key, None)
            self._asker.answered(fetch, body, fetch.request.url, now_ns)

    async def _have_leave(self, weight: int) -> None:
        while True:
            now_s = self._clock.monotonic_s()
            wait_s = max(self._ban.wait_s(now_s), self._full.wait_s(now_s))
            wait_s = wait_s or self._allowance.wait_s(now_s, weight)
            if not wait_s:
                return
            await asyncio.sleep(wait_s)

    async def _get(self, url: str) -> tuple[bytes | None, str]:
        try:
            async with asyncio.timeout(self._within_s):
                client = await self._ready()
                async with client.stream("GET", offline_url(url, self._way.offline_address)) as got:
                    body = await _read(got)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return None, self._failed(type(error).__name__, str(error) or type(error).__name__)
        if self._recorder is not None:
            at_ns = self._clock.unix_ns()
            self._recorder.row(at_ns, RowKind.HTTP, url, body or b"", 0, status=got.status_code)
        self._heed(got)
        if body is None:
            return None, self._failed("answer_too_large", f"over {ANSWER_BYTES_MAX} bytes")
        if got.status_code != httpx.codes.OK:
            text = body[:200].decode(errors="replace")
            return None, self._failed(f"http_{got.status_code}", f"HTTP {got.status_code}: {text}")
        return body, ""

    def _heed(self, got: httpx.Response) -> None:
        now_s = self._clock.monotonic_s()
        if got.status_code in TOO_MANY:
            self._ban.set(now_s, retry_after_s(got.headers.get("Retry-After")))
        elif got.status_code == FORBIDDEN and self._rest.forbidden_s:
            self._ban.set(now_s, self._rest.forbidden_s)
        used = got.headers.get(self._rest.used_weight_header or "-", "")
        if not (used.isascii() and used.isdigit()) or len(used) > WEIGHT_DIGITS_MAX:
            return
        if int(used) >= self._rest.weight_per_minute_max * USED_SHARE_MAX:
            # The venue's minutes are those of the time of day.
            into_minute_s = self._clock.unix_ns() / NS_A_S % MINUTE_S
            self._full.set(now_s, MINUTE_S - into_minute_s)

    def _failed(self, kind: str, reason: str) -> str:
        self._counts.failures[kind] += 1
        return reason

    async def _ready(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._client is None:
                self._client = httpx.AsyncClient(
                    verify=await self._way.tls(),
                    headers={"User-Agent": USER_AGENT},
                    timeout=self._within_s,
                    trust_env=False,
                )
            return self._client


async def _read(got: httpx.Response) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    async for part in got.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            return None
        parts.append(part)
    return b"".join(parts)
