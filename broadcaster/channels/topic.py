"""A channel and what its subscribers see of it.

The rule of this file: subscribers with the same wish share one view, and a view is one stream of
bytes: everything is computed and encoded once, however many there are.

    topic   depth:TATA_INR, the one state
    wish    at once and full; or every 250 ms and the best 20 levels; ...
    view    what all with one wish are sent: a snapshot to begin with, then what follows it

A view stands at one place of its channel: the one to which its last message led. Its snapshot is
of that place, also when more has happened since, so whoever comes between two beats goes on with
the same message as everybody else.

While a channel is not loaded, nothing of it is sent to anybody. `begin` ends that: whoever has
loaded the state calls it, and all get a snapshot of it before anything else.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

from broadcaster.channels.cadence import Beat, Cadence
from shared.feed import Reason

# A crowd with one wish is cut into cohorts with beats of their own: one takes some 5 ms to write.
COHORT_SUBSCRIBERS_MAX = 250
COHORT_BEAT_MS_MIN = 25  # No more cohorts than this gives: each costs an encoding per beat.
# What is said at once is encoded at every change for each wish: nobody may make that cost more by
# asking for ever other levels. Wishes beyond these few are heard at a beat instead.
QUICK_WISHES_MAX = 8
QUICK_BEAT_MS = 100
# Each takes note of every change (1 us), keeps what has changed since its last beat, and is encoded
# for itself. People have a handful; with these, a change costs 0.1 ms, whoever asks for what.
WISHES_MAX = 100


class Wish(NamedTuple):
    """What somebody wants of a channel; `interval_ms` 0 is at once, `levels` 0 is all."""

    interval_ms: int = 0
    levels: int = 0


AT_ONCE = Wish()


class WishError(Exception):
    """A wish that the channel cannot fulfil; `field` names it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Subscriber(Protocol):
    """What a channel asks of a client; none of it waits."""

    def deliver(self, view: "View", frame: bytes) -> None:
        """Take a message of a view."""

    def snapshot_due(self, view: "View", reason: Reason) -> None:
        """Take the view's snapshot, made anew, before any other message of it."""

    def view_removed(self, view: "View") -> None:
        """The channel is no more: leave it."""


class View(ABC):
    """What all subscribers with one wish see; made and dropped by its topic.

    A kind of channel says what `snapshot`, `can_resume`, `resume`, `flush` and `stand` do.
    """

    def __init__(self, topic: "Topic", wish: Wish) -> None:
        self.topic = topic
        self.name = topic.name
        self.wish = wish
        self.interval_ms = wish.interval_ms  # In fact; the topic may make it longer.
        self.subscribers: dict[Subscriber, None] = {}
        self.beat: Beat | None = None
        self.is_full = False  # It has gathered so much that it does not wait for its beat.

    @abstractmethod
    def snapshot(self, reason: Reason) -> bytes:
        """Return the frame that begins this view where it stands; made once for all who ask."""

    @abstractmethod
    def can_resume(self, after_sequence: int) -> bool:
        """Whether whoever was there may go on from there, as far as can be said at no cost: if it
        turns out to be too much, `resume` returns None, and the snapshot comes after all.

        Who claims to be further than the view was told so by somebody else.
        """

    @abstractmethod
    def resume(self, after_sequence: int) -> list[bytes] | None:
        """Return the frames that lead from there to where this view stands; None where only a
        snapshot can, or where it is shorter.
        """

    @abstractmethod
    def flush(self) -> None:
        """Publish what has gathered since the last time, if anything has."""

    @abstractmethod
    def stand(self) -> None:
        """Stand where the channel is now, whatever has gathered."""

    def on_beat(self) -> None:
        """Speak, unless nobody may be told anything before a snapshot."""
        if self.topic.is_loaded:
            self.flush()

    def publish(self, frame: bytes) -> None:
        """Give a frame to all subscribers."""
        # A copy: a subscriber may be found to be gone when it is written to.
        for subscriber in tuple(self.subscribers):
            subscriber.deliver(self, frame)


