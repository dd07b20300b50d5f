"""What is said between a client and the gateway until a call has its answer. Pure.

The rule of this file: it yields what to do next, `Send` or `Pause`, and is told what came of it, so
the same decisions serve a client that waits and one that is awaited. A command is sent again, with
its key, until there is an answer or the time is over; what has no key is sent once.
"""

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from rialto.client.call import Accepted, Call
from rialto.client.calls.identity import refresh
from rialto.client.errors import ClientError, RefusedError, UnansweredError
from rialto.client.identities import Identity
from shared.rest.identity import LoggedIn, SessionsEnded

T = TypeVar("T")

PAUSE_MIN_S = 0.02
PAUSE_MAX_S = 1.0  # The gateway's own waits are shorter, and it names longer ones in Retry-After.
_NOT_NOW = frozenset({429, 502, 503, 504})  # Worth another try while there is time.
_NOT_DONE = frozenset({429, 503})  # Certainly nothing was done.
# Of a first attempt long ago nobody knows the end, so that the money may have moved.
_UNRESOLVED = frozenset({"DEPOSIT_UNRESOLVED", "WITHDRAWAL_UNRESOLVED"})
_EXPIRED = "TOKEN_EXPIRED"
_API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back, or not all of it."""

    reason: str


Step = Send | Pause
Conversation = Generator[Step, Response | Lost | None, T]


class Talk:
    """The conversations of one client. `clock` is a monotonic one, in seconds."""

    def __init__(self, identity: Identity, *, timeout_s: float, clock: Callable[[], float]) -> None:
        self._identity = identity
        self._timeout_s = timeout_s
        self._clock = clock
        self._renewals = 0
        self._is_renewing = False

    def about(self, call: Call[T]) -> Conversation[T]:
        """Return the conversation whose result is the answer to `call`.

        Raises RefusedError, UnansweredError.
        """
        stand = _Stand(self._clock() + self._timeout_s, call.key)
        return (yield from self._about(call, stand))

    def log_in(self, call: Call[LoggedIn]) -> Conversation[LoggedIn]:
        """Return the conversation after which the client is who logged in."""
        self._need_sessions("log in")
        logged_in = yield from self.about(call)
        self._identity.take(logged_in)
        return logged_in

    def log_out(self, call: Call[SessionsEnded]) -> Conversation[SessionsEnded]:
        """Return the conversation after which the client is nobody."""
        self._need_sessions("log out")
        ended = yield from self.about(call)
        self._identity.forget()
        return ended

    def refresh(self, account_id: int | None = None) -> Conversation[LoggedIn]:
        """Return the conversation after which the client has the next tokens.

        One at a time: a refresh token that is used after its successor ends the session.
        """
        self._need_sessions("refresh")
        stand = _Stand(self._clock() + self._timeout_s, "")
        yield from self._others_renewal(stand)
        return (yield from self._refresh(account_id, stand))

    def _need_sessions(self, wish: str) -> None:
        if not self._identity.has_sessions:
            raise TypeError(f"a client with an API key does not {wish}")

    def _about(self, call: Call[T], stand: "_Stand") -> Conversation[T]:
        response = yield from self._answer(call, stand)
        looks = 0
        while response.status == 202 and call.accepted is not Accepted.ANSWER:
            stand.may_be_done = True  # It is on the journal, and will be carried out once.
            looks += 1
            yield from self._wait(looks, response, stand)
            asked = call
            if call.accepted is Accepted.LOOK:
                asked = Call("GET", _status_path(response, stand), call.kind)
            response = yield from self._answer(asked, stand)
        try:
            return msgspec.json.decode(response.content, type=call.kind)
        except msgspec.DecodeError as error:
            reason = f"the answer is none of the gateway's: {error}"
            raise UnansweredError(reason, call.key) from error

    def _answer(
        self, call: Call[T], stand: "_Stand"
    ) -> Generator[Step, Response | Lost | None, Response]:
        """Return an answer that is a success; raises for everything else."""
        attempts, may_renew = 0, not call.is_open
        while True:
            renewals = self._renewals
            reply = yield self._send(call)
            assert reply is not None, "a Send is answered with what came of it"
            if may_renew and _code_of(reply) == _EXPIRED:
                may_renew = False
                if (yield from self._renew(renewals, stand)):
                    continue
            if isinstance(reply, Response):
                if reply.status < 400:
                    return reply
                if reply.status not in _NOT_NOW or not call.may_repeat:
                    raise stand.failure(reply)
            elif not call.may_repeat:
                raise stand.failure(reply)
            if isinstance(reply, Lost) or reply.status not in _NOT_DONE:
                stand.may_be_done = stand.may_be_done or call.method != "GET"
            attempts += 1
            yield from self._wait(attempts, reply, stand)

    def _renew(
        self, renewals: int, stand: "_Stand"
    ) -> Generator[Step, Response | Lost | None, bool]:
        if not self._identity.refresh_token:
            return False
        try:
            yield from self._others_renewal(stand)
            if self._renewals == renewals:  # Else another call did it while this was under way.
                # By name: a refresh for another one, whose answer was lost, changed the session.
                account_id = self._identity.account_id
                yield from self._refresh(account_id, _Stand(stand.deadline_s, ""))
        except ClientError:
            return False
        return True

    def _others_renewal(self, stand: "_Stand") -> Generator[Step, Response | Lost | None, None]:
        while self._is_renewing:
            yield from self._wait(1, Lost("another renewal takes too long"), stand)

    def _refresh(self, account_id: int | None, stand: "_Stand") -> Conversation[LoggedIn]:
        self._is_renewing = True
        try:
            call = refresh(self._identity.refresh_token, account_id=account_id)
            logged_in = yield from self._about(call, stand)
            self._identity.take(logged_in)
            self._renewals += 1
            return logged_in
        finally:
            self._is_renewing = False

    def _send(self, call: Call[T]) -> Send:
        target, content = call.target, call.content()
        headers: dict[str, str] = {}
        if content:
            headers["Content-Type"] = "application/json"
        if call.key:
            headers["Idempotency-Key"] = call.key
        if not call.is_open:
            headers |= self._identity.headers(call.method, target, content, call.key)
        return Send(call.method, target, headers, content)

    def _wait(
        self, attempt: int, reply: Response | Lost, stand: "_Stand"
    ) -> Generator[Step, Response | Lost | None, None]:
        seconds = min(PAUSE_MIN_S * 2 ** (attempt - 1), PAUSE_MAX_S) * random.uniform(0.5, 1.0)
        if isinstance(reply, Response):
            seconds = max(seconds, _asked_for_s(reply))
        if self._clock() + seconds > stand.deadline_s:
            raise stand.failure(reply)
        yield Pause(seconds)


@dataclass(slots=True)
class _Stand:
    """How it stands with a call that has no answer yet."""

    deadline_s: float
    key: str
    may_be_done: bool = False  # By an attempt whose answer did not come.

    def failure(self, reply: Response | Lost) -> ClientError:
        if isinstance(reply, Lost):
            return UnansweredError(reply.reason, self.key)
        body = _body_of(reply)
        # The engine's own word, which has its journal number, is about the command itself; all
        # others are about this attempt.
        is_final = reply.status < 500 and "n" in body
        is_open = reply.status < 400 or reply.status == 504 or body.get("code") in _UNRESOLVED
        if is_open or (self.may_be_done and not is_final):
            last = body.get("code") or f"HTTP {reply.status}"
            return UnansweredError(f"nobody can say yet; the last word was {last}", self.key)
        return RefusedError(reply.status, body)


def _status_path(response: Response, stand: _Stand) -> str:
    # It must be at this gateway, because it is asked with the client's own credentials.
    place = str(_body_of(response).get("status_url", ""))
    if not place.startswith(_API):
        raise UnansweredError(f"the status_url {place!r} is none of the gateway's", stand.key)
    return place


def _asked_for_s(response: Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _code_of(reply: Response | Lost) -> object:
    return _body_of(reply).get("code") if isinstance(reply, Response) else ""


def _body_of(response: Response) -> dict[str, object]:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = None
    return body if isinstance(body, dict) else {"code": "", "message": f"HTTP {response.status}"}
