"""The two clients: the same calls, carried out by waiting or by awaiting.

The rule of this file: nothing is decided here. A method of a client is one line, which names the
call that it makes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar, overload

import httpx

from rialto.client import calls
from rialto.client.call import Call
from rialto.client.conversation import Conversation, Identity, Lost, Pause, Response, Send, Talk
from rialto.client.identities import Tokens
from shared.rest.identity import LoggedIn

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_S = 10.0  # For a call with all its attempts; the gateway itself answers within two seconds.
ATTEMPT_TIMEOUT_S = 4.0  # For one attempt: twice the gateway's own limit.
CONNECTIONS_MAX = 64
_LIMITS = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)


class _Method(Generic[P, T]):
    """A call as a method of both clients."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    def __get__(self, client: "Client | AsyncClient | None", owner: type) -> object:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> T | Awaitable[T]:
            assert client is not None, "bound to a client"
            return client.send(self._build(*args, **kwargs))

        return call


class _Calls:
    """What both clients offer; `rialto.client.calls` says what each takes and gives."""

    register = _Method(calls.register)
    place_order = _Method(calls.place_order)
    cancel_order = _Method(calls.cancel_order)
    cancel_all_orders = _Method(calls.cancel_all_orders)
    amend_order = _Method(calls.amend_order)
    open_orders = _Method(calls.open_orders)
    order = _Method(calls.order)
    balances = _Method(calls.balances)
    markets = _Method(calls.markets)
    assets = _Method(calls.assets)
    depth = _Method(calls.depth)
    trades = _Method(calls.trades)
    time = _Method(calls.time)


class Client(_Calls):
    """A client that waits for its answers; for one thread at a time, use `close` after.

    `identity` is an API key (`SignedBy`), or tokens that `log_in` fills in. A call raises
    RefusedError for a definite no, UnansweredError when `timeout_s` is over without an answer.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        identity: Identity | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._identity = identity or Tokens()
        self._talk = Talk(self._identity, timeout_s=timeout_s, clock=time.monotonic)
        self._http = httpx.Client(
            base_url=url, timeout=ATTEMPT_TIMEOUT_S, limits=_LIMITS, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def log_in(self, username: str, password: str) -> LoggedIn:
        """Log in; every later call is made as this user."""
        logged_in = self.send(calls.log_in(username, password))
        _take(self._identity, logged_in)
        return logged_in

    def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        conversation: Conversation[T] = self._talk.about(call)
        step = next(conversation)
        try:
            while True:
                step = conversation.send(self._do(step))
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _do(self, step: Send | Pause) -> Response | Lost | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            response = self._http.request(
                step.method, step.target, headers=dict(step.headers), content=step.content
            )
        except httpx.HTTPError as error:
            return _lost(error)
        return _response(response)


class AsyncClient(_Calls):
    """A client for one event loop, on which any number of calls may be under way."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        identity: Identity | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._identity = identity or Tokens()
        self._talk = Talk(self._identity, timeout_s=timeout_s, clock=time.monotonic)
        self._http = httpx.AsyncClient(
            base_url=url, timeout=ATTEMPT_TIMEOUT_S, limits=_LIMITS, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def log_in(self, username: str, password: str) -> LoggedIn:
        """Log in; every later call is made as this user."""
        logged_in = await self.send(calls.log_in(username, password))
        _take(self._identity, logged_in)
        return logged_in

    async def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        conversation: Conversation[T] = self._talk.about(call)
        step = next(conversation)
        try:
            while True:
                step = conversation.send(await self._do(step))
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _do(self, step: Send | Pause) -> Response | Lost | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            response = await self._http.request(
                step.method, step.target, headers=dict(step.headers), content=step.content
            )
        except httpx.HTTPError as error:
            return _lost(error)
        return _response(response)


def _take(identity: Identity, logged_in: LoggedIn) -> None:
    if not isinstance(identity, Tokens):
        raise TypeError("a client with an API key does not log in")
    identity.take(logged_in)


def _lost(error: httpx.HTTPError) -> Lost:
    return Lost(f"the connection failed: {error or type(error).__name__}")


def _response(response: httpx.Response) -> Response:
    return Response(response.status_code, response.headers, response.content)
