"""What one client is subscribed to: names, and patterns that stand for many.

The rule of this file: a channel that is named has the wish it was named with; one that only
patterns stand for has the wish of the longest of them. So what a client is subscribed to does not
depend on the order in which it asked for it.
"""

from collections.abc import Iterable

from broadcaster.channels.hub import Hub, matches
from broadcaster.channels.topic import Topic
from broadcaster.clients import limits
from broadcaster.clients.delivery import Delivery
from broadcaster.clients.plans import Plan, Terms, fitting, too_many_channels
from broadcaster.clients.requests import BadRequest, shorten
from shared.feed import Error


class Subscriptions:
    """The names and patterns of one client; a `Watcher` of the hub."""

    __slots__ = ("_delivery", "_hub", "_is_full", "_patterns", "_through")

    def __init__(self, hub: Hub, delivery: Delivery) -> None:
        self._hub = hub
        self._delivery = delivery
        self._patterns: dict[str, Terms] = {}
        self._through: dict[str, None] = {}  # Channels that are here by a pattern alone.
        self._is_full = False  # The client was told that there are more than it can have.

    @property
    def names(self) -> list[str]:
        """What was asked for: names and patterns, not what these stand for."""
        named = (name for name in self._delivery.views if name not in self._through)
        return [*named, *self._patterns]

    @property
    def is_empty(self) -> bool:
        return not self._delivery.views and not self._patterns

    def check(self, plan: Plan) -> int:
        """Return for how many channels its patterns stand; raises BadRequest when that would be
        too many.
        """
        patterns = self._patterns.keys() | plan.patterns.keys()
        if len(patterns) > limits.PATTERNS_MAX:
            raise _too_many(f"A connection has at most {limits.PATTERNS_MAX} patterns.")
        if len({*self.names, *plan.named, *patterns}) > limits.SUBSCRIPTIONS_MAX:
            raise _too_many(f"A connection has at most {limits.SUBSCRIPTIONS_MAX} subscriptions.")
        held: set[str] = set()
        if plan.patterns:
            held = {topic.name for name in patterns for topic in self._hub.matching(name)}
            if len(held) > limits.PATTERN_CHANNELS_MAX:
                raise too_many_channels()
        return len(held)

    def add(self, plan: Plan) -> list[str]:
        """Subscribe to what is planned; what is named so already stays as it is.

        Returns the names of the channels that go on where they were.
        """
        resumed: list[str] = []
        for name, (topic, wish, after_sequence) in plan.named.items():
            if name in self._through:
                # It begins, as for anybody who names it: a client that repairs a channel of a
                # pattern has no other way to be given a snapshot.
                del self._through[name]
                self._delivery.unsubscribe(name)
            if self._delivery.subscribe(topic, wish, after_sequence):
                resumed.append(name)
        changed = [name for name, terms in plan.patterns.items() if self._is_new(name, terms)]
        for pattern in changed:
            self._patterns[pattern] = plan.patterns[pattern]
            self._hub.watch(pattern, self)
        for pattern in changed:
            for topic in self._hub.matching(pattern):
                self._hold(topic)
        return resumed

    def remove(self, names: Iterable[str]) -> None:
        """Unsubscribe; what a pattern still stands for stays, as that pattern has it."""
        for name in names:
            if self._patterns.pop(name, None) is not None:
                self._hub.unwatch(name, self)
                for held in [held for held in self._through if matches(name, held)]:
                    self._let_go(held)
            elif name in self._delivery.views and name not in self._through:
                self._let_go(name)

    def topic_added(self, pattern: str, topic: Topic) -> None:
        if topic.name in self._through or len(self._through) < limits.PATTERN_CHANNELS_MAX:
            self._hold(topic)
        elif not self._is_full:
            self._is_full = True
            most = limits.PATTERN_CHANNELS_MAX
            sentence = f"{shorten(pattern)} stands for more than {most} channels by now."
            self._delivery.answer(Error(None, "TOO_MANY_SUBSCRIPTIONS", sentence))

    def topic_removed(self, name: str) -> None:
        """The channel is no more, and nothing is delivered of it."""
        self._through.pop(name, None)
        self._is_full = False

    def close(self) -> None:
        """Leave everything."""
        for pattern in self._patterns:
            self._hub.unwatch(pattern, self)
        self._patterns.clear()
        self._through.clear()
        self._delivery.close()

    def _is_new(self, pattern: str, terms: Terms) -> bool:
        return self._patterns.get(pattern) != terms

    def _hold(self, topic: Topic) -> None:
        """Have the channel by a pattern, unless it was asked for by its name."""
        name = topic.name
        if name in self._through or name not in self._delivery.views:
            self._through[name] = None
            self._delivery.subscribe(topic, fitting(topic, self._patterns[self._longest(name)]))

    def _let_go(self, name: str) -> None:
        topic = self._delivery.views[name].topic
        self._is_full = False
        if self._longest(name):
            self._through[name] = None
            self._hold(topic)
        else:
            self._through.pop(name, None)
            self._delivery.unsubscribe(name)

    def _longest(self, name: str) -> str:
        fitting_ones = (pattern for pattern in self._patterns if matches(pattern, name))
        return max(fitting_ones, key=len, default="")


def _too_many(sentence: str) -> BadRequest:
    return BadRequest("TOO_MANY_SUBSCRIPTIONS", sentence, "channels")
