"""One client's ops, pure: every answer, every refusal, every limit."""

import pytest

from broadcaster.clients import limits
from broadcaster.clients.outbox import BYTES_MAX
from tests.broadcaster.clients.counting import said
from tests.broadcaster.clients.talking import NOW_NS, Talk, number_frame


def test_subscribe_is_acknowledged_with_its_id_then_snapshots_come() -> None:
    answer, *updates = Talk().say(
        {"op": "subscribe", "channels": ["depth:A_B", "depth:C_D"], "id": 1}
    )
    assert answer == {"op": "subscribed", "id": 1, "channels": ["depth:A_B", "depth:C_D"]}
    assert [update["channel"] for update in updates] == ["depth:A_B", "depth:C_D"]


@pytest.mark.parametrize("request_id", [0, -1, 2**64 - 1, "mine", "", True, False, None, 1.5])
def test_any_scalar_id_is_echoed(request_id: object) -> None:
    (answer,) = Talk().say({"op": "ping", "id": request_id})
    assert answer == {"op": "pong", "id": request_id, "at_ns": NOW_NS}
    assert type(answer["id"]) is type(request_id)


def test_a_repeated_subscribe_is_acknowledged_and_sends_nothing_twice() -> None:
    talk = Talk()
    talk.say({"op": "subscribe", "channels": ["depth:A_B"]})
    again = talk.say({"op": "subscribe", "channels": ["depth:A_B", "depth:A_B"], "id": 2})
    assert again == [{"op": "subscribed", "id": 2, "channels": ["depth:A_B"]}]


def test_unsubscribe_is_acknowledged_also_when_nothing_was_subscribed() -> None:
    talk = Talk()
    for _ in range(2):
        assert talk.say({"op": "unsubscribe", "channels": ["depth:A_B"], "id": "u"}) == [
            {"op": "unsubscribed", "id": "u", "channels": ["depth:A_B"]}
        ]


def test_the_short_forms_stand_for_depth() -> None:
    talk = Talk()
    answer, snapshot = talk.say({"SubscribeOrderbook": "A_B"})
    assert answer == {"op": "subscribed", "id": None, "channels": ["depth:A_B"]}
    assert snapshot["channel"] == "depth:A_B"
    (answer,) = talk.say({"UnsubscribeOrderbook": "A_B", "id": 3})
    assert answer == {"op": "unsubscribed", "id": 3, "channels": ["depth:A_B"]}


def test_list_names_what_is_subscribed_and_what_there_is() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    talk.say({"op": "subscribe", "channels": ["depth:C_D", "account"]})
    (answer,) = talk.say({"op": "list", "id": 9})
    assert answer == {
        "op": "list",
        "id": 9,
        "subscribed": ["account", "depth:C_D"],
        "available": ["account", "depth:A_B", "depth:C_D", "trades:A_B"],
    }


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "BAD_MESSAGE"),
        ("", "BAD_MESSAGE"),
        ("[]", "BAD_MESSAGE"),
        ("1", "BAD_MESSAGE"),
        ('{"op":NaN}', "BAD_MESSAGE"),
        ('{"op":"ping","id":1e400}', "BAD_MESSAGE"),
        ("[" * 8_000, "BAD_MESSAGE"),
        ('{"op":"\\ud800"}', "BAD_MESSAGE"),
        (b'{"op":"ping"}', "BAD_MESSAGE"),
        ({}, "UNKNOWN_OP"),
        ({"op": "dance"}, "UNKNOWN_OP"),
        ({"op": ["subscribe"]}, "UNKNOWN_OP"),
        ({"op": {"subscribe": 1}}, "UNKNOWN_OP"),
        ({"op": "Subscribe", "channels": []}, "UNKNOWN_OP"),
        ({"op": "subscribe"}, "INVALID_FIELD"),
        ({"op": "subscribe", "channels": "depth:A_B"}, "INVALID_FIELD"),
        ({"op": "subscribe", "channels": [1]}, "INVALID_FIELD"),
        ({"op": "subscribe", "channels": [], "account_id": 1}, "INVALID_FIELD"),
        ({"op": "auth", "token": 5}, "INVALID_FIELD"),
        ({"op": "auth"}, "INVALID_FIELD"),
        ({"op": "ping", "id": [1]}, "INVALID_FIELD"),
        ({"op": "ping", "id": {"a": 1}}, "INVALID_FIELD"),
        ({"op": "ping", "id": "x" * 129}, "INVALID_FIELD"),
        ('{"op":"ping","id":' + "9" * 40 + "}", "INVALID_FIELD"),
        ({"SubscribeOrderbook": 5}, "INVALID_FIELD"),
        ({"SubscribeOrderbook": None}, "INVALID_FIELD"),
        ({"SubscribeOrderbook": "NOPE"}, "UNKNOWN_MARKET"),
        ({"op": "subscribe", "channels": ["depth:NOPE"]}, "UNKNOWN_MARKET"),
        ({"op": "subscribe", "channels": ["depth"]}, "UNKNOWN_CHANNEL"),
        ({"op": "subscribe", "channels": ["klines:A_B"]}, "UNKNOWN_CHANNEL"),
        ({"op": "subscribe", "channels": [""]}, "UNKNOWN_CHANNEL"),
        ({"op": "subscribe", "channels": ["account:7"]}, "UNKNOWN_CHANNEL"),
        ({"op": "subscribe", "channels": ["account"]}, "AUTH_REQUIRED"),
        ({"op": "auth", "token": "forged"}, "INVALID_TOKEN"),
        ({"op": "auth", "token": ""}, "INVALID_TOKEN"),
        ({"op": "auth", "token": "expired"}, "TOKEN_EXPIRED"),
    ],
)
def test_a_bad_message_gets_an_error_and_the_connection_lives(message: object, code: str) -> None:
    talk = Talk()
    assert talk.code(message) == code
    assert talk.session.ending is None
    assert talk.say({"op": "ping", "id": 1})[0]["op"] == "pong"


