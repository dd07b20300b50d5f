"""One connection that there should be, kept open: the only reconnect loop.

The rule of this file: it ends only when it is told to. Each time it is open, it has a number of
its own, and what comes goes to an inbox of that number; what it says is the desk's business.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from aggregator.feed.common import Common
from aggregator.feed.inbox import BEHIND_S_MAX, End, Inbox
from aggregator.feed.incoming import Message
from aggregator.feed.opening import FORBIDDEN, OpeningError, open_socket
from aggregator.feed.pacing import Allowance
from aggregator.feed.patience import Backoff
from aggregator.feed.recording import RowKind
from aggregator.feed.sockets import ABNORMAL, NORMAL, TOO_SLOW, VenueSocket
from aggregator.feed.tally import Tally
from aggregator.feed.words import ConnectionView, FeedCounts, Plan
from aggregator.protocol import NS_A_S, Manifest

NEVER_NS = 2**63
TEXTS_WAITING_MAX = 4_096  # To be sent on one connection; far more than all of its topics need.


class Keeper(Protocol):
    """The feed that a line belongs to."""

    manifest: Manifest
    counts: FeedCounts
    tally: Tally

    async def have_leave(self) -> None:
        """Wait until one may connect."""

    def connected(self, line: "Line") -> int:
        """Take note of an open connection, and return its number."""

    def arrived(self, inbox: Inbox) -> None:
        """Take note that an inbox has something."""

    def pulse_at_ns(self, connection: int) -> int:
        """Return when the venue's last heartbeat or answer to a ping came."""

    def worked(self) -> None:
        """Take note that something came: the venue is there."""

    def tried(self, failures: int) -> None:
        """Take note of how many tries in a row of one line have come to nothing lasting."""

    def failed(self, reason: str, banned_s: float) -> None:
        """Take note of a try that came to nothing, or of a connection that ended early."""