class Topic(ABC):
    """A channel. A kind of channel says what its views are; whoever produces it feeds them.

    The producer may set `default`, `is_loaded` and `on_wanted` at any time. It feeds a channel
    only after its first `begin`.
    """

    has_levels = False

    def __init__(self, name: str, cadence: Cadence, default: Wish = AT_ONCE) -> None:
        self.name = name
        self.default = default
        self.is_loaded = True  # Whether there is a state to show; until then nobody is sent any.
        self.views: dict[Wish, list[View]] = {}
        self.on_wanted: Callable[[bool], None] = _nobody_cares  # First one came, last one left.
        self._cadence = cadence
        self._all: tuple[View, ...] = ()

    def wish(self, interval_ms: int | None, levels: int | None) -> Wish:
        """Return the wish with this channel's defaults for None; raises WishError."""
        if levels is not None and not self.has_levels:
            raise WishError("levels", f"{self.name} has no levels.")
        wish = Wish(
            self.default.interval_ms if interval_ms is None else interval_ms,
            self.default.levels if levels is None else levels,
        )
        if len(self.views) >= WISHES_MAX and wish != self.default and wish not in self.views:
            field = "levels" if interval_ms is None else "interval_ms"
            sentence = f"{self.name} is shown in {WISHES_MAX} ways already; take its defaults."
            raise WishError(field, sentence)
        return wish

    def join(self, subscriber: Subscriber, wish: Wish) -> View:
        """Let somebody see the channel; the beginning has to be fetched from the view, unless the
        channel is not loaded: then it comes by itself.
        """
        was_wanted = bool(self.views)
        view = self._room_in(wish) or self._open(wish)
        view.subscribers[subscriber] = None
        if not was_wanted:
            self.on_wanted(True)
        return view

    def leave(self, subscriber: Subscriber, view: View) -> None:
        """Let somebody go; a view that nobody sees is no more."""
        view.subscribers.pop(subscriber, None)
        if not view.subscribers and view in self.views.get(view.wish, ()):
            self._close(view)
            if not self.views:
                self.on_wanted(False)

    def all_views(self) -> tuple[View, ...]:
        """Return the views that somebody sees."""
        return self._all

    @property
    def subscriber_count(self) -> int:
        return sum(len(view.subscribers) for view in self._all)

    def begin(self, reason: Reason) -> None:
        """The state was replaced as a whole: everybody gets a snapshot before anything else."""
        self.is_loaded = True
        for view in self._all:
            view.stand()
            for subscriber in tuple(view.subscribers):
                subscriber.snapshot_due(view, reason)

    def flush(self) -> None:
        """Have the views speak that say everything at once, or cannot gather more."""
        for view in self._all:
            if view.is_full or not view.interval_ms:
                view.on_beat()

    def remove(self) -> None:
        """The channel is no more: tell everybody."""
        for view in self._all:
            for subscriber in tuple(view.subscribers):
                subscriber.view_removed(view)

    @abstractmethod
    def new_view(self, wish: Wish) -> View:
        """Return a view of this kind of channel at the channel's present state."""

    def _room_in(self, wish: Wish) -> View | None:
        views = self.views.get(wish)
        if not views:
            return None
        smallest = min(views, key=lambda view: len(view.subscribers))
        cohorts_max = max(1, smallest.interval_ms // COHORT_BEAT_MS_MIN)
        is_full = len(smallest.subscribers) >= COHORT_SUBSCRIBERS_MAX
        return None if is_full and len(views) < cohorts_max else smallest

    def _open(self, wish: Wish) -> View:
        view = self.new_view(wish)
        view.interval_ms = self._interval_ms(wish)
        self.views.setdefault(wish, []).append(view)
        self._all = (*self._all, view)
        if view.interval_ms:
            view.beat = self._cadence.start(view.on_beat, view.interval_ms)
        return view

    def _close(self, view: View) -> None:
        views = self.views[view.wish]
        views.remove(view)
        if not views:
            del self.views[view.wish]
        self._all = tuple(other for other in self._all if other is not view)
        if view.beat is not None:
            self._cadence.stop(view.beat)

    def _interval_ms(self, wish: Wish) -> int:
        if wish.interval_ms >= QUICK_BEAT_MS or wish == self.default:
            return wish.interval_ms
        quick = {view.wish for view in self._all if view.interval_ms < QUICK_BEAT_MS}
        is_crowded = wish not in quick and len(quick - {self.default}) >= QUICK_WISHES_MAX
        return QUICK_BEAT_MS if is_crowded else wish.interval_ms


def _nobody_cares(_wanted: bool) -> None:
    """The default: the channel is fed whether anybody sees it or not."""