def test_an_error_has_the_id_of_its_message() -> None:
    for message in ({"op": "dance", "id": 5}, {"op": "subscribe", "id": 5, "channels": ["x"]}):
        assert Talk().say(message)[0]["id"] == 5


def test_one_unknown_channel_refuses_the_whole_subscribe() -> None:
    talk = Talk()
    assert talk.code({"op": "subscribe", "channels": ["depth:A_B", "nope:1"]}) == "UNKNOWN_CHANNEL"
    assert talk.say({"op": "list"})[0]["subscribed"] == []


def test_an_error_repeats_little_of_what_was_sent() -> None:
    (answer,) = Talk().say({"op": "subscribe", "channels": ["depth:" + "x" * 10_000]})
    assert len(answer["message"]) < 200


def test_before_the_first_load_a_client_is_told_to_wait() -> None:
    talk = Talk()
    talk.hub.ready = False
    assert talk.code({"op": "subscribe", "channels": ["depth:A_B"]}) == "NOT_READY"


def test_the_account_comes_from_the_token() -> None:
    talk = Talk()
    (answer,) = talk.say({"op": "auth", "token": "account-7", "id": 1})
    assert answer == {
        "op": "authenticated",
        "id": 1,
        "account_id": 7,
        "expires_at_s": 4_000_000_000,
    }
    talk.say({"op": "subscribe", "channels": ["account"]})
    talk.answer_account(0)
    assert list(talk.hub.accounts.listeners) == [7]


def test_another_accounts_token_is_refused_on_the_same_connection() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    assert talk.code({"op": "auth", "token": "account-8"}) == "ACCOUNT_MISMATCH"
    talk.say({"op": "subscribe", "channels": ["account"]})
    assert list(talk.hub.accounts.listeners) == [7]


def test_a_failed_auth_does_not_undo_a_good_one() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    assert talk.code({"op": "auth", "token": "forged"}) == "INVALID_TOKEN"
    assert talk.say({"op": "subscribe", "channels": ["account"]})[0]["op"] == "subscribed"


def test_an_expired_token_ends_the_connection_and_a_new_one_keeps_it() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": f"account-7-until-{1_700_000_010}"})
    talk.session.tick(NOW_NS + 9 * limits.NS_PER_S)
    talk.say({"op": "auth", "token": f"account-7-until-{1_700_000_020}"})
    talk.session.tick(NOW_NS + 19 * limits.NS_PER_S)
    assert talk.end_code() is None
    talk.session.tick(NOW_NS + 20 * limits.NS_PER_S)
    assert talk.end_code() == 4401


def test_nothing_private_is_sent_after_the_token_has_expired() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": f"account-7-until-{1_700_000_010}"})
    talk.say({"op": "subscribe", "channels": ["account", "depth:A_B"]})
    accounts = talk.hub.accounts
    talk.answer_account(0)
    assert talk.heard() == [{}]
    accounts.publish(7, 1, number_frame(1))
    talk.session.tick(NOW_NS + 10 * limits.NS_PER_S)
    accounts.publish(7, 2, number_frame(2))
    talk.topic("depth:A_B").count()
    talk.topic("depth:A_B").begin("resync")
    accounts.resync()
    assert talk.end_code() == 4401
    assert talk.heard() == []
    assert not accounts.listeners
    talk.session.close()
    assert not accounts.connections


