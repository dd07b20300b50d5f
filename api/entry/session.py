"""One connection: who it speaks for, what it asks for, and how it ends. Pure.

The rule of this file: no I/O and no clock. `receive` takes a message and the time, `output` holds
what goes out, `ending` says that the connection is over and how. Every request gets one answer, as
long as the connection lives; whoever owns the socket does the rest.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from api.edge.answers import error_body
from api.edge.errors import ApiError
from api.entry import limits
from api.entry.frames import (
    POLICY_VIOLATION,
    UNSUPPORTED,
    FrameError,
    Message,
    Opcode,
    close_frame,
    code_of_close,
    frame,
)
from api.entry.limits import SocketCount
from api.entry.requests import AUTH, PING, Mistake, Request, RequestId, read_request
from api.identity.caller import Bearer, Caller, Scope
from api.orders.outcomes import Told
from shared.rest.entry import Admitted, Pong

NOT_LOGGED_IN = 4401  # As 401 by REST: no token in time, a wrong one, or one that is over.
NS_PER_S = 10**9

Prove = Callable[[str], Bearer]  # Raises ApiError.


class Carrier(Protocol):
    """Who carries out the requests of a session, and answers each with `told` or `refused`."""

    def start(self, session: "Session", caller: Caller, request: Request) -> None: ...


class Ending(NamedTuple):
    """How the connection is to be closed."""

    code: int
    reason: str


class _Answer(Struct, frozen=True, omit_defaults=True):
    id: RequestId | None
    status: int
    body: object
    retry_after_s: int = 0


_encode = msgspec.json.Encoder().encode


class Session:
    """The state of one connection; `on_output` is called when there is something to do."""

    def __init__(
        self,
        prove: Prove,
        carrier: Carrier,
        counts: SocketCount,
        *,
        connection_id: str,
        address: str,
        now_ns: int,
        on_output: Callable[[], None],
    ) -> None:
        self._prove = prove
        self._carrier = carrier
        self._counts = counts
        self.connection_id = connection_id
        self.address = address
        self._on_output = on_output
        self._started_ns = self._heard_ns = now_ns
        self._pinged_ns = 0
        self._mistakes = 0
        self._asides = 0  # Since `_asides_since_ns`.
        self._asides_since_ns = now_ns
        self._final: Ending | None = None  # Once nothing is in flight.
        self._is_closed = False
        self.client_has_closed = False
        self.proof: Bearer | None = None
        self.in_flight = 0
        self.output: list[bytes] = []
        self.ending: Ending | None = None

    @property
    def takes_more(self) -> bool:
        """Whether the next message may be given to it."""
        return self._final is None and self.in_flight < limits.IN_FLIGHT_MAX

    def receive(self, message: Message, now_ns: int) -> None:
        """Carry out a message of the client."""
        self._heard_ns = now_ns
        opcode, payload = message
        if opcode == Opcode.TEXT:
            self._receive_text(payload, now_ns)
        elif opcode in (Opcode.PING, Opcode.PONG):
            self._count_aside(now_ns)
            if opcode == Opcode.PING:
                self._put(frame(Opcode.PONG, payload))
        elif opcode == Opcode.CLOSE:
            self.client_has_closed = True
            try:
                self.finish(code_of_close(payload), "")
            except FrameError as error:
                self.finish(error.code, str(error))
        elif opcode == Opcode.BINARY:
            self.finish(UNSUPPORTED, "send JSON in text frames, not binary ones")

    def _count_aside(self, now_ns: int) -> None:
        """Count what is no request: the limits of orders do not hold it."""
        if now_ns - self._asides_since_ns >= limits.ASIDES_WITHIN_NS:
            self._asides, self._asides_since_ns = 0, now_ns
        self._asides += 1
        if self._asides > limits.ASIDES_MAX:
            self.finish(POLICY_VIOLATION, "too many messages that are no request")

    def told(self, request_id: RequestId | None, told: Told) -> None:
        """Answer a request that was carried out, or will be."""
        self._answer_one(_Answer(request_id, told.status, told.body))

    def refused(self, request_id: RequestId | None, error: ApiError) -> None:
        """Answer a request with a no."""
        self._answer_one(self._refusal(request_id, error))
        if error.code == "BANNED":  # Refusing it again and again is work, too.
            self.finish(POLICY_VIOLATION, "the address is banned")

    def finish(self, code: int, reason: str) -> None:
        """Take nothing more, answer what is in flight, and end the connection then."""
        if self._final is None:
            self._final = Ending(code, reason)
            self._end_if_done()

    def tick(self, now_ns: int) -> None:
        """Look after silence and the token's end."""
        proof = self.proof
        if proof is None and now_ns - self._started_ns >= limits.AUTH_WITHIN_NS:
            self.finish(NOT_LOGGED_IN, "no token within 5 s")
        elif proof is not None and now_ns >= proof.expires_at_s * NS_PER_S:
            self.finish(NOT_LOGGED_IN, "the token has expired")
        elif proof is not None and proof.is_revoked():
            self.finish(NOT_LOGGED_IN, "the session was ended")
        elif now_ns - self._heard_ns >= limits.SILENCE_MAX_NS:
            self.finish(POLICY_VIOLATION, "no answer to a ping")
        elif now_ns - max(self._heard_ns, self._pinged_ns) >= limits.PING_AFTER_NS:
            self._pinged_ns = now_ns
            self._put(frame(Opcode.PING, b""))

    def close(self) -> None:
        """Forget the connection; answers that come later go nowhere."""
        if not self._is_closed:
            self._is_closed = True
            if self.proof is not None:
                self._counts.log_out(self.proof.caller.account_id)

    # ---- text ----

    def _receive_text(self, payload: bytes, now_ns: int) -> None:
        try:
            request = read_request(payload)
            if request.op == AUTH:
                self._count_aside(now_ns)
                self._log_in(request)
            elif self.proof is None:
                raise Mistake(request.id, ApiError("TOKEN_MISSING"))
            elif self.proof.is_revoked():
                raise Mistake(request.id, ApiError("SESSION_REVOKED"))
            elif request.op == PING:
                self._count_aside(now_ns)
                self._put_answer(_Answer(request.id, 200, Pong(now_ns)))
            else:
                self._mistakes = 0
                self.in_flight += 1
                self._carrier.start(self, self.proof.caller, request)
        except Mistake as mistake:
            self._put_answer(self._refusal(mistake.id, mistake.error))
            self._mistakes += 1
            self._count_aside(now_ns)
            if self.proof is None:
                self.finish(NOT_LOGGED_IN, "the first message is auth, with an access token")
            elif self._mistakes >= limits.MISTAKES_MAX:
                self.finish(POLICY_VIOLATION, "too many messages that are no request")

    def _log_in(self, request: Request) -> None:
        try:
            proof = self._prove(request.token)
            if Scope.TRADE not in proof.caller.scopes:
                raise ApiError("FORBIDDEN")
            self._check_account(proof.caller.account_id)
        except ApiError as error:
            raise Mistake(request.id, error) from None
        self.proof = proof
        told = Admitted(proof.caller.account_id, proof.expires_at_s)
        self._put_answer(_Answer(request.id, 200, told))

    def _check_account(self, account_id: int) -> None:
        if self.proof is None:
            if not self._counts.log_in(account_id):
                raise ApiError("TOO_MANY_CONNECTIONS")
        elif self.proof.caller.account_id != account_id:
            raise ApiError("ACCOUNT_MISMATCH", field="token")

    # ---- answers ----

    def _refusal(self, request_id: RequestId | None, error: ApiError) -> _Answer:
        body = error_body(error, self.connection_id)
        return _Answer(request_id, error.status, body, error.retry_after_s)

    def _answer_one(self, answer: _Answer) -> None:
        assert self.in_flight > 0, "a request is answered once"
        self.in_flight -= 1
        self._put_answer(answer)
        self._end_if_done()

    def _put_answer(self, answer: _Answer) -> None:
        self._counts.answers[answer.status] += 1
        self._put(frame(Opcode.TEXT, _encode(answer)))

    def _put(self, data: bytes) -> None:
        if not self._is_closed and self.ending is None:
            self.output.append(data)
            self._on_output()

    def _end_if_done(self) -> None:
        if self._final is not None and not self.in_flight and self.ending is None:
            self._put(close_frame(*self._final))
            self.ending = self._final
            self._on_output()
