"""Names and patterns of one client, pure: what it gets, and what it no longer gets."""

from broadcaster.channels.topic import Wish
from broadcaster.clients import limits
from tests.broadcaster.clients.counting import said
from tests.broadcaster.clients.talking import Message, Talk, wishes


def talk_of_books(*more: str) -> Talk:
    talk = Talk()
    for name in ("book:one:X", "book:one:Y", "book:two:X", *more):
        talk.put(name, has_levels=True)
    return talk


def in_short(messages: list[Message]) -> list[str]:
    return [said(message) for message in messages if "type" in message]


def subscribed(talk: Talk) -> list[str]:
    (answer,) = talk.say({"op": "list"})
    found: list[str] = answer["subscribed"]
    return found


def count_all(talk: Talk) -> list[str]:
    """Let every channel count once; return what is heard of it, by channel."""
    for name in sorted(talk.hub.topics):
        talk.topic(name).count()
    return [message["channel"] for message in talk.heard()]


def test_a_pattern_is_every_channel_that_begins_so() -> None:
    talk = talk_of_books()
    answer, *updates = talk.subscribe("book:*")
    assert answer == {"op": "subscribed", "id": None, "channels": ["book:*"]}
    assert in_short(updates) == ["book:one:X=0", "book:one:Y=0", "book:two:X=0"]
    assert count_all(talk) == ["book:one:X", "book:one:Y", "book:two:X"]


def test_a_longer_pattern_is_fewer_channels() -> None:
    talk = talk_of_books("book:one_more:X")
    assert in_short(talk.subscribe("book:one:*")) == ["book:one:X=0", "book:one:Y=0"]


def test_channels_that_come_later_join_with_their_snapshot() -> None:
    talk = talk_of_books()
    talk.subscribe({"channel": "book:one:*", "levels": 5})
    talk.put("book:one:Z", has_levels=True)
    talk.put("book:two:Z", has_levels=True)
    assert wishes(talk.heard()) == {"book:one:Z": Wish(0, 5)}
    assert count_all(talk) == ["book:one:X", "book:one:Y", "book:one:Z"]


def test_a_pattern_asks_of_a_later_channel_only_what_it_can_have() -> None:
    talk = talk_of_books()
    talk.subscribe({"channel": "book:*", "levels": 5, "interval_ms": 50})
    talk.put("book:of:prices")
    assert wishes(talk.heard()) == {"book:of:prices": Wish(50, 0)}


def test_a_channel_that_ceased_and_comes_back_joins_again() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*")
    talk.hub.remove_topic("book:one:X")
    assert talk.heard() == [{"op": "unsubscribed", "id": None, "channels": ["book:one:X"]}]
    talk.put("book:one:X")
    assert in_short(talk.heard()) == ["book:one:X=0"]


def test_a_named_channel_that_ceased_does_not_come_back() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:X")
    talk.hub.remove_topic("book:one:X")
    talk.heard()
    talk.put("book:one:X")
    assert talk.heard() == []
    assert subscribed(talk) == []


def test_a_pattern_that_is_asked_for_again_changes_nothing() -> None:
    talk = talk_of_books()
    talk.subscribe("book:*", interval_ms=50)
    assert talk.subscribe("book:*", interval_ms=50)[1:] == []
    assert talk.unsubscribe("book:*")[1:] == []
    assert count_all(talk) == []
    assert not talk.hub.watchers


def test_a_pattern_with_another_wish_begins_its_channels_anew() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*")
    _, *updates = talk.subscribe({"channel": "book:one:*", "levels": 5})
    assert wishes(updates) == {"book:one:X": Wish(0, 5), "book:one:Y": Wish(0, 5)}


def test_a_name_keeps_its_own_wish_whichever_comes_first() -> None:
    for first, second in (("name", "pattern"), ("pattern", "name")):
        talk = talk_of_books()
        channels: dict[str, object] = {
            "name": {"channel": "book:one:X", "levels": 5},
            "pattern": {"channel": "book:one:*", "levels": 20},
        }
        talk.subscribe(channels[first])
        talk.subscribe(channels[second])
        talk.topic("book:one:X").count()
        assert [message["wish"] for message in talk.heard()] == [[0, 5]]
        assert subscribed(talk) == ["book:one:*", "book:one:X"]


def test_a_name_within_its_pattern_in_one_message_has_its_own_wish_and_one_snapshot() -> None:
    talk = talk_of_books()
    _, *updates = talk.subscribe("book:one:*", {"channel": "book:one:X", "levels": 5})
    assert wishes(updates) == {"book:one:X": Wish(0, 5), "book:one:Y": Wish(0, 0)}


def test_a_pattern_that_is_left_leaves_what_was_named_besides() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*", "book:one:X")
    assert talk.unsubscribe("book:one:*")[1:] == []
    assert count_all(talk) == ["book:one:X"]


def test_without_its_name_a_channel_is_as_its_pattern_has_it() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*", {"channel": "book:one:X", "levels": 5})
    answer, *updates = talk.unsubscribe("book:one:X")
    assert answer["channels"] == ["book:one:X"]
    assert wishes(updates) == {"book:one:X": Wish(0, 0)}