def test_a_slow_reader_that_is_cut_off_does_not_disturb_the_others_of_its_account() -> None:
    talk = Talk()
    slow = talk.another()
    for session in (slow, talk.session):
        talk.say({"op": "auth", "token": "account-7"}, session)
        talk.say({"op": "subscribe", "channels": ["account"]}, session)
    talk.answer_account(0, number_frame(0))
    half = b"\x81\x7f" + (BYTES_MAX // 2).to_bytes(8) + b"5" * (BYTES_MAX // 2)
    got: list[bytes] = []
    for number in range(1, 6):
        talk.hub.accounts.publish(7, number, half if number < 3 else number_frame(number))
        got += talk.session.delivery.take(BYTES_MAX)
    assert slow.ending == (4409, "the client reads too slowly for the channel account")
    assert talk.heard(slow) == []
    assert got == [number_frame(0), half, half, *map(number_frame, (3, 4, 5))]
    slow.close()


def test_too_many_connections_of_one_account_are_refused_until_one_leaves() -> None:
    talk = Talk()
    sessions = [talk.another() for _ in range(limits.CONNECTIONS_PER_ACCOUNT_MAX)]
    for session in sessions:
        assert talk.say({"op": "auth", "token": "account-7"}, session)[0]["op"] == "authenticated"
    assert talk.code({"op": "auth", "token": "account-7"}) == "TOO_MANY_CONNECTIONS"
    sessions[0].close()
    assert talk.say({"op": "auth", "token": "account-7"})[0]["op"] == "authenticated"


def test_too_many_subscriptions_are_refused() -> None:
    talk = Talk()
    names = [f"depth:{number}" for number in range(limits.SUBSCRIPTIONS_MAX + 1)]
    for name in names:
        talk.put(name)
    code = talk.code({"op": "subscribe", "channels": names})
    assert code == "TOO_MANY_SUBSCRIPTIONS"
    assert talk.say({"op": "subscribe", "channels": names[1:]})[0]["op"] == "subscribed"
    assert talk.code({"op": "subscribe", "channels": names[:1]}) == "TOO_MANY_SUBSCRIPTIONS"


def test_a_flood_is_refused_then_ended() -> None:
    talk = Talk()
    answers = []
    for _ in range(limits.MESSAGES_BURST_MAX + limits.BAD_MESSAGES_BURST_MAX + 1):
        answers += talk.say({"op": "ping"})
    assert [answer["op"] for answer in answers].count("pong") == limits.MESSAGES_BURST_MAX
    assert answers[-1]["code"] == "RATE_LIMITED"
    assert talk.session.ending is not None
    assert talk.session.ending.code == 1008


def test_who_asks_for_channels_that_are_away_is_not_cut_off() -> None:
    talk = Talk()
    for _ in range(limits.BAD_MESSAGES_BURST_MAX + 1):
        assert talk.code({"op": "subscribe", "channels": ["price:away"]}) == "UNKNOWN_CHANNEL"
    assert talk.session.ending is None


def test_the_allowance_of_messages_refills() -> None:
    talk = Talk()
    for _ in range(limits.MESSAGES_BURST_MAX):
        talk.say({"op": "ping"})
    assert talk.code({"op": "ping"}) == "RATE_LIMITED"
    talk.now_ns += limits.NS_PER_S
    assert talk.say({"op": "ping"})[0]["op"] == "pong"


def test_a_closed_session_leaves_nothing_behind() -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    talk.say({"op": "subscribe", "channels": ["depth:A_B", "account", "depth:*"]})
    talk.session.close()
    assert not talk.topic("depth:A_B").views
    assert not talk.hub.watchers
    assert not talk.hub.accounts.listeners
    assert not talk.hub.accounts.connections
    assert talk.hub.accounts.take_request() is None
    talk.session.close()


def test_a_revoked_session_ends_its_connections_and_no_others() -> None:
    talk = Talk()
    other, stranger = talk.another(), talk.another()
    talk.say({"op": "auth", "token": "account-7-of-one"})
    talk.say({"op": "auth", "token": "account-7-of-two"}, other)
    for session in (talk.session, other, stranger):
        session.revoke(frozenset({"one", "three"}))
    assert talk.session.ending == (4401, "the session was revoked")
    assert (other.ending, stranger.ending) == (None, None)
    assert talk.say({"op": "ping", "id": 1}) == [], "nothing is answered any more"


def test_after_a_new_login_on_the_connection_the_old_one_no_longer_counts() -> None:
    talk = Talk()
    for session_id in ("one", "two"):
        talk.say({"op": "auth", "token": f"account-7-of-{session_id}"})
    talk.session.revoke(frozenset({"one"}))
    assert talk.session.ending is None
    talk.session.revoke(frozenset({"two"}))
    assert talk.end_code() == 4401


def test_a_connection_that_wants_nothing_and_says_nothing_is_ended() -> None:
    talk = Talk()
    talk.session.tick(NOW_NS + limits.IDLE_S * limits.NS_PER_S - 1)
    assert talk.session.ending is None
    talk.session.tick(NOW_NS + limits.IDLE_S * limits.NS_PER_S)
    assert talk.session.ending == (4408, "nothing is subscribed and nothing was said")


def test_whoever_says_something_now_and_then_may_stay() -> None:
    talk = Talk()
    for _ in range(5):
        talk.now_ns += (limits.IDLE_S - 1) * limits.NS_PER_S
        talk.session.tick(talk.now_ns)
        talk.say({"op": "ping"})
    assert talk.session.ending is None


@pytest.mark.parametrize("channel", ["depth:A_B", "depth:*", "account"])
def test_whoever_is_subscribed_may_be_silent_for_ever(channel: str) -> None:
    talk = Talk()
    talk.say({"op": "auth", "token": "account-7"})
    talk.subscribe(channel)
    talk.session.tick(NOW_NS + 1_000 * limits.IDLE_S * limits.NS_PER_S)
    assert talk.session.ending is None
    talk.unsubscribe(channel)
    talk.session.tick(NOW_NS + 1_000 * limits.IDLE_S * limits.NS_PER_S)
    assert talk.end_code() == 4408


def test_before_a_restart_a_client_is_told_when_to_come_back() -> None:
    talk = Talk()
    talk.subscribe("depth:A_B")
    talk.session.restart(1_500)
    talk.session.restart(9_999)
    closing = {"op": "closing", "code": 1012, "reason": "the service restarts"}
    assert talk.heard() == [{**closing, "reconnect_after_ms": 1_500}]
    assert talk.session.ending == (1012, "the service restarts; reconnect after 1500 ms")
    assert not talk.topic("depth:A_B").views


def test_the_owner_of_the_socket_is_called_when_there_is_something_to_do() -> None:
    talk = Talk()
    talk.subscribe("depth:A_B")
    calls = talk.calls
    talk.topic("depth:A_B").count(3)
    assert talk.calls == calls + 1
    talk.session.tick(NOW_NS)
    assert talk.calls == calls + 1
    talk.session.restart(0)
    assert talk.calls == calls + 2


def test_a_client_whose_answers_do_not_fit_is_ended_and_joins_nothing() -> None:
    talk = Talk()
    talk.session.delivery.send("account", b"x" * BYTES_MAX)
    talk.session.receive('{"op":"subscribe","channels":["depth:A_B","depth:*"]}', NOW_NS)
    assert talk.session.ending == (4409, "the client reads too slowly for its answers")
    assert not talk.topic("depth:A_B").views
    assert talk.heard() == []
    talk.session.close()
    assert not talk.hub.watchers


def test_a_long_list_costs_as_much_as_many_messages() -> None:
    talk = Talk()
    for number in range(10 * limits.CHANNELS_PER_PERMIT):
        talk.put(f"price:{number}")
    answers = [talk.say({"op": "list"})[0]["op"] for _ in range(limits.MESSAGES_BURST_MAX // 10)]
    assert answers.count("list") == limits.MESSAGES_BURST_MAX // 11
    assert set(answers[: -answers.count("error")]) == {"list"}


def test_the_longest_list_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHANNELS_PER_PERMIT", 1)
    talk = Talk()
    for number in range(2 * limits.MESSAGES_BURST_MAX):
        talk.put(f"price:{number}")
    assert talk.say({"op": "list"})[0]["op"] == "list"


def test_the_answer_says_what_goes_on_and_comes_before_it() -> None:
    talk = Talk()
    talk.topic("depth:A_B").count(3)
    talk.topic("trades:A_B").kept_after = talk.topic("trades:A_B").value = 9
    answer, *updates = talk.subscribe(
        {"channel": "depth:A_B", "after_sequence": 1},
        {"channel": "trades:A_B", "after_sequence": 1},
    )
    assert answer["resumed"] == ["depth:A_B"]
    assert [said(update) for update in updates] == ["depth:A_B+2", "depth:A_B+3", "trades:A_B=9"]
