"""Which channels are live: heartbeats come, come late, come twice, and stop."""

import pytest

from shared.publishing import Alive, ChannelState, Kind, presence, publisher
from shared.publishing.presence import SILENCE_MAX_S, Heard, Presence

NOTHING = Heard([], [], [], {})


def state(name: str, sequence: int = 1, kind: Kind = Kind.VALUE) -> ChannelState:
    return ChannelState(name, kind, sequence)


def alive(*names: str, producer: str = "prices", boot_us: int = 1, beat: int = 1) -> Alive:
    return Alive(producer, boot_us, beat, tuple(state(name) for name in names))


def came(heard: Heard) -> list[str]:
    return [each.channel for each in heard.came]


def test_a_channel_comes_with_the_first_heartbeat_that_names_it_and_goes_with_the_next() -> None:
    seen = Presence()
    assert came(seen.hear(alive("a", "b"), 0.0)) == ["a", "b"]
    heard = seen.hear(alive("b", "c", beat=2), 1.0)
    assert (heard.gone, came(heard)) == (["a"], ["c"])
    assert [each.channel for each in heard.states] == ["b", "c"]
    assert seen.owners == {"b": "prices", "c": "prices"}


def test_a_heartbeat_that_comes_twice_or_late_is_nothing() -> None:
    seen = Presence()
    seen.hear(alive("a", beat=5), 0.0)
    assert seen.hear(alive(beat=5), 1.0) == NOTHING
    assert seen.hear(alive("b", beat=4), 1.0) == NOTHING
    assert seen.owners == {"a": "prices"}


def test_a_producer_that_was_started_anew_replaces_the_old_one() -> None:
    seen = Presence()
    seen.hear(alive("a", boot_us=1, beat=50), 0.0)
    heard = seen.hear(alive("a", "b", boot_us=2, beat=1), 1.0)
    assert (heard.gone, came(heard)) == ([], ["b"])
    assert seen.hear(alive("a", boot_us=1, beat=51), 1.0) == NOTHING
    assert seen.owners.keys() == {"a", "b"}


def test_a_channel_goes_when_its_producer_is_silent_too_long_and_may_come_back() -> None:
    seen = Presence()
    seen.hear(alive("a"), 0.0)
    seen.hear(alive("b", producer="other"), 5.0)
    assert seen.pass_time(SILENCE_MAX_S - 0.001) == []
    assert seen.pass_time(SILENCE_MAX_S) == ["a"]
    assert seen.pass_time(SILENCE_MAX_S) == []
    assert came(seen.hear(alive("a", boot_us=0), 20.0)) == ["a"]


def test_our_own_silence_is_not_counted() -> None:
    seen = Presence()
    seen.hear(alive("a"), 0.0)
    seen.begin_again(100.0)
    assert seen.pass_time(100.0 + SILENCE_MAX_S - 0.001) == []
    assert seen.pass_time(100.0 + SILENCE_MAX_S) == ["a"]


def test_of_two_producers_of_one_channel_the_first_keeps_it_until_it_is_gone() -> None:
    seen = Presence()
    seen.hear(alive("a"), 0.0)
    heard = seen.hear(alive("a", producer="other"), 0.0)
    assert (heard.came, heard.states) == ([], [])
    assert heard.refused == {"a": "The channel is prices's."}
    assert seen.hear(alive("a", producer="other", beat=2), 1.0).refused == {}, "said once"
    assert seen.hear(alive(beat=2), 2.0).gone == ["a"]
    assert came(seen.hear(alive("a", producer="other", beat=3), 3.0)) == ["a"]
    assert seen.owners == {"a": "other"}


def test_a_channel_of_another_kind_is_another_channel() -> None:
    seen = Presence()
    seen.hear(alive("a"), 0.0)
    heard = seen.hear(Alive("prices", 1, 2, (state("a", kind=Kind.BOOK),)), 1.0)
    assert (heard.gone, came(heard)) == (["a"], ["a"])


@pytest.mark.parametrize("name", ["depth:TATA_INR", "account", "bad name", "book:*", ""])
def test_a_name_that_is_not_to_be_had_is_refused_and_said_once(name: str) -> None:
    seen = Presence()
    heard = seen.hear(alive(name, "a"), 0.0)
    assert came(heard) == ["a"]
    assert list(heard.refused) == [name]
    assert seen.hear(alive(name, "a", beat=2), 1.0).refused == {}


def test_a_producer_without_a_proper_name_is_refused() -> None:
    seen = Presence()
    assert "bad:name" in seen.hear(alive("a", producer="bad:name"), 0.0).refused
    assert seen.owners == {}


def test_there_is_an_end_to_channels_and_to_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "CHANNELS_MAX", 2)
    monkeypatch.setattr(presence, "PRODUCERS_MAX", 1)
    seen = Presence()
    heard = seen.hear(alive("a", "b", "c"), 0.0)
    assert (came(heard), heard.refused) == (["a", "b"], {"c": "There are too many channels."})
    heard = seen.hear(alive("d", producer="other"), 0.0)
    assert heard.refused == {"other": "There are too many producers."}


def test_a_producer_that_names_too_many_channels_leaves_room_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "CHANNELS_OF_PRODUCER_MAX", 2)
    seen = Presence()
    assert came(seen.hear(alive("a", "b", "c"), 0.0)) == ["a", "b"]
    assert came(seen.hear(alive("d", producer="other"), 0.0)) == ["d"]


def test_a_producer_may_have_as_many_channels_as_it_may_open() -> None:
    assert presence.CHANNELS_OF_PRODUCER_MAX == publisher.CHANNELS_MAX


def test_few_of_many_refusals_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "REFUSALS_TOLD_MAX", 3)
    seen = Presence()
    assert list(seen.hear(alive(*"ABCDE", "a"), 0.0).refused) == ["A", "B", "C"]
    assert seen.hear(alive(*"CDEF", "a", beat=2), 1.0).refused.keys() <= {"D", "E", "F"}
    producers = [seen.hear(alive("a", producer=name), 0.0).refused for name in "AABCDDDA"]
    assert [len(refused) for refused in producers] == [1, 0, 1, 1, 1, 0, 0, 1]
