"""Channels of entries, pure: whoever comes whenever sees each entry once, in order."""

import random
from typing import Any

import pytest

from broadcaster.channels import logs
from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.logs import (
    GATHERED_ENTRIES_MAX,
    KEPT_ENTRIES_MAX,
    SHOWN_ENTRIES_MAX,
    LogTopic,
)
from broadcaster.channels.topic import AT_ONCE, Wish
from tests.broadcaster.channels.strict import EntryForm, Reader

Message = dict[str, Any]


def log(cadence: Cadence | None = None) -> LogTopic[str]:
    return LogTopic("log", Cadence() if cadence is None else cadence, EntryForm())


class StrictLog:
    """A log as rebuilt from one view: entries follow one another, and are what was added."""

    def __init__(self) -> None:
        self.sequence = -1

    def take(self, message: Message) -> None:
        if message["type"] == "snapshot":
            assert message["sequence"] >= self.sequence, "it leads back"
            self.sequence = message["sequence"]
            entries = message["entries"]
        else:
            assert message["sequence"] == self.sequence + 1, "a gap"
            self.sequence = message["sequence"]
            entries = [message]
        for number, entry in enumerate(entries):
            assert entry["sequence"] == self.sequence - number
            assert entry["data"] == f"entry {self.sequence - number}"


def fill(topic: LogTopic[str], count: int) -> None:
    for _ in range(count):
        topic.add(f"entry {topic.sequence + 1}")


def test_a_snapshot_has_the_latest_entries_newest_first() -> None:
    topic = log()
    fill(topic, 70)
    reader = Reader(topic, AT_ONCE)
    reader.join()
    (snapshot,) = reader.read()
    numbers = [entry["sequence"] for entry in snapshot["entries"]]
    assert numbers == list(range(70, 70 - SHOWN_ENTRIES_MAX, -1))


def test_a_newcomer_between_two_beats_is_shown_as_much_as_ever() -> None:
    cadence = Cadence()
    topic = log(cadence)
    fill(topic, KEPT_ENTRIES_MAX)
    early, late = Reader(topic, Wish(1_000)), Reader(topic, Wish(1_000))
    early.join()
    fill(topic, GATHERED_ENTRIES_MAX - 1)
    late.join()
    (snapshot,) = late.read()
    assert snapshot["sequence"] == KEPT_ENTRIES_MAX
    assert len(snapshot["entries"]) == SHOWN_ENTRIES_MAX
    cadence.run(2_000 * NS_PER_MS)
    assert len(late.read()) == GATHERED_ENTRIES_MAX - 1


@pytest.mark.parametrize("limit", ["GATHERED_ENTRIES_MAX", "GATHERED_BYTES_MAX"])
def test_a_view_speaks_early_rather_than_gather_too_much(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, limit, {"GATHERED_ENTRIES_MAX": 3, "GATHERED_BYTES_MAX": 190}[limit])
    topic = log()
    reader = Reader(topic, Wish(60_000))
    reader.join()
    reader.read()
    fill(topic, 7)
    assert [message["sequence"] for message in reader.read()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("after", "numbers"),
    [(20, []), (18, [19, 20]), (10, list(range(11, 21))), (9, None), (21, None), (0, None)],
)
def test_who_comes_back_is_told_what_was_missed_or_begins_anew(
    after: int, numbers: list[int] | None
) -> None:
    topic = log()
    topic.load(12, ["entry 12", "entry 11"])
    fill(topic, 8)
    reader = Reader(topic, AT_ONCE)
    assert reader.join(after) == (numbers is not None)
    messages = reader.read()
    if numbers is None:
        assert [message["type"] for message in messages] == ["snapshot"]
    else:
        assert [message["sequence"] for message in messages] == numbers


def test_what_was_missed_is_a_snapshot_when_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = log()
    fill(topic, 100)
    reader = Reader(topic, AT_ONCE)
    assert reader.join(0)
    size_bytes = sum(map(len, reader.queued))
    reader.leave()
    monkeypatch.setattr(logs, "RESUMED_BYTES_MAX", size_bytes - 1)
    assert not reader.join(0)
    assert [message["type"] for message in reader.read()] == ["snapshot"]


def test_more_entries_than_are_kept_are_loaded_newest_first() -> None:
    topic = log()
    count = KEPT_ENTRIES_MAX + 10
    topic.load(count, (f"entry {number}" for number in range(count, 0, -1)))
    reader, strict = Reader(topic, AT_ONCE), StrictLog()
    assert not reader.join(5)
    for message in reader.read():
        strict.take(message)
    assert strict.sequence == count
    back = Reader(topic, AT_ONCE)
    assert back.join(count - 100)
    assert [message["sequence"] for message in back.read()] == list(range(count - 99, count + 1))


def test_an_empty_log_begins_with_nothing_and_goes_on_with_the_first() -> None:
    topic, strict = log(), StrictLog()
    reader = Reader(topic, AT_ONCE)
    reader.join()
    messages = reader.read()
    assert messages[0]["entries"] == []
    fill(topic, 2)
    for message in messages + reader.read():
        strict.take(message)
    assert strict.sequence == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_comes_whenever_sees_each_entry_once_in_order(seed: int) -> None:
    draw, cadence, now_ns = random.Random(seed), Cadence(), 0
    topic = log(cadence)
    readers: list[tuple[Reader, StrictLog]] = []
    gone: list[tuple[Reader, StrictLog]] = []
    resumed = 0
    for _ in range(4_000):
        match draw.randrange(5):
            case 0 | 1:
                fill(topic, draw.choice((1, 1, 1, 40)))
            case 2:
                now_ns += draw.randint(1, 30) * NS_PER_MS
                cadence.run(now_ns)
            case 3 if gone and draw.random() < 0.7:
                reader, strict = gone.pop(draw.randrange(len(gone)))
                resumed += reader.join(strict.sequence if strict.sequence >= 0 else None)
                readers.append((reader, strict))
            case 3 if len(readers) < 20:
                reader = Reader(topic, Wish(draw.choice((0, 10, 100, 1_000))))
                reader.join()
                readers.append((reader, StrictLog()))
            case 4 if readers:
                reader, strict = draw.choice(readers)
                if draw.random() < 0.4:
                    reader.lag()
                else:
                    readers.remove((reader, strict))
                    reader.leave()
                    gone = [*gone, (reader, strict)][-10:]
        for reader, strict in draw.sample(readers, len(readers) // 2):
            for message in reader.read():
                strict.take(message)
            if reader.wish == AT_ONCE:
                assert strict.sequence == topic.sequence, seed
    assert resumed > 20, "hardly anybody went on where it was: it proves too little"
    cadence.run(now_ns + 1_000 * NS_PER_MS)
    for reader, strict in readers:
        for message in reader.read():
            strict.take(message)
        assert strict.sequence == topic.sequence, seed