def test_what_only_a_pattern_holds_cannot_be_left_by_its_name() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*")
    assert talk.unsubscribe("book:one:X")[1:] == []
    assert count_all(talk) == ["book:one:X", "book:one:Y"]


def test_of_several_patterns_the_longest_has_its_way() -> None:
    for names in (["book:*", "book:one:*"], ["book:one:*", "book:*"]):
        talk = talk_of_books()
        levels = {"book:*": 5, "book:one:*": 20}
        for name in names:
            talk.subscribe({"channel": name, "levels": levels[name]})
        for name in sorted(talk.hub.topics):
            talk.topic(name).count()
        assert [message["wish"][1] for message in talk.heard()] == [20, 20, 5]


def test_a_pattern_that_is_left_leaves_what_another_one_stands_for() -> None:
    talk = talk_of_books()
    talk.subscribe({"channel": "book:*", "levels": 5}, {"channel": "book:one:*", "levels": 20})
    _, *updates = talk.unsubscribe("book:one:*")
    assert wishes(updates) == {"book:one:X": Wish(0, 5), "book:one:Y": Wish(0, 5)}
    assert talk.unsubscribe("book:*")[1:] == []
    assert count_all(talk) == []


def test_list_tells_patterns_and_names_as_they_were_asked_for() -> None:
    talk = talk_of_books()
    talk.subscribe("depth:A_B", "book:*", "book:one:X")
    assert subscribed(talk) == ["book:*", "book:one:X", "depth:A_B"]


def test_a_mistake_beside_a_pattern_subscribes_nothing() -> None:
    talk = talk_of_books()
    assert talk.code({"op": "subscribe", "channels": ["book:*", "nope"]}) == "UNKNOWN_CHANNEL"
    assert count_all(talk) == []
    assert not talk.hub.watchers


def test_too_many_patterns_are_refused() -> None:
    talk = Talk()
    patterns = [f"book:{number}:*" for number in range(limits.PATTERNS_MAX + 1)]
    for number in range(len(patterns)):
        talk.put(f"book:{number}:X")
    assert talk.code({"op": "subscribe", "channels": patterns}) == "TOO_MANY_SUBSCRIPTIONS"
    assert talk.subscribe(*patterns[1:])[0]["op"] == "subscribed"
    assert talk.code({"op": "subscribe", "channels": patterns[:1]}) == "TOO_MANY_SUBSCRIPTIONS"


def test_a_pattern_of_too_many_channels_is_refused() -> None:
    talk = talk_of_books(*(f"book:{n}" for n in range(limits.PATTERN_CHANNELS_MAX)))
    assert talk.code({"op": "subscribe", "channels": ["book:*"]}) == "TOO_MANY_SUBSCRIPTIONS"
    assert talk.subscribe("book:one:*")[0]["op"] == "subscribed"


def test_a_pattern_of_many_channels_is_as_many_messages() -> None:
    talk = Talk()
    for number in range(limits.PATTERN_CHANNELS_MAX):
        talk.put(f"book:{number}")
    answers = []
    for _ in range(limits.MESSAGES_BURST_MAX // 20):
        answers += [message for message in talk.subscribe("book:*") if "op" in message]
    assert [answer.get("code") for answer in answers] == [None] * 9 + ["RATE_LIMITED"]
    assert talk.subscribe("book:1")[0]["op"] == "subscribed"
    assert talk.session.ending is None


def test_a_channel_that_is_one_too_many_for_a_pattern_is_told_once() -> None:
    talk = Talk()
    for number in range(limits.PATTERN_CHANNELS_MAX):
        talk.put(f"book:{number}")
    talk.subscribe("book:*")
    for name in ("book:x", "book:y"):
        talk.put(name)
    (error,) = talk.heard()
    assert (error["op"], error["id"], error["code"]) == ("error", None, "TOO_MANY_SUBSCRIPTIONS")
    assert not talk.topic("book:x").views
    assert len(talk.session.delivery.views) == limits.PATTERN_CHANNELS_MAX


def test_going_on_after_a_sequence_is_for_each_channel() -> None:
    talk = Talk()
    talk.topic("depth:A_B").count(5)
    talk.topic("trades:A_B").count(3)
    _, *updates = talk.subscribe(
        {"channel": "depth:A_B", "after_sequence": 4}, {"channel": "trades:A_B"}
    )
    assert in_short(updates) == ["depth:A_B+5", "trades:A_B=3"]


def test_naming_a_channel_that_a_pattern_brought_begins_it_anew() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*")
    assert in_short(talk.subscribe("book:one:X")) == ["book:one:X=0"]
    assert in_short(talk.subscribe("book:one:X")) == [], "it is named already"


def test_leaving_and_naming_a_channel_of_a_pattern_always_brings_a_snapshot() -> None:
    talk = talk_of_books()
    talk.subscribe("book:one:*", "book:one:X")
    for _ in range(2):
        talk.unsubscribe("book:one:X")
        assert in_short(talk.subscribe("book:one:X")) == ["book:one:X=0"]
