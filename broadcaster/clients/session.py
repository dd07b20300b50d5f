"""One client: what it asks for, and whether it may.

The rule of this file: no I/O and no clock. `receive` takes a message and the time; `delivery` holds
what goes out; `ending` says that the connection is over, how and why. Whoever owns the socket does
the rest.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from broadcaster.channels.accounts import ACCOUNT_CHANNEL
from broadcaster.channels.hub import Hub
from broadcaster.clients import limits
from broadcaster.clients.account_stream import AccountStream
from broadcaster.clients.delivery import Delivery
from broadcaster.clients.plans import Own, read_plan
from broadcaster.clients.requests import BadRequest, parse_request
from broadcaster.clients.subscriptions import Subscriptions
from shared.claims import Claims, TokenError
from shared.feed import (
    Auth,
    Authenticated,
    Closing,
    Error,
    ListChannels,
    Listed,
    Op,
    OpId,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
TOKEN_OVER = 4401
IDLE = 4408
TOO_SLOW = 4409

Verify = Callable[[str], Claims]  # Raises TokenError, or TokensNotReadyError.

# What is not there now may be there later: whoever asks again and again is limited as for any other
# message, and a client whose producers are away is not cut off for that.
NO_MISTAKES = frozenset({"UNKNOWN_CHANNEL", "UNKNOWN_MARKET", "NOT_READY"})

_TOKEN_SENTENCES = {
    "TOKEN_EXPIRED": "The token has expired; log in again.",
    "SESSION_REVOKED": "This session has ended; log in again.",
}


class TokensNotReadyError(Exception):
    """No token can be checked yet; what `when_ready` is given is called once it can."""

    def __init__(self, when_ready: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self.when_ready = when_ready


class _Login(NamedTuple):
    """A login that waits until tokens can be checked, and what has been said after it."""

    op: Auth
    when_ready: Callable[[Callable[[], None]], None]
    messages: list[str | bytes]


class Ending(NamedTuple):
    """How the connection is to be closed."""

    code: int
    reason: str


class Session:
    """The state of one connection; `on_output` is called when there is something to do."""

    __slots__ = (
        "_claims",
        "_heard_at_ns",
        "_hub",
        "_login",
        "_messages",
        "_mistakes",
        "_on_output",
        "_stream",
        "_subscriptions",
        "_verify",
        "delivery",
        "ending",
    )

    def __init__(
        self, hub: Hub, verify: Verify, *, now_ns: int, on_output: Callable[[], None]
    ) -> None:
        self._hub = hub
        self._verify = verify
        self._on_output = on_output
        self._messages: limits.Allowance | None = None
        self._mistakes: limits.Allowance | None = None
        self._claims: Claims | None = None
        self._login: _Login | None = None
        self._stream: AccountStream | None = None
        self._heard_at_ns = now_ns
        self.delivery = Delivery(self, on_output)
        self._subscriptions = Subscriptions(hub, self.delivery)
        self.ending: Ending | None = None

    def receive(self, message: str | bytes, now_ns: int) -> None:
        """Carry out a message of the client; the answer waits in the outbox."""
        if self.ending is not None:
            return
        self._heard_at_ns = now_ns
        if self._login is not None:
            self._login.messages.append(message)
            return
        request_id: OpId = None
        try:
            self._allow(now_ns)
            request_id, op = parse_request(message)
            self._carry_out(op, now_ns)
        except BadRequest as error:
            self._answer_mistake(error, request_id, now_ns)

    @property
    def waits_for(self) -> Callable[[Callable[[], None]], None] | None:
        """What is to be given a call of `go_on`, None where nothing waits. Until then no more is to
        be read of the client: what it says waits here.
        """
        return None if self._login is None else self._login.when_ready

    def go_on(self, now_ns: int) -> None:
        """Carry out the login that has waited, and what has come after it."""
        login, self._login = self._login, None
        if login is None or self.ending is not None:
            return
        try:
            self._carry_out(login.op, now_ns)
        except BadRequest as error:
            self._answer_mistake(error, login.op.id, now_ns)
        for message in login.messages:
            self.receive(message, now_ns)

    def authenticate(self, claims: Claims, now_ns: int) -> None:
        """Let the connection, which was opened with a ticket, speak for an account, as `auth` does.

        Where `auth` would be refused, the connection ends: nobody waits for an answer.
        """
        if self.ending is not None:
            return
        try:
            self._accept(claims, None, now_ns)
        except BadRequest as error:
            self._end(TRY_AGAIN_LATER, str(error))

    def tick(self, now_ns: int) -> None:
        """End the connection when its token is over, or when nobody uses it."""
        claims = self._claims
        if claims is not None and now_ns >= claims.expires_at_s * limits.NS_PER_S:
            self._end(TOKEN_OVER, "the token has expired", forgotten=(ACCOUNT_CHANNEL,))
        elif now_ns - self._heard_at_ns >= limits.IDLE_S * limits.NS_PER_S and not self.is_used:
            self._end(IDLE, "nothing is subscribed and nothing was said")

    @property
    def is_used(self) -> bool:
        """Whether anything is subscribed."""
        return self._stream is not None or not self._subscriptions.is_empty

    def revoke(self, session_ids: frozenset[str]) -> None:
        """End the connection when the login that it speaks for is among these."""
        if self._claims is not None and self._claims.session_id in session_ids:
            self._end(TOKEN_OVER, "the session was revoked", forgotten=(ACCOUNT_CHANNEL,))

    def restart(self, reconnect_after_ms: int) -> None:
        """End the connection because the service stops, with a hint when to come back."""
        if self.ending is None:
            reason = "the service restarts"
            self.delivery.answer(Closing(SERVICE_RESTART, reason, reconnect_after_ms))
            self._end(SERVICE_RESTART, f"{reason}; reconnect after {reconnect_after_ms} ms")

    def close(self) -> None:
        """Leave every channel; nothing is delivered afterwards."""
        self._subscriptions.close()
        self.delivery.release()
        self._leave_account()
        self._login = None
        if self._claims is not None:
            connections = self._hub.accounts.connections
            connections[self._claims.account_id] -= 1
            if not connections[self._claims.account_id]:
                del connections[self._claims.account_id]
            self._claims = None

    # ---- what the delivery tells ----

    def too_slow(self, channel: str) -> None:
        what = f"the channel {channel}" if channel else "its answers"
        self._end(TOO_SLOW, f"the client reads too slowly for {what}")

    def channel_removed(self, name: str) -> None:
        self._subscriptions.topic_removed(name)

    # ---- one method per op ----

    def _subscribe(self, op: Subscribe, now_ns: int) -> None:
        plan = read_plan(op, self._hub, has_account=self._claims is not None)
        permits = self._subscriptions.check(plan) // limits.CHANNELS_PER_PERMIT
        if plan.account is not None and not self._has_account(plan.account):
            permits += limits.ACCOUNT_PERMITS
        self._allow(now_ns, permits)
        resumed = self._subscriptions.add(plan)
        resume_account = None if plan.account is None else self._join_account(plan.account)
        if resume_account is not None:
            resumed.append(ACCOUNT_CHANNEL)
        self.delivery.answer(Subscribed(op.id, plan.names, resumed))
        if resume_account is not None and self.ending is None:
            resume_account()

    def _unsubscribe(self, op: Unsubscribe, _now_ns: int) -> None:
        self._subscriptions.remove(op.channels)
        if ACCOUNT_CHANNEL in op.channels:
            self._leave_account()
        self.delivery.answer(Unsubscribed(op.id, list(dict.fromkeys(op.channels))))

    def _list(self, op: ListChannels, now_ns: int) -> None:
        # Its answer is as long as there are channels, and may wait here for long.
        permits = len(self._hub.topics) // limits.CHANNELS_PER_PERMIT
        self._allow(now_ns, min(permits, limits.LIST_PERMITS_MAX))
        subscribed = self._subscriptions.names
        if self._stream is not None:
            subscribed.append(ACCOUNT_CHANNEL)
        available = [*self._hub.topics, ACCOUNT_CHANNEL]
        self.delivery.answer(Listed(op.id, sorted(subscribed), sorted(available)))

    def _auth(self, op: Auth, now_ns: int) -> None:
        self._accept(self._verified(op.token), op.id, now_ns)

    def _ping(self, op: Ping, now_ns: int) -> None:
        self.delivery.answer(Pong(op.id, now_ns))

    # ---- helpers ----

    def _allow(self, now_ns: int, permits: int = 1) -> None:
        if self._messages is None:
            burst_max, per_s = limits.MESSAGES_BURST_MAX, limits.MESSAGES_PER_S
            self._messages = limits.Allowance(burst_max, per_s, now_ns)
        if not self._messages.take(now_ns, permits):
            raise BadRequest("RATE_LIMITED", "Too many messages; slow down.")

    def _carry_out(self, op: Op, now_ns: int) -> None:
        try:
            _OPS[type(op)](self, op, now_ns)
        except TokensNotReadyError as error:
            assert isinstance(op, Auth), "only a login shows a token"
            # Not the error itself: it leads to whoever raised it, and so back to here.
            self._login = _Login(op, error.when_ready, [])

    def _answer_mistake(self, error: BadRequest, request_id: OpId, now_ns: int) -> None:
        request_id = error.request_id if request_id is None else request_id
        self.delivery.answer(Error(request_id, error.code, str(error), error.field))
        if error.code not in NO_MISTAKES:
            self._count_mistake(now_ns)

    def _count_mistake(self, now_ns: int) -> None:
        if self._mistakes is None:
            burst_max, per_s = limits.BAD_MESSAGES_BURST_MAX, limits.BAD_MESSAGES_PER_S
            self._mistakes = limits.Allowance(burst_max, per_s, now_ns)
        if not self._mistakes.take(now_ns):
            self._end(POLICY_VIOLATION, "too many bad messages")

    def _accept(self, claims: Claims, request_id: OpId, now_ns: int) -> None:
        connections = self._hub.accounts.connections
        if self._claims is None:
            if connections[claims.account_id] >= limits.CONNECTIONS_PER_ACCOUNT_MAX:
                sentence = f"At most {limits.CONNECTIONS_PER_ACCOUNT_MAX} connections per account."
                raise BadRequest("TOO_MANY_CONNECTIONS", sentence)
            connections[claims.account_id] += 1
        elif self._claims.account_id != claims.account_id:
            sentence = "This connection speaks for another account; open a new one."
            raise BadRequest("ACCOUNT_MISMATCH", sentence, "token")
        self._claims = claims
        self.delivery.answer(Authenticated(request_id, claims.account_id, claims.expires_at_s))
        self.tick(now_ns)

    def _verified(self, token: str) -> Claims:
        try:
            return self._verify(token)
        except TokenError as error:
            sentence = _TOKEN_SENTENCES.get(error.code, "The token is not valid; log in again.")
            raise BadRequest(error.code, sentence, "token") from error

    def _has_account(self, own: Own) -> bool:
        return self._stream is not None and own.after_sequence is None

    def _join_account(self, asked: Own) -> Callable[[], None] | None:
        # What it returns is to be called next, and sends what was missed; None: a snapshot comes.
        assert self._claims is not None, "only an authenticated connection joins an account"
        if self._has_account(asked):
            return None
        self._leave_account()
        accounts, account_id = self._hub.accounts, self._claims.account_id
        stream = AccountStream(
            partial(self.delivery.send, ACCOUNT_CHANNEL),
            partial(accounts.request_snapshot, account_id),
        )
        self._stream = stream
        accounts.join(account_id, stream)
        after_sequence, missed = asked.after_sequence, None
        if after_sequence is not None:
            missed = accounts.missed(account_id, after_sequence)
        if after_sequence is None or missed is None:
            stream.start()
            return None
        return partial(stream.resume, after_sequence, missed)

    def _leave_account(self) -> None:
        if self._stream is not None and self._claims is not None:
            self._hub.accounts.leave(self._claims.account_id, self._stream)
            self._stream = None

    def _end(self, code: int, reason: str, *, forgotten: tuple[str, ...] = ()) -> None:
        if self.ending is None:
            self.ending = Ending(code, reason)
            self.delivery.end(*forgotten)
            self._leave_account()
            self._on_output()


_OPS: dict[type, Callable[[Session, Any, int], None]] = {
    Subscribe: Session._subscribe,
    Unsubscribe: Session._unsubscribe,
    ListChannels: Session._list,
    Auth: Session._auth,
    Ping: Session._ping,
}
