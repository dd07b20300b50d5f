"""A client's account, pure: snapshots, going on after an interruption, several sockets, tickets."""

import random
from functools import partial

import msgspec
import pytest

from broadcaster.channels.account_ring import KEPT_S
from broadcaster.channels.frames import text_frame
from broadcaster.clients import limits
from broadcaster.clients.session import Session
from shared.feed import Reason
from tests.broadcaster.clients.counting import said
from tests.broadcaster.clients.talking import NOW_NS, Talk
from tests.broadcaster.running import EXPIRES_AT_S, verify

S = limits.NS_PER_S


def frame(kind: str, value: int, reason: Reason = "") -> bytes:
    message = {"type": kind, "channel": "account", "value": value, "reason": reason}
    return text_frame(msgspec.json.encode(message))


class Engine:
    """Changes account 7 and has its snapshots read; what it changes is heard of later."""

    def __init__(self) -> None:
        self.talk = Talk()
        self.accounts = self.talk.hub.accounts
        self.sequence = 0
        self.published = 0

    def change(self, times: int = 1) -> None:
        """Change the account, and let it be heard of at once."""
        self.sequence += times
        self.publish()

    def publish(self) -> None:
        while self.published < self.sequence:
            self.published += 1
            self.accounts.publish(7, self.published, frame("update", self.published))

    def answer(self) -> int:
        """Answer all who wait for a snapshot; return how many reads that took."""
        reads = 0
        while (request := self.accounts.take_request()) is not None:
            reads += 1
            read_at = self.sequence
            self.accounts.answer(*request, read_at, partial(frame, "snapshot", read_at))
        return reads

    def socket(self, after_sequence: int | None = None, *, account_id: int = 7) -> Session:
        """Return a socket that has subscribed to its account; its answers are read."""
        session = self.talk.another()
        self.talk.say({"op": "auth", "token": f"account-{account_id}"}, session)
        self.subscribe(session, after_sequence)
        return session

    def subscribe(self, session: Session, after_sequence: int | None = None) -> None:
        wanted = {"channel": "account", "after_sequence": after_sequence}
        session.receive(
            msgspec.json.encode({"op": "subscribe", "channels": [wanted]}).decode(), NOW_NS
        )
        assert b'"subscribed"' in (session.delivery.next_message() or b"")

    def heard(self, session: Session) -> list[str]:
        return [said(message) for message in self.talk.heard(session)]


def test_every_socket_of_an_account_gets_a_snapshot_and_every_update_once() -> None:
    engine = Engine()
    first = engine.socket()
    engine.change()
    assert engine.answer() == 1
    second = engine.socket()
    engine.change()
    assert engine.answer() == 1
    engine.change()
    assert engine.heard(first) == ["account=1", "account+2", "account+3"]
    assert engine.heard(second) == ["account=2", "account+3"]


def test_subscribing_to_the_account_again_changes_nothing() -> None:
    engine = Engine()
    socket = engine.socket()
    engine.answer()
    assert engine.heard(socket) == ["account=0"]
    engine.subscribe(socket)
    assert engine.answer() == 0
    engine.change()
    assert engine.heard(socket) == ["account+1"]


