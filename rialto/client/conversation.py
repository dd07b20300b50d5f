"""What is said between a client and the gateway until a call has its answer. Pure.

The rule of this file: it yields what to do next, `Send` or `Pause`, and is told what came of it, so
the same decisions serve a client that waits and one that is awaited. A command is sent again, with
its key, until there is an answer or the time is over; what has no key is sent once.
"""

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from rialto.client.call import Call
from rialto.client.errors import ClientError, RefusedError, UnansweredError

T = TypeVar("T")

PAUSE_MIN_S = 0.02
PAUSE_MAX_S = 1.0  # The gateway's own waits are shorter, and it names longer ones in Retry-After.
_NOT_NOW = frozenset({429, 502, 503, 504})  # Worth another try while there is time.
_NOT_DONE = frozenset({429, 503})  # Certainly nothing was done.
_EXPIRED = "TOKEN_EXPIRED"


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


class Identity(Protocol):
    """Who is speaking."""

    def headers(self, method: str, target: str, content: bytes, key: str) -> Mapping[str, str]:
        """Return the headers that prove it."""

    def renewal(self) -> Send | None:
        """Return the request for new tokens, None if there is nothing to renew."""

    def renewed(self, content: bytes) -> None:
        """Take the answer to it."""


class Talk:
    """The conversations of one client. `clock` is a monotonic one, in seconds."""

    def __init__(self, identity: Identity, *, timeout_s: float, clock: Callable[[], float]) -> None:
        self._identity = identity
        self._timeout_s = timeout_s
        self._clock = clock

    def about(self, call: Call[T]) -> Conversation[T]:
        """Return the conversation whose result is the answer to `call`.

        Raises RefusedError, UnansweredError.
        """
        deadline_s = self._clock() + self._timeout_s
        response = yield from self._answer(call, deadline_s, may_be_done=False)
        while response.status == 202:  # On the journal: it will be carried out, once.
            place = str(_body_of(response)["status_url"])
            yield from self._wait(1, response, _Stand(deadline_s, call.key, may_be_done=True))
            asked = Call("GET", place, call.kind, key=call.key)
            response = yield from self._answer(asked, deadline_s, may_be_done=True)
        return msgspec.json.decode(response.content or b"null", type=call.kind)

    def _answer(
        self, call: Call[T], deadline_s: float, *, may_be_done: bool
    ) -> Generator[Step, Response | Lost | None, Response]:
        """Return an answer that is a success; raises for everything else."""
        stand = _Stand(deadline_s, call.key, may_be_done)
        attempts, may_renew = 0, not call.is_open
        while True:
            reply = yield self._send(call)
            assert reply is not None, "a Send is answered with what came of it"
            if may_renew and _code_of(reply) == _EXPIRED:
                may_renew = False
                if (yield from self._renew()):
                    continue
            if isinstance(reply, Response):
                if reply.status < 400:
                    return reply
                if reply.status not in _NOT_NOW or not call.may_repeat:
                    raise stand.failure(reply)
            elif not call.may_repeat:
                raise stand.failure(reply)
            if isinstance(reply, Lost) or reply.status not in _NOT_DONE:
                stand.may_be_done = bool(call.key)
            attempts += 1
            yield from self._wait(attempts, reply, stand)

    def _renew(self) -> Generator[Step, Response | Lost | None, bool]:
        renewal = self._identity.renewal()
        if renewal is None:
            return False
        reply = yield renewal
        if not isinstance(reply, Response) or reply.status != 200:
            return False
        self._identity.renewed(reply.content)
        return True

    def _send(self, call: Call[T]) -> Send:
        target, content = call.target, call.content()
        headers: dict[str, str] = {}
        if content:
            headers["Content-Type"] = "application/json"
        if call.key and call.method != "GET":
            headers["Idempotency-Key"] = call.key
        if not call.is_open:
            key = headers.get("Idempotency-Key", "")
            headers |= self._identity.headers(call.method, target, content, key)
        return Send(call.method, target, headers, content)

    def _wait(
        self, attempt: int, reply: Response | Lost, stand: "_Stand"
    ) -> Generator[Step, Response | Lost | None, None]:
        seconds = min(PAUSE_MIN_S * 2 ** (attempt - 1), PAUSE_MAX_S) * random.uniform(0.5, 1.0)
        if isinstance(reply, Response):
            seconds = max(seconds, float(reply.headers.get("retry-after", "0")))
        if self._clock() + seconds > stand.deadline_s:
            raise stand.failure(reply)
        yield Pause(seconds)


@dataclass(slots=True)
class _Stand:
    """How it stands with a call that has no answer yet."""

    deadline_s: float
    key: str
    may_be_done: bool  # By an attempt whose answer did not come.

    def failure(self, reply: Response | Lost) -> ClientError:
        if isinstance(reply, Lost):
            return UnansweredError(reply.reason, self.key)
        body = _body_of(reply)
        # The engine's own word, which has its journal number, is about the command itself; all
        # others are about this attempt.
        is_final = reply.status < 500 and "n" in body
        if reply.status < 400 or reply.status == 504 or (self.may_be_done and not is_final):
            return UnansweredError(str(body.get("message", "there is no answer yet")), self.key)
        return RefusedError(reply.status, body)


def _code_of(reply: Response | Lost) -> object:
    return _body_of(reply).get("code") if isinstance(reply, Response) else ""


def _body_of(response: Response) -> dict[str, object]:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = None
    return body if isinstance(body, dict) else {"code": "", "message": f"HTTP {response.status}"}
