"""What goes out to one client, and in which order.

The rule of this file: nothing here waits for the client. A reader that falls behind loses what is
queued of its views and gets one fresh snapshot of each when it reads again; where nothing may be
lost, the connection ends instead.
"""

from collections.abc import Callable
from typing import Protocol

from broadcaster.channels.frames import encode
from broadcaster.channels.topic import Topic, View, Wish
from broadcaster.clients.outbox import Outbox
from shared.feed import Answer, Closing, Reason, Unsubscribed


class Owner(Protocol):
    """Whom a delivery tells what it cannot decide itself."""

    def too_slow(self, channel: str) -> None:
        """The client does not keep up with what may not be lost: this channel, "" for answers."""

    def channel_removed(self, name: str) -> None:
        """A channel that was delivered is no more; the client is told already."""


class Delivery:
    """The outgoing half of a connection; a `Subscriber` of the hub.

    `on_output` is called when there is something to send and there was nothing; after that not
    again until everything has been taken.
    """

    __slots__ = (
        "_due",
        "_has_stale",
        "_is_ended",
        "_is_told",
        "_on_output",
        "_outbox",
        "_owner",
        "lagged_count",
        "views",
    )

    def __init__(self, owner: Owner, on_output: Callable[[], None]) -> None:
        self._owner = owner
        self._on_output = on_output
        self._outbox = Outbox()
        # What comes of them before anything else: a snapshot for a reason, or what was missed after
        # a sequence. It is made when the client takes it: many ask at once who read little of it.
        self._due: dict[View, Reason | int] = {}
        self._has_stale = False  # The outbox has frames that a snapshot which is due replaces.
        self._is_told = False  # Whoever sends knows that there is something.
        self._is_ended = False
        self.views: dict[str, View] = {}  # By channel.
        self.lagged_count = 0

    @property
    def has_output(self) -> bool:
        """Whether there is something to send."""
        return bool(self._outbox.frames or self._due)

    def take(self, bytes_max: int) -> list[bytes]:
        """Return the frames to send next: about so many bytes, at least one if there is any.

        What is due is made only now, so a slow reader gets the latest, once.
        """
        if self._has_stale:
            self._has_stale = False
            self._outbox.drop(set(self._due))
        outbox = self._outbox
        frames = outbox.take(bytes_max)
        if self._due and not outbox.frames:
            self._take_due(frames, bytes_max - sum(map(len, frames)))
        self._is_told = bool(outbox.frames or self._due)
        return frames

    def next_message(self) -> bytes | None:
        """Return the one frame to send next, None when there is nothing."""
        frames = self.take(1)
        return frames[0] if frames else None

    def subscribe(self, topic: Topic, wish: Wish, after_sequence: int | None = None) -> bool:
        """Begin to see the topic, with its snapshot; return whether it goes on instead with what
        came after `after_sequence`.

        With the wish that it has already, nothing changes; with another one it begins anew.
        """
        seen = self.views.get(topic.name)
        if seen is not None and seen.wish == wish and after_sequence is None:
            return False
        if self._is_ended:
            return False
        self.unsubscribe(topic.name)
        view = self.views[topic.name] = topic.join(self, wish)
        if not topic.is_loaded:
            return False  # The snapshot comes when there is something to show.
        goes_on = after_sequence is not None and view.can_resume(after_sequence)
        self._due[view] = after_sequence if after_sequence is not None and goes_on else ""
        self._tell()
        return goes_on

    def unsubscribe(self, name: str) -> None:
        """Send nothing more of this channel than what is queued."""
        view = self.views.pop(name, None)
        if view is not None:
            view.topic.leave(self, view)
            self._due.pop(view, None)

    def close(self) -> None:
        """Leave every channel."""
        for name in list(self.views):
            self.unsubscribe(name)

    def release(self) -> None:
        """Tell nobody anything from now on: who holds its owner would stay until a full
        collection.
        """
        self._owner, self._on_output = _Nobody(), _tell_nobody

    def end(self, *forgotten: str) -> None:
        """Take nothing more; what is queued still goes out, except of the `forgotten` channels."""
        self._is_ended = True
        self.close()
        if forgotten:
            self._outbox.drop(set(forgotten))

    def answer(self, answer: Answer | Closing) -> None:
        """Queue an answer to the client's own message."""
        self.send("", encode(answer))

    def send(self, channel: str, frame: bytes) -> None:
        """Queue a message that may not be lost."""
        if self._is_ended:
            return
        if self._outbox.keep(channel, frame):
            self._tell()
        else:
            # Once something is lost, nothing after it may be sent.
            self._outbox.clear()
            self._owner.too_slow(channel)

    def deliver(self, view: View, frame: bytes) -> None:
        """Queue a message of a view; one whose snapshot is due will be in the snapshot."""
        if view in self._due:
            return
        if not self._outbox.add(view, frame):
            self._fall_behind(view)
        if not self._is_told:
            self._is_told = True
            self._on_output()

    def snapshot_due(self, view: View, reason: Reason) -> None:
        if self.views.get(view.name) is view:
            # What the client has not begun to read needs no other reason to begin. One that lags
            # does: only "resync" may lead it back.
            if self._due.get(view) != "":
                self._due[view] = reason
            self._has_stale = True
            self._tell()

    def view_removed(self, view: View) -> None:
        self.unsubscribe(view.name)
        self.answer(Unsubscribed(None, [view.name]))
        self._owner.channel_removed(view.name)

    def _take_due(self, frames: list[bytes], bytes_left: int) -> None:
        for view in list(self._due):
            if frames and bytes_left <= 0:
                return
            due = self._due.pop(view)
            if view.topic.is_loaded:  # Else it will be due again when there is something to show.
                begun = _beginning(view, due)
                frames += begun
                bytes_left -= sum(map(len, begun))

    def _fall_behind(self, view: View) -> None:
        # At most once in so many frames as fit, for what is due is not queued; what has left the
        # subscriptions meanwhile needs no snapshot.
        for lagging in (*self._outbox.drop_views(), view):
            if self.views.get(lagging.name) is lagging and lagging not in self._due:
                self._due[lagging] = "lagged"
                self.lagged_count += 1

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._on_output()


def _beginning(view: View, due: Reason | int) -> list[bytes]:
    if isinstance(due, str):
        return [view.snapshot(due)]
    missed = view.resume(due)
    return [view.snapshot("")] if missed is None else missed


class _Nobody:
    def too_slow(self, _channel: str) -> None:
        pass

    def channel_removed(self, _name: str) -> None:
        pass


def _tell_nobody() -> None:
    pass