class Line:
    """Keeps a connection of one plan."""

    def __init__(self, keeper: Keeper, plan: Plan, common: Common) -> None:
        self.plan = plan
        self.is_outgoing = False  # Another one is taking over; it is not opened again.
        self.is_over = False
        self.connection = 0  # Of the open one, else of the last one.
        self.opened_at_ns = 0
        self.task: asyncio.Task[None] | None = None
        self.backoff = Backoff(
            common.random_source,
            first_s=common.limits.backoff_first_s,
            max_s=common.limits.backoff_max_s,
        )
        self._keeper = keeper
        self._common = common
        self._socket: VenueSocket | None = None
        self._inbox = Inbox(0, plan.url)
        self._texts: deque[str] = deque()
        self._sending = Allowance(1, 1)
        self._wake = asyncio.Event()
        self._has_worked = False
        self._frames = 0
        self._opened_s = 0.0
        self._heard_s = 0.0  # When anything came last.
        self._pinged_s = 0.0
        self._is_ping_out = False
        self._was_paused = False
        self._app_pinged_s = 0.0
        self._asked_at_ns = NEVER_NS  # When the first ping was sent that has no answer yet.
        self._is_steady = False

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def view(self) -> ConnectionView | None:
        """Return the connection as it is now; None when there is none."""
        socket = self._socket
        if socket is None:
            return None
        return ConnectionView(
            connection=self.connection,
            plan=self.plan.number,
            url=self.plan.url,
            opened_at_ns=self.opened_at_ns,
            frames=self._frames,
            bytes_received=socket.bytes_received,
            bytes_sent=socket.bytes_sent,
            waiting=len(self._inbox.queue),
            waiting_max=self._inbox.queue.counts.waiting_max,
        )

    # ---- the loop ----

    async def run(self) -> None:
        """Connect, and connect again, until it is over."""
        try:
            while not self.is_over:
                await self._keeper.have_leave()
                if not self.is_over:
                    await self._connect_once()
        finally:
            self._hang_up(NORMAL, "going away")

    async def _connect_once(self) -> None:
        counts = self._keeper.counts
        counts.connects += 1
        if self.connection:
            counts.reconnects += 1
        try:
            await open_socket(self.plan.url, self._common.way, self, self._common.buffer)
        except OpeningError as error:
            counts.connect_failures += 1
            counts.failures[f"http_{error.status}" if error.status else "connect"] += 1
            rest = self._keeper.manifest.rest
            forbidden_s = rest.forbidden_s if rest and error.status == FORBIDDEN else 0.0
            self._keeper.failed(str(error), error.banned_s or forbidden_s)
        else:
            await self._stay()
        self.is_over = self.is_over or self.is_outgoing
        if not self.is_over:
            wait_s = self.backoff.failed()
            self._keeper.tried(self.backoff.failures)
            await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        self._wake.clear()
        if not self.is_over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _stay(self) -> None:
        # Until the connection is lost: send what waits, ping, and notice silence.
        while self._socket is not None:
            self._wake.clear()
            wait_s = min(self._send_waiting(), self._keep_alive(), self._grow_steady())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def _send_waiting(self) -> float:
        while self._texts and self._socket is not None:
            wait_s = self._sending.wait_s(self._common.clock.monotonic_s())
            if wait_s:
                return wait_s
            text = self._texts.popleft()
            self._row(RowKind.SEND, text.encode(), 0)
            self._socket.send(text)
        return float("inf")

    def _keep_alive(self) -> float:
        socket, manifest, limits = self._socket, self._keeper.manifest, self._common.limits
        if socket is None:
            return 0.0
        now_s = self._common.clock.monotonic_s()
        if self._inbox.is_paused:
            return self._fall_behind(now_s)
        if self._was_paused:
            self._was_paused = self._is_ping_out = False
            self._heard_s = now_s
        silent_s = now_s - self._heard_s
        if silent_s >= manifest.silence_s:
            self._give_up(f"nothing came for {manifest.silence_s:g} s")
            return 0.0
        if self._is_ping_out and now_s - self._pinged_s >= limits.pong_within_s:
            self._give_up(f"no pong within {limits.pong_within_s:g} s")
            return 0.0
        if not self._is_ping_out and now_s - self._pinged_s >= limits.ping_every_s:
            self._pinged_s, self._is_ping_out = now_s, True
            socket.ping()
        ping_wait_s = limits.pong_within_s if self._is_ping_out else limits.ping_every_s
        wait_s = min(manifest.silence_s - silent_s, self._pinged_s + ping_wait_s - now_s)
        return min(wait_s, self._app_ping(now_s))

    def _fall_behind(self, now_s: float) -> float:
        # Nothing is read, so nothing can be said of silence; but this must not go on.
        self._was_paused = True
        left_s = self._heard_s + BEHIND_S_MAX - now_s
        if left_s <= 0:
            self._keeper.counts.backlog_cuts += 1
            self._hang_up(TOO_SLOW, f"too much has waited for {BEHIND_S_MAX:g} s")
        return max(left_s, 0.0)

    def _app_ping(self, now_s: float) -> float:
        # The venue's own kind of ping, whose answer only the desk can tell from other frames.
        ping = self._keeper.manifest.ping
        if ping is None:
            return float("inf")
        at_ns = self._common.clock.unix_ns()
        if self._keeper.pulse_at_ns(self.connection) >= self._asked_at_ns:
            self._asked_at_ns = NEVER_NS
        elif ping.answer_timeout_s and at_ns - self._asked_at_ns >= ping.answer_timeout_s * NS_A_S:
            self._give_up(f"no answer to a ping within {ping.answer_timeout_s:g} s")
            return 0.0
        if now_s - self._app_pinged_s >= ping.interval_s:
            self._app_pinged_s = now_s
            self._asked_at_ns = min(self._asked_at_ns, at_ns)
            self.send((ping.text,))
        wait_s = self._app_pinged_s + ping.interval_s - now_s
        return min(wait_s, ping.answer_timeout_s or wait_s)

    def _grow_steady(self) -> float:
        if self._is_steady:
            return float("inf")
        left_s = self._opened_s + self._common.limits.steady_s - self._common.clock.monotonic_s()
        if left_s > 0:
            return left_s
        self._is_steady = True
        self.backoff.succeeded()
        return float("inf")

    def _give_up(self, reason: str) -> None:
        self._keeper.counts.silences += 1
        self._hang_up(ABNORMAL, reason)

    # ---- what the feed asks for ----

    def send(self, texts: tuple[str, ...]) -> None:
        """Send texts as fast as the venue allows; a venue that takes none is dropped."""
        if len(self._texts) + len(texts) > TEXTS_WAITING_MAX:
            self._hang_up(TOO_SLOW, "more to say than it takes")
            return
        self._texts.extend(texts)
        self._wake.set()

    def reconnect(self, reason: str) -> None:
        """End the connection, and open another one."""
        self._hang_up(NORMAL, reason)

    def finish(self, reason: str) -> None:
        """End it for good."""
        self.is_over = True
        self._hang_up(NORMAL, reason)
        self._wake.set()

    def _hang_up(self, code: int, reason: str) -> None:
        if self._socket is not None:
            self._socket.close(code, reason)

    # ---- what the socket tells ----

    def opened(self, socket: VenueSocket) -> None:
        now_s = self._common.clock.monotonic_s()
        rate = self.plan.socket.messages_per_s_max
        self._socket = socket
        self._opened_s = self._heard_s = self._pinged_s = self._app_pinged_s = now_s
        self._is_ping_out = self._is_steady = self._has_worked = self._was_paused = False
        self._asked_at_ns = NEVER_NS
        self._frames = 0
        self._texts = deque(self.plan.messages)
        # Not one more than in a second, or a burst and the rest would be too many together.
        self._sending = Allowance(rate, 1)
        self.opened_at_ns = self._common.clock.unix_ns()
        self.connection = self._keeper.connected(self)
        frames_max = self._common.limits.frames_waiting_max
        self._inbox = Inbox(self.connection, self.plan.url, frames_max=frames_max)
        self._keeper.tally.add(self._inbox)
        self._inbox.source = socket
        self._row(RowKind.CONNECT, b"", 0, self._keeper.manifest.feed)

    def received(self, messages: Sequence[Message]) -> None:
        clock, inbox = self._common.clock, self._inbox
        at_ns = clock.unix_ns()
        self._heard_s = clock.monotonic_s()
        self._is_ping_out = False  # Whoever talks is there.
        self._frames += len(messages)
        for message in messages:
            if not inbox.put(message, at_ns):
                self._keeper.counts.backlog_cuts += 1
                self._hang_up(TOO_SLOW, "too much waits to be read")
                break
        if inbox.is_paused:
            self._wake.set()
        if not self._has_worked:
            self._has_worked = True
            self._keeper.worked()
        self._keeper.arrived(inbox)

    def ponged(self) -> None:
        self._is_ping_out = False

    def lost(self, code: int, reason: str) -> None:
        socket, self._socket = self._socket, None
        counts = self._keeper.counts
        counts.close_codes[code] += 1
        if socket is not None:
            counts.bytes_received += socket.bytes_received
            counts.bytes_sent += socket.bytes_sent
        counts.frames += self._frames
        self._texts.clear()
        self._inbox.end = End(code, reason, self._common.clock.unix_ns())
        self._keeper.arrived(self._inbox)
        if not self.is_over and not self.is_outgoing and not self._has_worked:
            self._keeper.failed(reason, 0.0)
        self._wake.set()

    def _row(self, kind: RowKind, data: bytes, status: int, feed: str = "") -> None:
        recorder = self._common.recorder
        if recorder is not None:
            at_ns = self._common.clock.unix_ns()
            url, connection = self.plan.url, self.connection
            recorder.row(at_ns, kind, url, data, connection, status=status, feed=feed)
