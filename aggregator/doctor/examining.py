"""One feed examined: from its name to its first data, and its HTTP side.

The rule of this file: it speaks to a venue with the venue's connector and a plain client, so that
what it finds is the venue and the way there, and not the rest of the house.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from aggregator.doctor.findings import (
    Failure,
    Finding,
    Outcome,
    Report,
    Step,
    refused,
    silent,
    socket_failed,
    status_sentence,
)
from aggregator.doctor.places import PORTS, STEP_S_MAX, elapsed_ms, reach
from aggregator.feed.addresses import offline_url
from aggregator.protocol import (
    NS_A_S,
    Accepted,
    BookUpdate,
    Connector,
    FrameError,
    Instrument,
    Kind,
    Manifest,
    Pulse,
    Refused,
    Socket,
    Topic,
    TouchUpdate,
    TradeUpdate,
    Update,
)

FRAME_BYTES_MAX = 32 * 1024 * 1024
ANSWER_S_MAX = 15.0  # A list of all symbols has up to 12 MB.
SKEW_MS_MAX = 1_000  # Beyond it, ages and latencies of this machine mean nothing.
# The forms in which venues write a pair, for when they cannot be asked.
FORMS = ("{}/{}", "{}-{}", "{}{}", "{}_{}")
# What of a socket is waited for; the others need not come within seconds.
WAITED_FOR: dict[Kind, type] = {
    Kind.BOOK: BookUpdate,
    Kind.TRADES: TradeUpdate,
    Kind.TOUCH: TouchUpdate,
}
WORDS = {Kind.BOOK: "book", Kind.TRADES: "trade", Kind.TOUCH: "best price"}
AGE_S_MAX = 3.0  # For a message with a time of its own, if there was none yet.


@dataclass
class Examination:
    """The examination of one feed. `now_ns` of a message is this machine's clock."""

    connector: Connector
    manifest: Manifest
    pair: str
    offline_address: str = ""
    wait_s: float = 10.0
    findings: list[Finding] = field(default_factory=list)
    ages_ns: list[int] = field(default_factory=list)

    async def run(self) -> Report:
        """Examine; whatever goes wrong is in the report."""
        instrument = await self._ask()
        async with asyncio.TaskGroup() as group:
            for socket in self.manifest.sockets:
                group.create_task(self._examine(socket, instrument))
        self.findings.append(self._clock())
        return Report(
            feed=self.manifest.feed,
            pair=self.pair,
            checked_on=self.manifest.checked_on,
            is_from_documents_alone=self.manifest.from_documents_alone,
            findings=tuple(self.findings),
        )

    async def _ask(self) -> Instrument | None:
        request = self.connector.fetch_instruments(self.manifest)
        if request is None:
            self.findings.append(Finding(Step.HTTP, Outcome.SKIPPED))
            return self._guess()
        begin_s = time.monotonic()
        try:
            body = await self._get(request.url)
            listed = list(request.read(body, request.url))
        except (Failure, FrameError) as error:
            self._fail(Step.HTTP, str(error))
            return self._guess()
        instruments = [found for found in listed if isinstance(found, Instrument)]
        self.findings.append(Finding(Step.HTTP, Outcome.OK, elapsed_ms(begin_s)))
        pairs = {f"{found.base}/{found.quote}": found for found in instruments}
        if self.pair not in pairs:
            near = get_close_matches(self.pair, pairs, n=1, cutoff=0)
            hint = f"; the nearest is {near[0]}" if near else ""
            self._fail(Step.SUBSCRIPTION, f"The venue does not list {self.pair}{hint}.")
            return None
        return pairs[self.pair]

    async def _get(self, url: str) -> bytes:
        try:
            async with httpx.AsyncClient(timeout=ANSWER_S_MAX) as client:
                answer = await client.get(offline_url(url, self.offline_address))
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            sentence = f"{url} cannot be asked ({reason}): check internet, DNS and proxies."
            raise Failure(Step.HTTP, sentence) from None
        if not answer.is_success:
            raise Failure(Step.HTTP, status_sentence(url, answer.status_code))
        return answer.content

    def _guess(self) -> Instrument | None:
        base, _, quote = self.pair.partition("/")
        for form in FORMS:
            found = self.connector.guess_instrument(self.manifest, form.format(base, quote))
            if found is not None and (found.base, found.quote) == (base, quote):
                return found
        return None

    def _fail(self, step: Step, sentence: str) -> None:
        self.findings.append(Finding(step, Outcome.FAILED, -1, sentence))

    async def _examine(self, socket: Socket, instrument: Instrument | None) -> None:
        symbol = instrument.symbol if instrument else ""
        topics = [self._topic(kind, symbol) for kind in socket.kinds if kind in WAITED_FOR]
        if Kind.PULSE in socket.kinds:
            topics.append(self._topic(Kind.PULSE, symbol))
        url = self.connector.build_subscription_url(self.manifest, socket.name, topics)
        url = offline_url(url, self.offline_address)
        if urlsplit(url).scheme not in PORTS:
            sentence = f"{url} is called by a library, and is not examined."
            self.findings.append(Finding(Step.SOCKET, Outcome.WARNED, -1, sentence))
            return
        found = await reach(url)
        self.findings += found
        if any(finding.outcome is Outcome.FAILED for finding in found):
            return
        try:
            await self._open(socket, url, topics if instrument else ())
        except Failure as failure:
            self._fail(failure.step, str(failure))

    def _topic(self, kind: Kind, symbol: str) -> Topic:
        manifest = self.manifest
        if kind is not Kind.BOOK:
            return Topic(kind, symbol)
        return Topic(kind, symbol, manifest.depth_default, manifest.interval_ms_default)

    async def _open(self, socket: Socket, url: str, topics: Sequence[Topic]) -> None:
        begin_s = time.monotonic()
        try:
            async with connect(
                url, max_size=FRAME_BYTES_MAX, open_timeout=STEP_S_MAX, close_timeout=1
            ) as connection:
                self.findings.append(Finding(Step.SOCKET, Outcome.OK, elapsed_ms(begin_s)))
                if topics:
                    await self._subscribe(socket, connection, topics)
        except InvalidStatus as error:
            raise Failure(Step.SOCKET, status_sentence(url, error.response.status_code)) from None
        except (InvalidHandshake, OSError, TimeoutError) as error:
            reason = str(error) or f"no answer within {STEP_S_MAX:g} s"
            raise socket_failed(url, reason) from None

    async def _subscribe(
        self, socket: Socket, connection: ClientConnection, topics: Sequence[Topic]
    ) -> None:
        messages = self.connector.get_subscription_messages(self.manifest, socket.name, topics)
        kinds = {topic.kind for topic in topics}
        listening = _Listening(self, {kind: WAITED_FOR[kind] for kind in kinds & set(WAITED_FOR)})
        try:
            async with asyncio.timeout(self.wait_s):
                for text in messages:
                    await connection.send(text)
                while listening.missing:
                    await self._hear(connection, listening)
            async with asyncio.timeout(min(self.wait_s, AGE_S_MAX)):
                while not self.ages_ns:
                    await self._hear(connection, listening)
        except (TimeoutError, ConnectionClosed):
            pass
        self._judge_silence(listening)

    async def _hear(self, connection: ClientConnection, listening: "_Listening") -> None:
        frame = await connection.recv()
        for update in self._read(frame.encode() if isinstance(frame, str) else frame):
            if isinstance(update, Pulse) and update.answer:
                await connection.send(update.answer)
            listening.take(update)

    def _judge_silence(self, listening: "_Listening") -> None:
        if not listening.missing:
            return
        what = " and ".join(sorted(WORDS[kind] for kind in listening.missing))
        failure = silent(self.pair, what, self.wait_s, self.manifest.checked_on)
        if not listening.has_data:
            raise failure
        # A book may well be quoted without anybody trading for a while.
        self.findings.append(Finding(Step.DATA, Outcome.WARNED, -1, str(failure)))

    def _read(self, frame: bytes) -> Sequence[Update]:
        try:
            return self.connector.parse_message(frame, time.time_ns())
        except FrameError as error:
            raise Failure(
                Step.DATA,
                f"The venue says what the connector cannot read ({error}): its protocol may have "
                f"changed since {self.manifest.checked_on}.",
            ) from None

    def _clock(self) -> Finding:
        if not self.ages_ns:
            return Finding(Step.CLOCK, Outcome.SKIPPED)
        # Of all, the quickest message is nearest to how far the two clocks are apart.
        skew_ms = min(self.ages_ns) * 1_000 // NS_A_S
        if abs(skew_ms) <= SKEW_MS_MAX:
            return Finding(Step.CLOCK, Outcome.OK, abs(skew_ms))
        way = "behind" if skew_ms < 0 else "ahead of"
        sentence = (
            f"This machine's clock is about {abs(skew_ms)} ms {way} the venue's, or the line is "
            "that slow: set it from the network (NTP), or ages and latencies shown are wrong."
        )
        return Finding(Step.CLOCK, Outcome.WARNED, abs(skew_ms), sentence)