def test_the_beginning_of_an_account_costs_as_much_as_many_messages() -> None:
    engine = Engine()
    session = engine.talk.another()
    engine.talk.say({"op": "auth", "token": "account-7"}, session)
    heard, reads = [], 0
    for number in range(limits.BAD_MESSAGES_BURST_MAX // 2):
        after_sequence = None if number % 2 else 1_000
        wanted = {"channel": "account", "after_sequence": after_sequence}
        for op, channels in (("unsubscribe", ["account"]), ("subscribe", [wanted])):
            heard += engine.talk.say({"op": op, "channels": channels}, session)
            reads += engine.answer()
    assert 1 < reads <= limits.MESSAGES_BURST_MAX // limits.ACCOUNT_PERMITS
    assert heard[-1]["code"] == "RATE_LIMITED"
    assert session.ending is None


def test_who_comes_back_within_a_minute_gets_what_it_missed_and_no_snapshot() -> None:
    engine = Engine()
    socket = engine.socket()
    engine.answer()
    engine.change(2)
    assert engine.heard(socket)[-1] == "account+2"
    socket.close()
    engine.accounts.tick(NOW_NS)
    engine.change(2)
    engine.accounts.tick(NOW_NS + KEPT_S * S - 1)
    back = engine.socket(after_sequence=2)
    assert engine.answer() == 0, "no snapshot was asked for"
    engine.change()
    assert engine.heard(back) == ["account+3", "account+4", "account+5"]


def test_who_comes_back_later_gets_a_snapshot() -> None:
    engine = Engine()
    socket = engine.socket()
    engine.answer()
    engine.change()
    socket.close()
    engine.accounts.tick(NOW_NS)
    engine.accounts.tick(NOW_NS + KEPT_S * S)
    assert not engine.accounts.followed
    engine.change()
    back = engine.socket(after_sequence=1)
    assert engine.answer() == 1
    assert engine.heard(back) == ["account=2"]


def test_another_socket_of_the_account_keeps_what_one_missed() -> None:
    engine = Engine()
    stays, leaves = engine.socket(), engine.socket()
    engine.answer()
    leaves.close()
    engine.change(3)
    for seconds in (0, 2 * KEPT_S):
        engine.accounts.tick(NOW_NS + seconds * S)
    back = engine.socket(after_sequence=0)
    assert engine.heard(stays)[1:] == engine.heard(back) == [f"account+{n}" for n in (1, 2, 3)]


def test_the_same_bytes_are_said_again() -> None:
    engine = Engine()
    stays = engine.socket()
    engine.answer()
    stays.delivery.take(1 << 20)
    engine.change(3)
    back = engine.socket(after_sequence=0)
    sent, again = stays.delivery.take(1 << 20), back.delivery.take(1 << 20)
    assert all(one is other for one, other in zip(sent, again, strict=True))


@pytest.mark.parametrize("after_sequence", [0, 4, 9])
def test_a_place_that_is_not_known_here_gets_a_snapshot(after_sequence: int) -> None:
    engine = Engine()
    engine.change(2)
    stays = engine.socket()
    engine.answer()
    engine.change()
    assert engine.heard(stays) == ["account=2", "account+3"]
    back = engine.socket(after_sequence)
    engine.answer()
    engine.change()
    assert engine.heard(back) == ["account=3", "account+4"]


def test_going_on_while_subscribed_begins_there() -> None:
    engine = Engine()
    socket = engine.socket()
    engine.answer()
    engine.change(3)
    engine.heard(socket)
    engine.subscribe(socket, after_sequence=1)
    engine.change()
    assert engine.heard(socket) == ["account+2", "account+3", "account+4"]
    assert len(engine.accounts.listeners[7]) == 1


def test_a_snapshot_may_be_ahead_of_what_was_heard_of() -> None:
    engine = Engine()
    engine.sequence = 3
    socket = engine.socket()
    engine.answer()
    assert engine.heard(socket) == ["account=3"]
    socket.close()
    back = engine.socket(after_sequence=3)
    engine.publish()
    engine.change()
    assert engine.answer() == 0
    assert engine.heard(back) == ["account+4"]


def test_after_a_reload_of_the_venue_nothing_of_before_is_said_again() -> None:
    engine = Engine()
    stays, leaves = engine.socket(), engine.socket()
    engine.answer()
    engine.change(2)
    leaves.close()
    engine.accounts.resync()
    back = engine.socket(after_sequence=1)
    engine.answer()
    engine.change()
    assert engine.heard(stays)[-2:] == ["account=2resync", "account+3"]
    assert engine.heard(back) == ["account=2", "account+3"]


def test_an_account_that_lost_its_last_socket_before_a_reload_is_forgotten() -> None:
    engine = Engine()
    engine.socket().close()
    engine.accounts.resync()
    assert not engine.accounts.followed


def test_a_read_from_before_the_socket_came_back_gives_no_false_place() -> None:
    engine = Engine()
    gone = engine.socket()
    account_id, asked = engine.accounts.take_request() or pytest.fail("nobody asked")
    gone.close()
    engine.accounts.tick(NOW_NS)
    engine.accounts.tick(NOW_NS + KEPT_S * S)
    engine.change()
    back = engine.socket()
    engine.accounts.answer(account_id, asked, 0, lambda _: frame("snapshot", 0))
    hopeful = engine.socket(after_sequence=0)
    engine.answer()
    assert engine.heard(back) == engine.heard(hopeful) == ["account=1"]


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_every_socket_can_add_it_up_without_a_hole(seed: int) -> None:
    chance = random.Random(seed)
    engine = Engine()
    now_ns = NOW_NS
    sockets: dict[Session, int | None] = {}  # With the last sequence that each has heard.
    known: list[int] = []  # Places of sockets that were cut off.
    for _ in range(300):
        match chance.randrange(9):
            case 0 if len(sockets) < 5:
                after = known.pop() if known and chance.random() < 0.8 else None
                sockets[engine.socket(after)] = after
            case 1 if sockets:
                session = chance.choice(list(sockets))
                session.close()
                at = sockets.pop(session)
                known += [] if at is None else [at]
            case 2:
                engine.answer()
            case 3 if chance.random() < 0.2:
                engine.accounts.resync()
            case 4:
                now_ns += chance.randrange(40) * S
                engine.accounts.tick(now_ns)
            case 5 if sockets:
                hear(engine, sockets, chance.choice(list(sockets)))
            case 6:
                engine.publish()
            case _:
                engine.sequence += chance.randrange(3)
    engine.publish()
    engine.answer()
    for session in sockets:
        hear(engine, sockets, session)
        assert sockets[session] == engine.sequence


def hear(engine: Engine, sockets: dict[Session, int | None], session: Session) -> None:
    """Have the socket add up what it hears."""
    for message in engine.talk.heard(session):
        if message["type"] == "update":
            assert sockets[session] is not None, "a snapshot comes first"
            assert message["value"] == (sockets[session] or 0) + 1
        sockets[session] = message["value"]


def test_a_connection_with_a_ticket_speaks_for_its_account() -> None:
    talk = Talk()
    talk.session.authenticate(verify("account-7"), NOW_NS)
    assert talk.heard() == [
        {"op": "authenticated", "id": None, "account_id": 7, "expires_at_s": EXPIRES_AT_S}
    ]
    assert talk.subscribe("account")[0]["op"] == "subscribed"
    assert list(talk.hub.accounts.listeners) == [7]
    talk.session.revoke(frozenset({"session"}))
    assert talk.end_code() == 4401


def test_a_ticket_of_an_account_with_too_many_connections_ends_the_connection() -> None:
    talk = Talk()
    others = [talk.another() for _ in range(limits.CONNECTIONS_PER_ACCOUNT_MAX)]
    for session in others:
        session.authenticate(verify("account-7"), NOW_NS)
    talk.session.authenticate(verify("account-7"), NOW_NS)
    assert talk.end_code() == 1013
    others[0].close()
    last = talk.another()
    last.authenticate(verify("account-7"), NOW_NS)
    assert last.ending is None


def test_a_ticket_whose_session_is_over_ends_the_connection() -> None:
    talk = Talk()
    talk.session.authenticate(verify(f"account-7-until-{NOW_NS // S}"), NOW_NS)
    assert talk.end_code() == 4401
    talk.session.close()
    assert not talk.hub.accounts.connections
