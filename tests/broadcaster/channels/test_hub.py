"""Which channels there are, pure: names, patterns, and who is told of new ones."""

import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub, is_pattern
from broadcaster.channels.logs import LogTopic
from broadcaster.channels.topic import AT_ONCE, Topic
from tests.broadcaster.channels.strict import EntryForm, Reader


def topic(name: str) -> LogTopic[str]:
    return LogTopic(name, Cadence(), EntryForm())


class Watcher:
    """Joins every channel that comes, as somebody with a pattern does."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def topic_added(self, pattern: str, topic: Topic) -> None:
        self.told.append((pattern, topic.name))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("book:*", ["book:a:X", "book:b:X"]),
        ("book:a:*", ["book:a:X"]),
        ("books:*", []),
        ("book:a:X:*", []),
    ],
)
def test_a_pattern_is_every_channel_that_begins_so(pattern: str, names: list[str]) -> None:
    hub, watcher = Hub(), Watcher()
    hub.watch(pattern, watcher)
    for name in ("book:a:X", "bookish", "book", "book:b:X", "price:X"):
        hub.put_topic(topic(name))
    assert is_pattern(pattern)
    assert [topic.name for topic in hub.matching(pattern)] == names
    assert watcher.told == [(pattern, name) for name in names]


def test_nobody_compares_a_pattern_with_what_it_is_not() -> None:
    hub = Hub()
    for number in range(1_000):
        hub.put_topic(topic(f"book:a:{number}"))
    hub.put_topic(topic("price:X"))
    compared = Uncompared("price:*")
    assert [topic.name for topic in hub.matching(compared)] == ["price:X"]
    hub.remove_topic("price:X")
    assert hub.matching("price:*") == []
    assert len(hub.matching("book:a:*")) == 1_000


class Uncompared(str):
    """A pattern that is looked up, and not cut to be compared."""

    def __getitem__(self, _key: object) -> str:
        raise AssertionError("a search")


def test_who_has_stopped_watching_is_told_nothing_more() -> None:
    hub, first, second = Hub(), Watcher(), Watcher()
    for watcher in (first, second):
        hub.watch("book:*", watcher)
    hub.unwatch("book:*", first)
    hub.unwatch("price:*", first)
    hub.put_topic(topic("book:X"))
    assert (first.told, second.told) == ([], [("book:*", "book:X")])
    hub.unwatch("book:*", second)
    assert not hub.watchers


def test_a_channel_that_is_removed_tells_its_readers_and_is_unknown() -> None:
    hub, log = Hub(), topic("trades:X")
    hub.put_topic(log)
    readers = [Reader(log, AT_ONCE), Reader(log, AT_ONCE)]
    for reader in readers:
        reader.join()
    hub.remove_topic("trades:X")
    assert all(reader.removed for reader in readers)
    assert not hub.topics
    assert not log.all_views()


def test_an_unknown_channel_is_named_by_its_prefix() -> None:
    hub = Hub()
    hub.unknown_codes["depth"] = "UNKNOWN_MARKET"
    names = ("depth:X", "depth", "klines:X", "", ":")
    codes = ["UNKNOWN_MARKET"] + ["UNKNOWN_CHANNEL"] * 4
    assert [hub.unknown_code(name) for name in names] == codes
    assert hub.unknown_code("depth:bybit:BTCUSDT") == "UNKNOWN_CHANNEL", "not one of the venue's"
