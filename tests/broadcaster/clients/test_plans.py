"""Reading a `subscribe`, pure: what it comes to, and where its mistake is."""

import pytest

from broadcaster.channels.topic import AT_ONCE, WISHES_MAX, Topic, Wish
from tests.broadcaster.clients.talking import Message, Talk, wishes


def talk_of_many() -> Talk:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    return talk


def subscribe(*channels: object, **fields: object) -> Message:
    return {"op": "subscribe", "id": 1, "channels": list(channels), **fields}


def test_each_channel_has_its_own_wish_or_the_messages_or_its_default() -> None:
    talk = Talk()
    talk.put("depth20:A_B", has_levels=True).default = Wish(100, 20)
    answer, *updates = talk.say(
        subscribe(
            {"channel": "depth:A_B", "levels": 5},
            {"channel": "depth:C_D", "interval_ms": 0, "levels": 0},
            "depth20:A_B",
            interval_ms=250,
        )
    )
    assert answer["channels"] == ["depth:A_B", "depth:C_D", "depth20:A_B"]
    assert wishes(updates) == {
        "depth:A_B": Wish(250, 5),
        "depth:C_D": Wish(0, 0),
        "depth20:A_B": Wish(250, 20),
    }


def test_what_holds_for_the_whole_message_holds_where_it_fits() -> None:
    talk = talk_of_many()
    answer, *updates = talk.say(
        subscribe("depth:A_B", "trades:A_B", "account", interval_ms=250, levels=20)
    )
    assert answer["op"] == "subscribed"
    assert wishes(updates) == {"depth:A_B": Wish(250, 20), "trades:A_B": Wish(250, 0)}


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        (subscribe({"channel": "trades:A_B", "levels": 5}), "INVALID_FIELD", "channels[0].levels"),
        (subscribe({"channel": "account", "levels": 5}), "INVALID_FIELD", "channels[0].levels"),
        (
            subscribe("depth:A_B", {"channel": "account", "interval_ms": 0}),
            "INVALID_FIELD",
            "channels[1].interval_ms",
        ),
        (subscribe({"channel": "trades:*", "levels": 5}), "INVALID_FIELD", "channels[0].levels"),
        (
            subscribe({"channel": "depth:*", "after_sequence": 5}),
            "INVALID_FIELD",
            "channels[0].after_sequence",
        ),
        (
            subscribe("depth:A_B", {"channel": "depth:A_B", "levels": 5}),
            "INVALID_FIELD",
            "channels[1]",
        ),
        (
            subscribe("depth:A_B", {"channel": "depth:A_B", "after_sequence": 0}),
            "INVALID_FIELD",
            "channels[1]",
        ),
        (subscribe("depth:*", {"channel": "depth:*", "levels": 5}), "INVALID_FIELD", "channels[1]"),
        (subscribe("depth:A_B", "nope"), "UNKNOWN_CHANNEL", "channels[1]"),
        (subscribe("depth:A_B", "depth:NOPE"), "UNKNOWN_MARKET", "channels[1]"),
        (subscribe("depth:NOPE:*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("klines:*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe(":*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("depth*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("account*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("account:*"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe("account:7"), "UNKNOWN_CHANNEL", "channels[0]"),
        (subscribe({"channel": "depth:A_B", "lovels": 5}), "INVALID_FIELD", "channels[0].lovels"),
        (subscribe("depth:A_B", {"levels": 5}), "INVALID_FIELD", "channels[1].channel"),
        (subscribe({"channel": 5}), "INVALID_FIELD", "channels[0].channel"),
        (
            subscribe({"channel": "depth:A_B", "levels": -1}),
            "INVALID_FIELD",
            "channels[0].levels",
        ),
        (
            subscribe({"channel": "depth:A_B", "levels": True}),
            "INVALID_FIELD",
            "channels[0].levels",
        ),
        (
            subscribe({"channel": "depth:A_B", "after_sequence": 2**63}),
            "INVALID_FIELD",
            "channels[0].after_sequence",
        ),
        (subscribe("depth:A_B", None), "INVALID_FIELD", "channels[1]"),
        (subscribe("depth:A_B", interval_ms=60_001), "INVALID_FIELD", "interval_ms"),
        (subscribe("depth:A_B", interval_ms="1"), "INVALID_FIELD", "interval_ms"),
        (subscribe("depth:A_B", levels=5_001), "INVALID_FIELD", "levels"),
        (subscribe("depth:A_B", account_id=8), "INVALID_FIELD", "account_id"),
        ({"op": "subscribe", "id": 1}, "INVALID_FIELD", "channels"),
    ],
)
def test_a_mistake_is_told_with_the_path_of_its_field_and_changes_nothing(
    message: Message, code: str, field: str
) -> None:
    talk = talk_of_many()
    talk.subscribe("trades:A_B")
    error = talk.error(message)
    assert (error["id"], error["code"], error["field"]) == (1, code, field)
    assert talk.say({"op": "list"})[0]["subscribed"] == ["trades:A_B"]
    assert not talk.topic("depth:A_B").views


def test_the_account_of_nobody_asks_for_auth() -> None:
    error = Talk().error(subscribe("depth:A_B", "account"))
    assert (error["code"], error["field"]) == ("AUTH_REQUIRED", "channels[1]")


def test_the_same_channel_twice_with_one_wish_is_once() -> None:
    talk = Talk()
    answer, *updates = talk.say(
        subscribe("depth:A_B", {"channel": "depth:A_B", "interval_ms": 50}, interval_ms=50)
    )
    assert answer["channels"] == ["depth:A_B"]
    assert wishes(updates) == {"depth:A_B": Wish(50, 0)}


def test_a_pattern_that_is_named_a_thousand_times_is_looked_up_as_if_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk = Talk()
    lookups: list[str] = []
    matching = talk.hub.matching

    def counted(pattern: str) -> list[Topic]:
        lookups.append(pattern)
        return matching(pattern)

    monkeypatch.setattr(talk.hub, "matching", counted)
    wanted = {"channel": "depth:*", "levels": 5}
    answer, *updates = talk.say(subscribe(*[wanted] * 300))
    assert answer["channels"] == ["depth:*"]
    assert len(updates) == 2
    assert len(lookups) == 3, "to read it, to count it, and to do it"
    error = talk.error(subscribe(*["depth:*"] * 1_000, "nope"))
    assert error["field"] == "channels[1000]"


def test_where_no_other_wish_fits_the_defaults_are_had_all_the_same() -> None:
    talk = Talk()
    for number in range(WISHES_MAX):
        wanted = {"channel": "depth:A_B", "interval_ms": 1_000 + number}
        talk.say(subscribe(wanted), talk.another())
    error = talk.error(subscribe({"channel": "depth:A_B", "interval_ms": 5}))
    assert (error["code"], error["field"]) == ("INVALID_FIELD", "channels[0].interval_ms")
    answer, *updates = talk.say(subscribe("depth:A_B", "depth:C_D", interval_ms=5))
    assert answer["op"] == "subscribed"
    assert wishes(updates) == {"depth:A_B": AT_ONCE, "depth:C_D": Wish(5, 0)}
    assert talk.say(subscribe({"channel": "depth:*", "levels": 5}))[0]["op"] == "subscribed"


def test_a_complaint_repeats_little_of_what_was_sent() -> None:
    error = Talk().error(subscribe({"channel": "depth:A_B", "x" * 5_000: 1}))
    assert len(error["message"]) < 250
    assert len(error["field"]) < 100


def test_before_the_first_load_only_the_account_can_be_had() -> None:
    talk = talk_of_many()
    talk.hub.ready = False
    assert talk.code(subscribe("depth:*")) == "NOT_READY"
    assert talk.subscribe("account")[0]["op"] == "subscribed"
