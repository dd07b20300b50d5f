"""A connection without a socket: every way it goes, with a clock of the test's own."""

from typing import Any

import msgspec
import pytest

from api.edge.errors import ApiError
from api.entry import limits
from api.entry.frames import FrameReader, Message, Opcode
from api.entry.limits import SocketCount
from api.entry.requests import Request
from api.entry.session import Ending, Session
from api.identity.caller import ALL_SCOPES, Bearer, Caller, Scope
from api.orders.outcomes import Told

S = 10**9
START_NS = 1_000 * S
EXPIRES_S = 2_000
ORDER = b'{"op":"place","id":%d,"body":{"market":"A_B","side":"buy","price":"1","quantity":"1"}}'
AUTH = b'{"op":"auth","id":"in","token":"good"}'


class Keeper:
    """Keeps what it is asked for until the test answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def start(self, session: Session, caller: Caller, request: Request) -> None:
        self.requests.append(request)


class Line:
    """A session, and what it has said."""

    def __init__(self, counts: SocketCount | None = None) -> None:
        self.keeper = Keeper()
        self.counts = counts or SocketCount()
        self.is_revoked = False
        self.woken = 0
        self.scopes = ALL_SCOPES
        self.session = Session(
            self.prove,
            self.keeper,
            self.counts,
            connection_id="c-1",
            address="192.0.2.7",
            now_ns=START_NS,
            on_output=self._wake,
        )

    def prove(self, token: str) -> Bearer:
        if token not in ("good", "other"):
            raise ApiError("INVALID_TOKEN")
        caller = Caller(1, 7 if token == "good" else 8, "trader", self.scopes)
        return Bearer(caller, EXPIRES_S, lambda: self.is_revoked)

    def _wake(self) -> None:
        self.woken += 1

    def text(self, payload: bytes, now_ns: int = START_NS) -> None:
        self.session.receive(Message(Opcode.TEXT, payload), now_ns)

    def said(self) -> list[tuple[int, Any]]:
        """Return the frames since the last call: kind and what is in it."""
        data = b"".join(self.session.output)
        self.session.output.clear()
        frames = []
        while data:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4]), 4
            payload = data[start : start + size]
            is_text = data[0] & 0x0F == Opcode.TEXT
            frames.append((data[0] & 0x0F, msgspec.json.decode(payload) if is_text else payload))
            data = data[start + size :]
        return frames

    def ending_code(self) -> int:
        """Return the code of the end, 0 while there is none."""
        return self.session.ending.code if self.session.ending else 0

    def answers(self) -> list[dict[str, Any]]:
        return [payload for kind, payload in self.said() if kind == Opcode.TEXT]


@pytest.fixture
def line() -> Line:
    line = Line()
    line.text(AUTH)
    assert line.answers() == [
        {"id": "in", "status": 200, "body": {"account_id": 7, "expires_at_s": EXPIRES_S}}
    ]
    return line


def test_the_first_message_is_a_token() -> None:
    for first in (ORDER % 1, b'{"op":"ping"}', b"nonsense", b'{"op":"auth","token":"bad"}'):
        line = Line()
        line.text(first)
        [answer] = line.answers()
        assert answer["status"] in (400, 401)
        assert line.session.ending == Ending(
            4401, "the first message is auth, with an access token"
        )
        assert line.keeper.requests == []


def test_a_caller_who_may_not_trade_is_refused() -> None:
    line = Line()
    line.scopes = frozenset({Scope.READ})
    line.text(AUTH)
    assert line.answers()[0]["body"]["code"] == "FORBIDDEN"
    assert line.session.ending is not None


def test_answers_come_as_they_are_ready(line: Line) -> None:
    line.text(ORDER % 1)
    line.text(ORDER % 2)
    line.session.told(2, Told(201, {"n": 5}, "k"))
    line.session.refused(1, ApiError("BUSY"))
    second, first = line.answers()
    assert second == {"id": 2, "status": 201, "body": {"n": 5}}
    assert (first["id"], first["status"], first["retry_after_s"]) == (1, 503, 1)
    assert first["body"]["request_id"] == "c-1"
    assert line.counts.answers == {200: 1, 201: 1, 503: 1}


def test_it_takes_no_more_than_may_be_under_way(line: Line) -> None:
    for number in range(limits.IN_FLIGHT_MAX):
        assert line.session.takes_more
        line.text(ORDER % number)
    assert not line.session.takes_more
    line.session.told(0, Told(201, {}, "k"))
    assert line.session.takes_more


def test_a_connection_speaks_for_one_account_and_may_get_a_newer_token(line: Line) -> None:
    line.text(AUTH)
    line.text(b'{"op":"auth","id":2,"token":"other"}')
    again, other = line.answers()
    assert (again["status"], other["body"]["code"]) == (200, "ACCOUNT_MISMATCH")
    assert line.session.ending is None


def test_mistakes_in_a_row_end_it_and_a_request_begins_the_count_anew(line: Line) -> None:
    for _ in range(limits.MISTAKES_MAX - 1):
        line.text(b"nonsense")
    line.text(ORDER % 1)
    for _ in range(limits.MISTAKES_MAX - 1):
        line.text(b"nonsense")
    assert line.ending_code() == 0
    line.text(b"nonsense")
    assert not line.session.takes_more
    assert line.ending_code() == 0  # The order is still to be answered.
    line.session.told(1, Told(201, {}, "k"))
    assert line.ending_code() == 1008


def test_the_end_waits_for_what_is_under_way(line: Line) -> None:
    line.text(ORDER % 1)
    line.session.finish(1012, "restart")
    assert (line.session.takes_more, line.session.ending) == (False, None)
    line.session.told(1, Told(201, {}, "k"))
    (_, answer), (kind, goodbye) = line.said()
    assert answer["status"] == 201
    assert (kind, goodbye) == (Opcode.CLOSE, (1012).to_bytes(2) + b"restart")
    assert line.session.ending == Ending(1012, "restart")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [("expiry", "the token has expired"), ("revocation", "the session was ended")],
)
def test_a_token_that_is_over_ends_it(line: Line, happens: str, reason: str) -> None:
    line.session.tick(START_NS)
    assert line.session.ending is None
    line.is_revoked = happens == "revocation"
    line.session.tick(EXPIRES_S * S if happens == "expiry" else START_NS)
    assert line.session.ending == Ending(4401, reason)


def test_who_sends_no_token_in_time_is_closed() -> None:
    line = Line()
    line.session.tick(START_NS + limits.AUTH_WITHIN_NS - 1)
    assert line.session.ending is None
    line.session.tick(START_NS + limits.AUTH_WITHIN_NS)
    assert line.session.ending == Ending(4401, "no token within 5 s")


def test_silence_is_answered_by_a_ping_and_silence_again_by_the_end(line: Line) -> None:
    quiet_ns = START_NS + limits.PING_AFTER_NS
    line.session.tick(quiet_ns - 1)
    assert line.said() == []
    line.session.tick(quiet_ns)
    line.session.tick(quiet_ns + 1)
    assert line.said() == [(Opcode.PING, b"")]
    line.session.receive(Message(Opcode.PONG, b""), quiet_ns + 2)
    line.session.tick(START_NS + limits.SILENCE_MAX_NS)
    assert line.session.ending is None
    line.session.tick(quiet_ns + 2 + limits.SILENCE_MAX_NS)
    assert line.session.ending is not None


def test_a_ping_is_answered_with_what_it_said(line: Line) -> None:
    line.session.receive(Message(Opcode.PING, b"xyz"), START_NS)
    assert line.said() == [(Opcode.PONG, b"xyz")]


def test_a_goodbye_is_answered_in_kind(line: Line) -> None:
    line.session.receive(Message(Opcode.CLOSE, (4000).to_bytes(2)), START_NS)
    assert line.said() == [(Opcode.CLOSE, (4000).to_bytes(2))]
    assert line.session.client_has_closed


def test_after_the_end_nothing_is_said(line: Line) -> None:
    line.text(ORDER % 1)
    line.session.close()
    line.said()
    line.session.told(1, Told(201, {}, "k"))
    assert line.said() == []


def test_an_account_is_counted_in_once_and_out_once(line: Line) -> None:
    counts = SocketCount(per_account_max=1)
    first, second = Line(counts), Line(counts)
    first.text(AUTH)
    first.text(AUTH)
    second.text(AUTH)
    assert second.answers()[0]["body"]["code"] == "TOO_MANY_CONNECTIONS"
    second.session.close()
    first.session.close()
    first.session.close()
    third = Line(counts)
    third.text(AUTH)
    assert third.answers()[0]["status"] == 200


def test_the_reader_has_room_for_the_largest_batch() -> None:
    reader = FrameReader()
    size = 65_536
    reader.feed(b"\x81\xff" + size.to_bytes(8) + b"\x00" * 4 + b"x" * size)
    message = reader.next()
    assert message is not None
    assert len(message.payload) == size


PINGS = (Message(Opcode.PING, b""), Message(Opcode.PONG, b""), Message(Opcode.TEXT, AUTH))


@pytest.mark.parametrize("message", [*PINGS, Message(Opcode.TEXT, b'{"op":"ping"}')])
def test_what_is_no_request_has_a_limit_of_its_own(line: Line, message: Message) -> None:
    later_ns = START_NS + limits.ASIDES_WITHIN_NS
    for now_ns in (START_NS, later_ns):
        for _ in range(limits.ASIDES_MAX - 1):
            line.session.receive(message, now_ns)
    assert line.ending_code() == 0, "in as many windows as it likes"
    for _ in range(2):
        line.session.receive(message, later_ns)
    assert line.ending_code() == 1008


def test_a_request_after_the_end_of_its_session_is_not_carried_out(line: Line) -> None:
    line.is_revoked = True
    line.text(ORDER % 1)
    assert line.answers()[0]["body"]["code"] == "SESSION_REVOKED"
    assert line.keeper.requests == []


def test_a_banned_address_is_told_so_once(line: Line) -> None:
    line.text(ORDER % 1)
    line.session.refused(1, ApiError("BANNED", retry_after_s=120))
    assert line.answers()[0]["body"]["code"] == "BANNED"
    assert line.ending_code() == 1008
