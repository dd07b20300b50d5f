"""What is said on a connection of the feed: wishes, questions, answers, and repairs. Pure.

The rule of this file: it is told what came and what time it is, and says what to send. A channel
that is not right is begun anew by itself; the others never notice.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from rialto.client.feed.reading import AnyKeeper, UnreadableError, hand_over, keeper_for, read
from rialto.client.feed.wishes import (
    REPAIR_MIN_S,
    WILDCARD,
    Asked,
    OnAnswer,
    Repair,
    Wish,
    Wishes,
    is_same,
    matches,
    parts,
    wanted_on,
)
from shared.feed import (
    Answer,
    Auth,
    Authenticated,
    Closing,
    Error,
    Message,
    Op,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Update,
    Wanted,
)

ANSWER_TIMEOUT_S = 10.0  # The server answers at once; a connection that does not is dead.
BEGIN_TIMEOUT_S = 10.0  # A snapshot follows its answer; the account's may have to wait its turn.
CHANNELS_MAX = 10_000  # What wildcards may bring; more is no market data any more.
REFUSED_RETRY_S = 2.0  # A wish that could not be had now, such as of a producer that is away.

LOST, BEGINNING = "the connection is lost", "its snapshot has not come yet"


@dataclass(slots=True)
class Desk:
    """The state of a feed over all of its connections. `clock` is a monotonic one, in seconds."""

    clock: Callable[[], float]
    keepers: dict[str, AnyKeeper] = field(default_factory=dict)
    is_open: bool = False
    closing: Closing | None = None
    needs_care: bool = False  # There is something to send, or to do in `tick`, since the last time.
    unreadable: int = 0
    repairs: int = 0
    _wishes: Wishes = field(default_factory=Wishes)
    _repairs: dict[str, Repair] = field(default_factory=dict)
    _muted: set[str] = field(default_factory=set)  # Unsubscribed, and not subscribed again yet.
    _asked: dict[int, Asked] = field(default_factory=dict)
    _asking: list[list[Wanted]] = field(default_factory=list)  # Not granted yet, nor taken back.
    _authenticated: Authenticated | None = None
    _count: int = 0
    _outgoing: list[bytes] = field(default_factory=list)

    # ---- the connection ----

    def opened(self, token: str = "", on_shown: OnAnswer | None = None) -> None:
        """A connection is there: show the token, if any, and ask for everything that is wanted."""
        self.is_open, self.closing = True, None
        if token:
            self.show(token, on_shown or _nobody_asks)
        for part in parts(list(self._wishes)):
            self._ask_again(part)

    def lost(self) -> None:
        """The connection is no more. What is held is kept, to go on from, and not shown."""
        self.is_open = False
        self._outgoing.clear()
        self._muted.clear()
        for repair in self._repairs.values():
            repair.due_at_s = None
        for wish in self._wishes.values():
            wish.is_kept, wish.retry_at_s, wish.begin_by_s = False, None, None
        for keeper in self.keepers.values():
            keeper.pause(LOST)
        for channel, keeper in self.keepers.items():
            if self._is_asking(channel):
                keeper.forget(LOST)  # It may be shown by the new wish already.
        while self._asked:
            self._asked.pop(next(iter(self._asked))).on_answer(None)

    def take_outgoing(self) -> list[bytes]:
        """Return what is to be sent now, in order."""
        self.needs_care = False
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def tick(self) -> None:
        """Do what is due. Raises TimeoutError when the server has stopped to answer."""
        if not self.is_open:
            return
        now_s = self.clock()
        oldest = next(iter(self._asked.values()), None)
        if oldest is not None and now_s - oldest.at_s >= ANSWER_TIMEOUT_S:
            raise TimeoutError("the server does not answer")
        for name, wish in self._wishes.items():
            if wish.retry_at_s is not None and wish.retry_at_s <= now_s:
                wish.retry_at_s = self._retry_at_s() if self._is_asking(name) else None
                if wish.retry_at_s is None:  # Else the old wish would come after the new one.
                    self._ask_again([name])
        for channel, repair in list(self._repairs.items()):
            if repair.due_at_s is not None and repair.due_at_s <= now_s:
                if self._is_asking(channel):
                    repair.due_at_s = now_s + REPAIR_MIN_S
                    continue
                repair.due_at_s = None
                self._repair(channel, repair)
        self._begin_late(now_s)

    def due_at_s(self) -> float | None:
        """Return when `tick` is to be called next, None if nothing is waited for."""
        wishes = self._wishes.values()
        times = [time for wish in wishes for time in (wish.retry_at_s, wish.begin_by_s)]
        times += [repair.due_at_s for repair in self._repairs.values()]
        times += [asked.at_s + ANSWER_TIMEOUT_S for asked in self._asked.values()]
        return min((time for time in times if time is not None), default=None)

    # ---- what is asked ----

    def ask(self, op: Op, on_answer: OnAnswer) -> None:
        """Send an op, under an id of its own; exactly one answer comes to it, or None."""
        assert self.is_open, "only an open connection can be asked"
        self._count += 1
        self._asked[self._count] = Asked(on_answer, self.clock())
        self.needs_care = True
        self._outgoing.append(_ENCODER.encode(msgspec.structs.replace(op, id=self._count)))

    def subscribe(self, wanted: Iterable[Wanted], on_answer: OnAnswer) -> None:
        """Ask for channels; they are wished for, over all connections, once they are granted."""
        asked = list(wanted)
        self._asking.append(asked)

        def answered(answer: Answer | None) -> None:
            self._asking = [each for each in self._asking if each is not asked]
            if isinstance(answer, Subscribed):
                before = self._wishes.terms(self.keepers)
                for each in asked:
                    self._grant(each, answer)
                self._leave_to_wildcards([each.channel for each in asked])
                self._expect_others(before)
            on_answer(answer)

        self.ask(Subscribe(channels=list(asked)), answered)

    def unsubscribe(self, names: Iterable[str], on_answer: OnAnswer) -> None:
        """Wish for these no longer, and tell the server."""
        gone, before = list(names), self._wishes.terms(self.keepers)

        def answered(answer: Answer | None) -> None:
            if isinstance(answer, Unsubscribed):
                self._expect_others(before)
            on_answer(answer)

        for name in gone:
            self._wishes.pop(name, None)
        for asked in self._asking:  # The server reads this after them.
            asked[:] = [each for each in asked if each.channel not in gone]
        self._leave_to_wildcards(gone)
        for channel in [each for each in self.keepers if self._wishes.of(each) is None]:
            self._drop(channel, "it is not subscribed any more")
        self.ask(Unsubscribe(channels=gone), answered)

    def show(self, token: str, on_answer: OnAnswer) -> None:
        """Show an access token; "" is none, and shows nothing."""
        if token:
            self.ask(Auth(token=token), on_answer)

    def take_authenticated(self) -> Authenticated | None:
        """Return what the server has said of what was shown, once."""
        authenticated, self._authenticated = self._authenticated, None
        return authenticated

    def is_wanted(self, channel: str) -> bool:
        """Return whether the channel is among the wishes, by its name or by a wildcard."""
        return self._wishes.of(channel) is not None

    # ---- what comes ----

    def receive(self, frame: str | bytes) -> Update | None:
        """Take over a frame; return the update in it if a keeper took it and is right."""
        try:
            message = read(frame)
        except UnreadableError as error:
            self.unreadable += 1
            self._begin_anew(error.channel, str(error))
            return None
        if isinstance(message, Message):
            return message if self._take(message) else None
        if isinstance(message, Closing):
            self.closing = message
        else:
            self._take_answer(message)
        return None

    def _take_answer(self, answer: Answer) -> None:
        if isinstance(answer, Authenticated):
            self._authenticated = answer
        if answer.id is None and isinstance(answer, Unsubscribed):
            for channel in answer.channels:
                self._removed(channel)
        asked = self._asked.pop(answer.id, None) if isinstance(answer.id, int) else None
        if asked is not None:
            asked.on_answer(answer)

    def _take(self, update: Update) -> bool:
        channel = update.channel
        if channel in self._muted or not self._wishes.is_kept(channel):
            return False  # The rest of a subscription that is over.
        keeper = self.keepers.get(channel)
        if keeper is None:
            if len(self.keepers) >= CHANNELS_MAX and not self._has_made_room():
                return False
            keeper = self.keepers[channel] = keeper_for(update)
        if not hand_over(keeper, update):
            self._begin_anew(channel, f"a {type(update).__name__} is not of this channel")
            return False
        if not keeper.is_live:
            self._plan_repair(channel)  # Also of what comes before any snapshot.
        return keeper.is_live

    # ---- repairs ----

    def _begin_anew(self, channel: str, reason: str) -> None:
        keeper = self.keepers.get(channel)
        if keeper is not None and channel not in self._muted:
            keeper.forget(reason)
            keeper.faults += 1
            self._plan_repair(channel)

    def _plan_repair(self, channel: str) -> None:
        if self._repairs.setdefault(channel, Repair()).plan(self.clock()):
            self.needs_care = True

    def _repair(self, channel: str, repair: Repair) -> None:
        wish, keeper = self._wishes.of(channel), self.keepers.get(channel)
        if wish is None or keeper is None or keeper.is_live:
            return  # A snapshot that came by itself has made it right.
        # The first time it may go on from before the hole, after that only from a snapshot.
        after = None if repair.attempts else keeper.resume_after
        if after is None:
            keeper.forget(keeper.fault)
        repair.attempts += 1
        repair.begun_at_s = self.clock()
        self.repairs += 1
        self._muted.add(channel)
        wanted = msgspec.structs.replace(wish.wanted, channel=channel, after_sequence=after)

        def answered(answer: Answer | None) -> None:
            self._muted.discard(channel)
            if isinstance(answer, Subscribed):
                self._start(channel, answer)
            elif isinstance(answer, Error):
                self._refused(channel, answer)

        self.ask(Unsubscribe(channels=[channel]), _nobody_asks)
        self.ask(Subscribe(channels=[wanted]), answered)

    def _leave_to_wildcards(self, changed: list[str]) -> None:
        # A repair has named what a wildcard brought, with the wish of that time.
        named = [each for each in self._repairs if each not in self._wishes]
        named = [each for each in named if any(matches(name, each) for name in changed)]
        named = [each for each in named if not self._is_asking(each)]
        for part in parts(named):
            self.ask(Unsubscribe(channels=part), _nobody_asks)

    def _expect_others(self, before: dict[str, Wanted]) -> None:
        # What a wildcard shows otherwise now begins anew, and nothing says that it does.
        for channel, wanted in self._wishes.terms(self.keepers).items():
            if channel not in self._wishes and not is_same(wanted, before.get(channel, wanted)):
                self.keepers[channel].expect_snapshot(BEGINNING)
                self.needs_care = True
                self._repairs.setdefault(channel, Repair()).due_at_s = (
                    self.clock() + REFUSED_RETRY_S
                )

    # ---- wishes ----

    def _ask_again(self, names: list[str]) -> None:
        wanted = [
            wanted_on(self._wishes[name], self.keepers.get(name))
            for name in names
            if name in self._wishes
        ]
        if not wanted:
            return

        def answered(answer: Answer | None) -> None:
            if isinstance(answer, Subscribed):
                for each in wanted:
                    if each.channel in self._wishes:
                        self._granted_again(each.channel, answer)
            elif isinstance(answer, Error) and len(wanted) == 1:
                self._refused(wanted[0].channel, answer)
            elif isinstance(answer, Error):
                for each in wanted:  # One of them is at fault, and the others shall not suffer.
                    self._ask_again([each.channel])

        self.ask(Subscribe(channels=list(wanted)), answered)

    def _grant(self, wanted: Wanted, answer: Subscribed) -> None:
        known = self._wishes.get(wanted.channel)
        if known is not None and known.is_kept and known.wanted == wanted:
            return  # As it is already.
        self._wishes[wanted.channel] = Wish(wanted, is_kept=True)
        if wanted.channel in self.keepers:
            self.keepers[wanted.channel].forget()
        self._start(wanted.channel, answer)

    def _granted_again(self, name: str, answer: Subscribed) -> None:
        self._wishes[name].is_kept = True
        self._start(name, answer)
        if name.endswith(WILDCARD):
            for channel, keeper in self.keepers.items():
                if channel not in self._wishes and matches(name, channel):
                    keeper.forget()

    def _start(self, channel: str, answer: Subscribed) -> None:
        keeper, wish = self.keepers.get(channel), self._wishes.get(channel)
        if channel in answer.resumed:
            if keeper is not None:
                keeper.go_on()
            return
        if keeper is not None:
            keeper.expect_snapshot(BEGINNING)  # Which may be long in coming.
        if wish is not None and not channel.endswith(WILDCARD):
            self.needs_care = True
            wish.begin_by_s = self.clock() + BEGIN_TIMEOUT_S

    def _begin_late(self, now_s: float) -> None:
        # Nothing may have been new to the server, or a snapshot was lost.
        late: list[str] = []
        for name, wish in self._wishes.items():
            if wish.begin_by_s is not None and wish.begin_by_s <= now_s:
                wish.begin_by_s = None
                keeper = self.keepers.get(name)
                is_busy = (
                    (keeper and keeper.is_live) or name in self._muted or self._is_asking(name)
                )
                late += [name] if wish.is_kept and not is_busy else []
        for part in parts(late):
            self.ask(Unsubscribe(channels=part), _nobody_asks)
            self._ask_again(part)

    def _refused(self, channel: str, error: Error) -> None:
        keeper, wish = self.keepers.get(channel), self._wishes.get(channel)
        if keeper is not None:
            keeper.forget(f"the server refuses it: {error.code}")
        if wish is not None:
            wish.is_kept, wish.retry_at_s = False, self._retry_at_s()

    def _removed(self, channel: str) -> None:
        wish, keeper = self._wishes.get(channel), self.keepers.get(channel)
        if wish is not None:
            wish.is_kept, wish.retry_at_s = False, self._retry_at_s()
        self._repairs.pop(channel, None)
        if keeper is not None:  # It stays, for whoever waits until it is back.
            keeper.forget("it has ceased to exist")

    def _retry_at_s(self) -> float:
        self.needs_care = True
        return self.clock() + REFUSED_RETRY_S * random.uniform(0.5, 1.5)

    def _has_made_room(self) -> bool:
        held = self._wishes.keys() | self._repairs.keys()
        over = [name for name, each in self.keepers.items() if not (each.is_live or name in held)]
        if over:
            self._drop(over[0], "it has ceased to exist")
        return bool(over)

    def _drop(self, channel: str, reason: str) -> None:
        keeper = self.keepers.pop(channel, None)
        self._repairs.pop(channel, None)
        if keeper is not None:
            keeper.forget(reason)

    def _is_asking(self, channel: str) -> bool:
        return any(each.channel == channel for asked in self._asking for each in asked)


_ENCODER = msgspec.json.Encoder()


def _nobody_asks(_answer: Answer | None) -> None:
    """The answer to what is only said."""
