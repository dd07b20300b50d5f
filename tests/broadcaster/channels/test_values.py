"""Channels of one value, pure: the numbers grow for everybody, and the latest arrives."""

import random

import msgspec
import pytest

from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.topic import AT_ONCE, Wish
from broadcaster.channels.values import ValueTopic
from shared.feed import Reason, Value
from tests.broadcaster.channels.strict import Reader


class Form:
    """A number, as another producer's channel says it; counts how often it was asked."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, channel: str, sequence: int, value: int, reason: Reason) -> Value:
        self.made += 1
        data = msgspec.Raw(str(value).encode())
        lagged = reason == "lagged"
        return Value(
            channel=channel, sequence=sequence, at_ns=0, data=data, reason=reason, lagged=lagged
        )


def loaded(cadence: Cadence, form: Form | None = None) -> ValueTopic[int]:
    topic: ValueTopic[int] = ValueTopic("value", cadence, Form() if form is None else form)
    topic.load(1, 10)
    return topic


def test_a_value_is_encoded_once_for_all_views() -> None:
    form, cadence = Form(), Cadence()
    topic = loaded(cadence, form)
    readers = [Reader(topic, wish) for wish in (AT_ONCE, AT_ONCE, Wish(10), Wish(20))]
    for reader in readers:
        reader.join()
        reader.read()
    assert form.made == 1
    topic.set(2, 20)
    cadence.run(100 * NS_PER_MS)
    frames = [reader.queued for reader in readers]
    assert form.made == 2
    assert all(frame is frames[0][0] for (frame,) in frames)


def test_a_beat_without_news_says_nothing() -> None:
    cadence = Cadence()
    reader = Reader(loaded(cadence), Wish(10))
    reader.join()
    reader.read()
    cadence.run(1_000 * NS_PER_MS)
    assert reader.read() == []


@pytest.mark.parametrize(("after", "count"), [(1, 0), (0, 1), (2, 1)])
def test_who_has_the_value_already_is_not_told_again(after: int, count: int) -> None:
    reader = Reader(loaded(Cadence()), AT_ONCE)
    reader.join(after)
    assert len(reader.read()) == count


def test_a_number_that_does_not_grow_is_a_broken_invariant() -> None:
    with pytest.raises(AssertionError):
        loaded(Cadence()).set(1, 11)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_comes_whenever_sees_growing_numbers_and_the_latest_value(seed: int) -> None:
    draw, cadence, now_ns = random.Random(seed), Cadence(), 0
    topic, sequence = loaded(cadence), 1
    readers: list[tuple[Reader, list[int]]] = []
    for _ in range(3_000):
        match draw.randrange(4):
            case 0:
                sequence += draw.randint(1, 3)
                topic.set(sequence, sequence * 10)
            case 1:
                now_ns += draw.randint(1, 30) * NS_PER_MS
                cadence.run(now_ns)
            case 2 if len(readers) < 20:
                reader = Reader(topic, Wish(draw.choice((0, 10, 100))))
                reader.join()
                readers.append((reader, []))
            case 3 if readers:
                index = draw.randrange(len(readers))
                if draw.random() < 0.5:
                    readers[index][0].lag()
                    readers[index][1].clear()
                else:
                    readers.pop(index)[0].leave()
        for reader, seen in draw.sample(readers, len(readers) // 2):
            for message in reader.read():
                assert message["data"] == message["sequence"] * 10
                seen.append(message["sequence"])
            assert seen == sorted(set(seen)), seed
            if reader.wish == AT_ONCE:
                assert seen[-1] == sequence
    cadence.run(now_ns + 100 * NS_PER_MS)
    for reader, seen in readers:
        seen += [message["sequence"] for message in reader.read()]
        assert seen[-1] == sequence, seed
