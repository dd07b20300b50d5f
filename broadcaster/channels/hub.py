"""Which channels there are, and who waits for ones that come.

The rule of this file: it knows channels and subscribers, and nothing of markets or sockets. A
channel is switched on and off by whoever produces it.
"""

from collections.abc import Iterator
from typing import Protocol

from broadcaster.channels.accounts import Accounts
from broadcaster.channels.topic import Topic

WILDCARD = ":*"  # What a pattern ends with: every channel that begins so.


class Watcher(Protocol):
    """Somebody who wants every channel of a pattern."""

    def topic_added(self, pattern: str, topic: Topic) -> None:
        """There is one more."""


class Hub:
    """The channels of a process."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.unknown_codes: dict[str, str] = {}  # Channel prefix -> what to say of an unknown rest.
        self.ready = False  # Whether the channels show a venue; False until the first load.
        self.accounts = Accounts()
        self.watchers: dict[str, dict[Watcher, None]] = {}  # By pattern.
        # All patterns that there are channels of: whoever asks costs what it finds, not a search.
        self._by_pattern: dict[str, dict[str, Topic]] = {}

    def put_topic(self, topic: Topic) -> None:
        """Switch a channel on that was not."""
        assert topic.name not in self.topics, "a channel has one topic"
        self.topics[topic.name] = topic
        for pattern in _patterns_of(topic.name):
            self._by_pattern.setdefault(pattern, {})[topic.name] = topic
            for watcher in tuple(self.watchers.get(pattern, ())):
                watcher.topic_added(pattern, topic)

    def remove_topic(self, name: str) -> None:
        """Switch a channel off and tell its subscribers."""
        topic = self.topics.pop(name)
        for pattern in _patterns_of(name):
            del self._by_pattern[pattern][name]
            if not self._by_pattern[pattern]:
                del self._by_pattern[pattern]
        topic.remove()

    def matching(self, pattern: str) -> list[Topic]:
        """Return the channels of a pattern that there are now."""
        return list(self._by_pattern.get(pattern, {}).values())

    def watch(self, pattern: str, watcher: Watcher) -> None:
        """Tell the watcher of every channel of the pattern that comes from now on."""
        self.watchers.setdefault(pattern, {})[watcher] = None

    def unwatch(self, pattern: str, watcher: Watcher) -> None:
        """Tell the watcher nothing more of the pattern."""
        watchers = self.watchers.get(pattern, {})
        watchers.pop(watcher, None)
        if not watchers:
            self.watchers.pop(pattern, None)

    def unknown_code(self, name: str) -> str:
        """Return why there is no channel of this name."""
        prefix, _, rest = name.partition(":")
        # `depth` alone names no market, and `trades:bybit:BTC/USDT` would be another producer's.
        is_of_venue = bool(rest) and ":" not in rest
        return self.unknown_codes.get(prefix if is_of_venue else "", "UNKNOWN_CHANNEL")


def is_pattern(name: str) -> bool:
    """Whether the name stands for all channels that begin so."""
    return name.endswith(WILDCARD)


def matches(pattern: str, name: str) -> bool:
    """Whether a channel is one of a pattern's."""
    return name.startswith(pattern[:-1])


def _patterns_of(name: str) -> Iterator[str]:
    for place, letter in enumerate(name):
        if letter == ":":
            yield f"{name[:place]}{WILDCARD}"
