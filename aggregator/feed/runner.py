"""One feed: its desk, its connections, its questions.

The rule of this file: whatever goes wrong in it stays in it. A desk that raises has a bug: its
feed is halted, with everything it had open, and the others do not notice.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from aggregator.books.effects import Close, Effect, Fetch, Mismatch, Renew, Send
from aggregator.feed.common import Common
from aggregator.feed.ending import Ending
from aggregator.feed.fetching import Fetcher
from aggregator.feed.gate import Gate
from aggregator.feed.inbox import End, Inbox
from aggregator.feed.incoming import LARGE_BYTES, Parts
from aggregator.feed.large import Large
from aggregator.feed.line import Line
from aggregator.feed.pacing import Window
from aggregator.feed.patience import Breaker
from aggregator.feed.queues import QueueCounts
from aggregator.feed.recording import RowKind
from aggregator.feed.tally import Tally
from aggregator.feed.words import ConnectionView, Desk, FeedCounts, Plan
from aggregator.protocol import Manifest, Update
from shared.logs import get_logger
from shared.messages import FeedState, FeedStatus
from shared.tasks import spawn, stop

TICK_S = 0.25  # How late a stale book may be told of: short against the seconds that make it so.
CONNECTS_PERIOD_S = 300.0  # Venues count connections in stretches of five minutes.
ROUND_ROBIN_FRAMES = 32  # Of one connection, before the feed's next one has its turn.

_log = get_logger(__name__)


class Feed:
    """Runs one desk; `start` it, and use `close` after. `halt` and `resume` are an operator's."""

    def __init__(self, desk: Desk, common: Common) -> None:
        self.desk = desk
        self.manifest: Manifest = desk.manifest
        self.counts = FeedCounts()
        self.is_waiting = False  # Of the drain.
        self.is_halted = False
        self._reason, self._since_ns = "", 0
        self._common, self._recorder, limits = common, common.recorder, common.limits
        ban = common.ban_of(self.manifest.venue)
        self.gate = Gate(
            ban,
            Breaker(failures_max=limits.breaker_failures_max, pause_s=limits.breaker_pause_s),
            Window(self.manifest.connects_per_5_minutes_max, CONNECTS_PERIOD_S),
            common.clock,
        )
        self._fetcher = Fetcher(
            self.manifest.rest,
            self,
            way=common.way,
            ban=ban,
            clock=common.clock,
            counts=self.counts,
            recorder=common.recorder,
            random_source=common.random_source,
        )
        self._lines: list[Line] = []
        self._line_of: dict[int, Line] = {}  # By connection, while it lasts.
        self._asked: dict[int, Fetch] = {}  # By ticket, what the desk waits for.
        self._inboxes: deque[Inbox] = deque()  # Those that have something, each once.
        self.tally = Tally(limits.frames_waiting_max)
        desk.use_inboxes(self.tally.has_waiting)
        self.is_timed = False  # How long a frame has waited is kept in `waited_ns`.
        self.waited_ns = 0
        self._large = Large(self, common, self.name)
        self._ticking: asyncio.Task[None] | None = None
        self._ending = Ending()

    @property
    def name(self) -> str:
        return self.manifest.feed

    # ---- the service's side ----

    def start(self) -> None:
        self._since_ns = self._common.clock.unix_ns()
        self._ticking = spawn(self._tick(), f"feed-tick-{self.name}")

    async def close(self) -> None:
        """End everything; frames that still wait are not looked at."""
        await stop(self._ticking)
        self._inboxes.clear()
        await stop(*self._all_tasks())
        await self._fetcher.close()

    def status(self) -> FeedStatus:
        """Return what the desk says, unless the connections are a matter of their own."""
        if self.is_halted:
            return self._own_status(FeedState.HALTED)
        if self.is_resting:
            return self._own_status(FeedState.BREAKER_OPEN)
        status = self.desk.status()
        if status.state is FeedState.CONNECTING and self._reason and not self._line_of:
            return msgspec.structs.replace(status, reason=self._reason)
        return status

    @property
    def is_resting(self) -> bool:
        """Whether the breaker keeps it from trying, and nothing is open."""
        return self.gate.is_closed and not self._line_of

    def connections(self) -> list[ConnectionView]:
        """Return the open connections, for the figures."""
        views = (line.view() for line in self._lines)
        return [view for view in views if view is not None]

    def queue_counts(self) -> QueueCounts:
        """Return what the queues of frames of all connections so far have counted together."""
        open_now = {line.connection for line in self._lines if line.is_open}
        return self.tally.read(open_now, is_halted=self.is_halted)

    def halt(self, reason: str) -> None:
        """Close everything and stay so until `resume`."""
        if self.is_halted:
            return
        self.is_halted = True
        self._note(reason)
        _log.error("feed_halted", feed=self.name, reason=reason)
        lines, self._lines = self._lines, []
        for line in lines:
            line.finish("halted")
        self._say_goodbye_to_desk(reason)
        self._ending.cancel([line.task for line in lines] + list(self._large.tasks))
        self._ending.hold(spawn(self._fetcher.drop_all(), f"feed-halt-{self.name}"))
        self._common.drain.wake(self)

    def resume(self) -> None:
        """Begin again, with all patience; of a feed that runs, with what the venue refuses."""
        if not self.is_halted:
            self.give(self.desk.resume, self._common.clock.unix_ns())
            return
        self.is_halted = False
        self._note("")
        self.gate.worked()
        _log.info("feed_resumed", feed=self.name)
        self._guarded(self._look_after_plans)

    def _say_goodbye_to_desk(self, reason: str) -> None:
        # What still waits is of no use: each book begins anew.
        self.tally.drop_all()
        self._inboxes.clear()
        at_ns = self._common.clock.unix_ns()
        open_now, self._line_of = self._line_of, {}
        asked, self._asked = self._asked, {}
        # Nobody is going to answer; a desk that is resumed asks again.
        ends = [partial(self.desk.closed, one) for one in open_now]
        for end in [*ends, *(partial(self.desk.unanswered, one) for one in asked)]:
            try:
                end(reason, at_ns)
            except Exception as error:  # noqa: BLE001 - it may be the one with the bug.
                _log.error("desk_failed_at_its_end", feed=self.name, exc_info=error)

    # ---- isolation ----

    def _guarded(self, work: Callable[..., object], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001 - a bug in one feed is not the others' end.
            self._broke(error)

    def _broke(self, error: BaseException) -> None:
        _log.error("feed_failed", feed=self.name, exc_info=error)
        self.counts.failures["bug"] += 1
        self.halt(f"a bug: {type(error).__name__}: {error}")

    def _line_ended(self, task: asyncio.Task[None]) -> None:
        self._lines = [line for line in self._lines if line.task is not task]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._broke(error)

    def _all_tasks(self) -> list[asyncio.Task[None]]:
        running = [line.task for line in self._lines if line.task is not None]
        return [*running, *self._large.tasks, *self._ending.tasks]

    def _note(self, reason: str) -> None:
        self._reason = reason
        self._since_ns = self._common.clock.unix_ns()

    def _own_status(self, state: FeedState) -> FeedStatus:
        said = None if self.is_halted and self.counts.failures["bug"] else self.desk.status()
        return FeedStatus(
            feed=self.name,
            state=state,
            since_ns=self._since_ns,
            reason=self._reason,
            books=said.books if said is not None else (),
        )

    # ---- frames ----

    def drain(self, until_s: float) -> bool:
        """Take what waits until then, and do what it calls for; True when some is left."""
        self._guarded(self._drain, until_s)
        return bool(self._inboxes)

    def _drain(self, until_s: float) -> None:
        if self.is_halted:
            return  # There is only its state to publish.
        now = time.perf_counter
        while self._inboxes:
            inbox = self._inboxes.popleft()
            inbox.is_listed = False
            self._take_some(inbox, until_s)
            self.arrived(inbox)
            if now() >= until_s:
                break
        self._do_what_is_wished()

    def _take_some(self, inbox: Inbox, until_s: float) -> None:
        # What is written down of a frame is so when the desk gets it, so that both agree.
        desk, now, recorder = self.desk, time.perf_counter, self._recorder
        counts = inbox.queue.counts
        for _ in range(ROUND_ROBIN_FRAMES):
            if not counts.waiting:
                if inbox.end is not None:
                    self._ended(inbox, inbox.end)
                return
            frame, at_ns = inbox.take()
            if isinstance(frame, Parts):
                self._large.read_frame(inbox, frame, at_ns)
                return
            if recorder is not None:
                recorder.row(at_ns, RowKind.RECV, inbox.url, frame, inbox.connection)
            if self.is_timed:
                self.waited_ns = max(self._common.clock.unix_ns() - at_ns, 1)
            desk.received(inbox.connection, frame, at_ns)
            if now() >= until_s:
                return

    def _ended(self, inbox: Inbox, end: End) -> None:
        inbox.end = None
        self._line_of.pop(inbox.connection, None)
        if self._recorder is not None:
            self._recorder.row(
                end.at_ns,
                RowKind.CLOSE,
                inbox.url,
                end.reason.encode(),
                inbox.connection,
                status=end.code,
            )
        self.desk.closed(inbox.connection, f"{end.code} {end.reason}", end.at_ns)

    def give(self, take: Callable[..., object], *arguments: Any) -> None:
        """Call a method of the desk, and see to what follows."""
        self._guarded(take, *arguments)
        self._common.drain.wake(self)

    def release(self, inbox: Inbox) -> None:
        """Go on with the frames of a connection."""
        inbox.is_held = False
        self.arrived(inbox)

    def break_off(self, connection: int, reason: str) -> None:
        """End a connection, and open another one."""
        line = self._line_of.get(connection)
        if line is not None and line.connection == connection:
            line.reconnect(reason)

    # ---- what the lines tell ----

    async def have_leave(self) -> None:
        """Wait until one may connect."""
        await self.gate.have_leave()

    def connected(self, line: Line) -> int:
        """Take note of an open connection, and return its number."""
        connection = next(self._common.connections)
        self._line_of[connection] = line
        at_ns = self._common.clock.unix_ns()
        self.give(self.desk.opened, connection, line.plan, at_ns)
        return connection

    def arrived(self, inbox: Inbox) -> None:
        """Take note that an inbox has something."""
        if inbox.has_something and not inbox.is_listed and not self.is_halted:
            inbox.is_listed = True
            self._inboxes.append(inbox)
            self._common.drain.wake(self)

    def pulse_at_ns(self, connection: int) -> int:
        """Return when the venue's last heartbeat or answer to a ping came."""
        return self.desk.pulse_at_ns(connection)

    def worked(self) -> None:
        """Take note that something came: the venue is there."""
        self.gate.worked()
        self._reason = ""

    def failed(self, reason: str, banned_s: float) -> None:
        """Take note of a try that came to nothing, or of a connection that brought nothing."""
        if self.gate.failed(banned_s):
            _log.warning("feed_breaker_opened", feed=self.name, reason=reason)
        if banned_s:
            reason = f"{reason}; it is left alone for {banned_s:g} s"
        self._note(reason)
        self._common.drain.wake(self)

    def tried(self, failures: int) -> None:
        """Halt when one of the lines has tried often enough."""
        limit = self._common.limits.reconnect_attempts_max
        if limit and failures > limit:
            self.halt(f"{limit} reconnects came to nothing; the last one: {self._reason}")

    # ---- what the desk wishes for ----

    def _do_what_is_wished(self) -> None:
        for effect in self.desk.take_effects():
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Fetch):
            self._asked[effect.ticket] = effect
            self._fetcher.ask(effect)
        elif isinstance(effect, Mismatch):
            if self._common.on_mismatch is not None:
                self._common.on_mismatch(effect)
        else:
            line = self._line_of.get(effect.connection)
            if line is not None and line.connection == effect.connection:
                self._do_to_line(effect, line)

    def _do_to_line(self, effect: Send | Renew | Close, line: Line) -> None:
        if isinstance(effect, Send):
            line.send(effect.texts)
        elif isinstance(effect, Close):
            line.finish(effect.reason)
        elif not effect.overlap:
            line.reconnect(effect.reason)
        elif line.is_open and not line.is_outgoing:  # Else it is on its way to another one.
            line.is_outgoing = True
            self._add_line(line.plan)

    def _look_after_plans(self) -> None:
        # A list of symbols that has just come can make for other connections.
        plans = {plan.number: plan for plan in self.desk.plans}
        for line in self._lines:
            if plans.get(line.plan.number) != line.plan:
                line.finish("of no more use")
        served = {line.plan.number for line in self._lines if not line.is_over}
        for number in plans.keys() - served:
            self._add_line(plans[number])

    def _add_line(self, plan: Plan) -> None:
        line = Line(self, plan, self._common)
        self._lines.append(line)
        line.task = asyncio.create_task(line.run(), name=f"line-{self.name}-{plan.number}")
        line.task.add_done_callback(self._line_ended)

    def answered(self, fetch: Fetch, body: bytes, url: str, at_ns: int) -> None:
        """Give an answer to the desk, a large one when it has been read elsewhere."""
        if len(body) >= LARGE_BYTES:
            self._large.read_answer(fetch, body, url, at_ns)
        else:
            self._asked.pop(fetch.ticket, None)
            self.give(self.desk.answered, fetch.ticket, body, url, at_ns)

    def answered_parsed(self, fetch: Fetch, updates: Sequence[Update], at_ns: int) -> None:
        """Give an answer to the desk that was read elsewhere."""
        self._asked.pop(fetch.ticket, None)
        self.give(self.desk.answered_parsed, fetch.ticket, updates, at_ns)

    def unanswered(self, fetch: Fetch, reason: str, at_ns: int) -> None:
        """Tell the desk that there will be no answer."""
        self._asked.pop(fetch.ticket, None)
        self.give(self.desk.unanswered, fetch.ticket, reason, at_ns)

    # ---- time ----

    async def _tick(self) -> None:
        while True:
            if not self.is_halted:
                self._guarded(self._tick_once)
            await asyncio.sleep(TICK_S)

    def _tick_once(self) -> None:
        self.desk.tick(self._common.clock.unix_ns())
        self._do_what_is_wished()
        self._look_after_plans()
        self._common.drain.wake(self)
