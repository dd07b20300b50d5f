"""One client: what it asks for, and whether it may.

The rule of this file: no I/O and no clock. `receive` takes a message and the time; `delivery` holds
what goes out; `ending` says that the connection is over, how and why. Whoever owns the socket does
the rest.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from broadcaster import limits
from broadcaster.account_stream import AccountStream
from broadcaster.delivery import Delivery
from broadcaster.hub import Hub, Topic
from broadcaster.messages import (
    Auth,
    Authenticated,
    Error,
    ListChannels,
    Listed,
    OpId,
    Ping,
    Pong,
    Reason,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from broadcaster.order_updates import ACCOUNT_CHANNEL
from broadcaster.outbox import Outbox
from broadcaster.requests import BadRequest, parse_request, shorten
from shared.tokens import Claims, TokenError

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
TOKEN_EXPIRED = 4401

Verify = Callable[[str], Claims]

_TOKEN_SENTENCES = {
    "TOKEN_EXPIRED": "The token has expired; log in again.",
    "SESSION_REVOKED": "This session has ended; log in again.",
}


class Ending(NamedTuple):
    """How the connection is to be closed."""

    code: int
    reason: str


class Session:
    """The state of one connection; `on_output` is called when there is something to do."""

    def __init__(
        self,
        hub: Hub,
        verify: Verify,
        *,
        now_ns: int,
        on_output: Callable[[], None],
        outbox: Outbox | None = None,
    ) -> None:
        self._hub = hub
        self._verify = verify
        self._on_output = on_output
        self._messages = limits.Allowance(limits.MESSAGES_BURST_MAX, limits.MESSAGES_PER_S, now_ns)
        self._mistakes = limits.Allowance(
            limits.BAD_MESSAGES_BURST_MAX, limits.BAD_MESSAGES_PER_S, now_ns
        )
        self._claims: Claims | None = None
        self._stream: AccountStream | None = None
        self.delivery = Delivery(on_output, self._overflow, outbox)
        self.ending: Ending | None = None

    def receive(self, message: str | bytes, now_ns: int) -> None:
        """Carry out a message of the client; the answer waits in the outbox."""
        if self.ending is not None:
            return
        request_id: OpId = None
        try:
            if not self._messages.take(now_ns):
                raise BadRequest("RATE_LIMITED", "Too many messages; slow down.")
            request_id, op = parse_request(message)
            _OPS[type(op)](self, op, now_ns)
        except BadRequest as error:
            request_id = error.request_id if request_id is None else request_id
            self.delivery.answer(Error(request_id, error.code, str(error), error.field))
            if not self._mistakes.take(now_ns):
                self._end(POLICY_VIOLATION, "too many bad messages")

    def tick(self, now_ns: int) -> None:
        """End the connection when its token is over."""
        claims = self._claims
        if claims is not None and now_ns >= claims.expires_at_s * limits.NS_PER_S:
            self._end(TOKEN_EXPIRED, "the token has expired", forgotten=(ACCOUNT_CHANNEL,))

    def revoke(self, session_ids: frozenset[str]) -> None:
        """End the connection when the login that it speaks for is among these."""
        if self._claims is not None and self._claims.session_id in session_ids:
            self._end(TOKEN_EXPIRED, "the session was revoked", forgotten=(ACCOUNT_CHANNEL,))

    def close(self) -> None:
        """Leave every channel; nothing is delivered afterwards."""
        self.delivery.close()
        self._leave_account()
        if self._claims is not None:
            connections = self._hub.accounts.connections
            connections[self._claims.account_id] -= 1
            if not connections[self._claims.account_id]:
                del connections[self._claims.account_id]
            self._claims = None

    # ---- one method per op ----

    def _subscribe(self, op: Subscribe, _now_ns: int) -> None:
        topics = [self._topic(name) for name in op.channels if name != ACCOUNT_CHANNEL]
        wants_account = ACCOUNT_CHANNEL in op.channels
        if wants_account and self._claims is None:
            raise BadRequest("AUTH_REQUIRED", 'Send {"op":"auth","token":"..."} first.', "channels")
        names = {topic.name for topic in topics} | self.delivery.topics.keys()
        if len(names) > limits.SUBSCRIPTIONS_MAX:
            sentence = f"A connection has at most {limits.SUBSCRIPTIONS_MAX} subscriptions."
            raise BadRequest("TOO_MANY_SUBSCRIPTIONS", sentence, "channels")
        self.delivery.answer(Subscribed(op.id, list(dict.fromkeys(op.channels))))
        for topic in topics:
            self.delivery.subscribe(topic)
        if wants_account:
            self._join_account()

    def _unsubscribe(self, op: Unsubscribe, _now_ns: int) -> None:
        for name in op.channels:
            self.delivery.unsubscribe(name)
        if ACCOUNT_CHANNEL in op.channels:
            self._leave_account()
        self.delivery.answer(Unsubscribed(op.id, list(dict.fromkeys(op.channels))))

    def _list(self, op: ListChannels, _now_ns: int) -> None:
        subscribed = list(self.delivery.topics)
        if self._stream is not None:
            subscribed.append(ACCOUNT_CHANNEL)
        available = [*sorted(self._hub.topics), ACCOUNT_CHANNEL]
        self.delivery.answer(Listed(op.id, subscribed, available))

    def _auth(self, op: Auth, now_ns: int) -> None:
        claims = self._verified(op.token)
        connections = self._hub.accounts.connections
        if self._claims is None:
            if connections[claims.account_id] >= limits.CONNECTIONS_PER_ACCOUNT_MAX:
                sentence = f"At most {limits.CONNECTIONS_PER_ACCOUNT_MAX} per account."
                raise BadRequest("TOO_MANY_CONNECTIONS", sentence)
            connections[claims.account_id] += 1
        elif self._claims.account_id != claims.account_id:
            sentence = "This connection speaks for another account; open a new one."
            raise BadRequest("ACCOUNT_MISMATCH", sentence, "token")
        self._claims = claims
        self.delivery.answer(Authenticated(op.id, claims.account_id, claims.expires_at_s))
        self.tick(now_ns)

    def _ping(self, op: Ping, now_ns: int) -> None:
        self.delivery.answer(Pong(op.id, now_ns))

    # ---- helpers ----

    def _topic(self, name: str) -> Topic:
        if not self._hub.ready:
            raise BadRequest("NOT_READY", "The feed is starting; try again in a second.")
        topic = self._hub.topics.get(name)
        if topic is None:
            code = self._hub.unknown_code(name)
            raise BadRequest(code, f'There is no channel "{shorten(name)}".', "channels")
        return topic

    def _verified(self, token: str) -> Claims:
        try:
            return self._verify(token)
        except TokenError as error:
            sentence = _TOKEN_SENTENCES.get(error.code, "The token is not valid; log in again.")
            raise BadRequest(error.code, sentence, "token") from error

    def _join_account(self) -> None:
        assert self._claims is not None, "only an authenticated connection joins an account"
        if self._stream is not None:
            return
        accounts, account_id = self._hub.accounts, self._claims.account_id

        def request(reason: Reason) -> None:
            accounts.request_snapshot(account_id, stream, reason)

        stream = AccountStream(lambda data: self.delivery.send(ACCOUNT_CHANNEL, data), request)
        self._stream = stream
        accounts.join(account_id, stream)
        stream.start()

    def _leave_account(self) -> None:
        if self._stream is not None and self._claims is not None:
            self._hub.accounts.leave(self._claims.account_id, self._stream)
            self._stream = None

    def _overflow(self, channel: str) -> None:
        what = f"the channel {channel}" if channel else "its answers"
        self._end(TRY_AGAIN_LATER, f"the client reads too slowly for {what}")

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