@dataclass
class _Listening:
    examination: Examination
    missing: dict[Kind, type]
    begin_s: float = field(default_factory=time.monotonic)
    is_taken: bool = False
    has_data: bool = False

    def take(self, update: Update) -> None:
        if isinstance(update, Refused):
            raise refused(self.examination.pair, update.reason or "no reason is given")
        # Some venues never say that they have taken a subscription: data say so.
        if not self.is_taken and isinstance(update, Accepted | BookUpdate | TouchUpdate):
            self.is_taken = True
            self._found(Step.SUBSCRIPTION)
        if isinstance(update, BookUpdate | TouchUpdate | TradeUpdate):
            self.missing = {k: of for k, of in self.missing.items() if not isinstance(update, of)}
            if not self.has_data:
                self.has_data = True
                self._found(Step.DATA)
            if update.venue_at_ns and not _is_of_the_past(update):
                self.examination.ages_ns.append(time.time_ns() - update.venue_at_ns)

    def _found(self, step: Step) -> None:
        self.examination.findings.append(Finding(step, Outcome.OK, elapsed_ms(self.begin_s)))


def _is_of_the_past(update: BookUpdate | TouchUpdate | TradeUpdate) -> bool:
    # A snapshot tells when its book last changed, which may be long ago.
    if isinstance(update, BookUpdate):
        return update.is_snapshot
    return isinstance(update, TradeUpdate) and update.is_history
