"""The four clients: the same calls, carried out by waiting or by awaiting, at one of two doors.

The rule of this file: nothing is decided here; what a conversation says is sent is sent.
"""

import asyncio
import time
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import httpx

from rialto.client.call import Call
from rialto.client.calls import identity as auth
from rialto.client.conversation import Conversation, Lost, Pause, Response, Send, Talk
from rialto.client.downloads import (
    READ_TIMEOUT_S,
    Arrival,
    OnProgress,
    Progress,
    Write,
    csv_of,
    may_renew,
    refusal_of,
    send_of,
)
from rialto.client.errors import RefusedError, UnansweredError
from rialto.client.identities import Identity, Tokens
from rialto.client.offers import AdminCalls, PublicCalls
from shared.rest.identity import LoggedIn, SessionsEnded

T = TypeVar("T")

PUBLIC_URL = "http://127.0.0.1:8000"
ADMIN_URL = "http://127.0.0.1:8001"
TIMEOUT_S = 10.0  # For a call with all its attempts; the gateway itself answers within two seconds.
ATTEMPT_TIMEOUT_S = 4.0  # For one attempt: twice the gateway's own limit.
CONNECTIONS_MAX = 64
_OF_DOWNLOAD = httpx.Timeout(ATTEMPT_TIMEOUT_S, read=READ_TIMEOUT_S)
_LIMITS = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)


class _Waiting:
    """A client that waits for its answers; for one thread at a time, use `close` after.

    `identity` is an API key (`SignedBy`), or tokens that `log_in` fills in. A call raises
    RefusedError for a definite no, UnansweredError when `timeout_s` is over without an answer.
    """

    default_url: ClassVar[str]

    def __init__(
        self,
        url: str | None = None,
        *,
        identity: Identity | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.identity = identity or Tokens()
        self._talk = Talk(self.identity, timeout_s=timeout_s, clock=time.monotonic)
        self._http = httpx.Client(
            base_url=url or self.default_url,
            timeout=ATTEMPT_TIMEOUT_S,
            limits=_LIMITS,
            transport=transport,
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

    def log_in(
        self,
        username: str,
        password: str,
        *,
        totp_code: str | None = None,
        account_id: int | None = None,
    ) -> LoggedIn:
        """Log in; every later call is made as this user, about this account or the main one."""
        call = auth.log_in(username, password, totp_code=totp_code, account_id=account_id)
        return self._hold(self._talk.log_in(call))

    def refresh(self, *, account_id: int | None = None) -> LoggedIn:
        """Get the next tokens now, or speak for another account; expired ones renew themselves."""
        return self._hold(self._talk.refresh(account_id))

    def log_out(self) -> SessionsEnded:
        """End the session; every later call is made as nobody."""
        return self._hold(self._talk.log_out(auth.log_out()))

    def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        return self._hold(self._talk.about(call))

    def _hold(self, conversation: Conversation[T]) -> T:
        step = next(conversation)
        try:
            while True:
                step = conversation.send(self._do(step))
        except StopIteration as end:
            answer: T = end.value
            return answer
        finally:
            conversation.close()

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


class _Awaiting:
    """A client for one event loop, on which any number of calls may be under way.

    What it is given and what it raises is as with the clients that wait.
    """

    default_url: ClassVar[str]

    def __init__(
        self,
        url: str | None = None,
        *,
        identity: Identity | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.identity = identity or Tokens()
        self._talk = Talk(self.identity, timeout_s=timeout_s, clock=time.monotonic)
        self._http = httpx.AsyncClient(
            base_url=url or self.default_url,
            timeout=ATTEMPT_TIMEOUT_S,
            limits=_LIMITS,
            transport=transport,
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

    async def log_in(
        self,
        username: str,
        password: str,
        *,
        totp_code: str | None = None,
        account_id: int | None = None,
    ) -> LoggedIn:
        """Log in; every later call is made as this user, about this account or the main one."""
        call = auth.log_in(username, password, totp_code=totp_code, account_id=account_id)
        return await self._hold(self._talk.log_in(call))

    async def refresh(self, *, account_id: int | None = None) -> LoggedIn:
        """Get the next tokens now, or speak for another account; expired ones renew themselves."""
        return await self._hold(self._talk.refresh(account_id))

    async def log_out(self) -> SessionsEnded:
        """End the session; every later call is made as nobody."""
        return await self._hold(self._talk.log_out(auth.log_out()))

    async def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        return await self._hold(self._talk.about(call))

    async def _hold(self, conversation: Conversation[T]) -> T:
        step = next(conversation)
        try:
            while True:
                step = conversation.send(await self._do(step))
        except StopIteration as end:
            answer: T = end.value
            return answer
        finally:
            conversation.close()

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


class Client(_Waiting, PublicCalls):
    __doc__ = _Waiting.__doc__
    default_url = PUBLIC_URL

    def download(
        self, call: Call[Any], write: Write, *, on_progress: OnProgress | None = None
    ) -> Progress:
        """Bring all rows of a list as CSV, such as `calls.ledger(asset="INR")`, a piece at a time.

        `limit` and `cursor` of the call mean nothing here. Raises RefusedError before anything is
        written, UnansweredError when the file breaks off or is not whole.
        """
        wanted = csv_of(call)
        try:
            return self._download(wanted, write, on_progress)
        except RefusedError as error:
            if not may_renew(error, wanted, self.identity):
                raise
        self.refresh(account_id=self.identity.account_id)
        return self._download(wanted, write, on_progress)

    def _download(self, call: Call[Any], write: Write, on_progress: OnProgress | None) -> Progress:
        step = send_of(call, self.identity)
        try:
            with self._http.stream(
                step.method, step.target, headers=dict(step.headers), timeout=_OF_DOWNLOAD
            ) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    raise refusal_of(_response(response))
                arrival = Arrival.of(response.headers, write, on_progress)
                for chunk in response.iter_bytes():
                    arrival.take(chunk)
        except httpx.HTTPError as error:
            raise UnansweredError(_lost(error).reason, "") from error
        return arrival.end()


class AsyncClient(_Awaiting, PublicCalls):
    __doc__ = _Awaiting.__doc__
    default_url = PUBLIC_URL

    async def download(
        self, call: Call[Any], write: Write, *, on_progress: OnProgress | None = None
    ) -> Progress:
        """Do as `Client.download`."""
        wanted = csv_of(call)
        try:
            return await self._download(wanted, write, on_progress)
        except RefusedError as error:
            if not may_renew(error, wanted, self.identity):
                raise
        await self.refresh(account_id=self.identity.account_id)
        return await self._download(wanted, write, on_progress)

    async def _download(
        self, call: Call[Any], write: Write, on_progress: OnProgress | None
    ) -> Progress:
        step = send_of(call, self.identity)
        try:
            async with self._http.stream(
                step.method, step.target, headers=dict(step.headers), timeout=_OF_DOWNLOAD
            ) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise refusal_of(_response(response))
                arrival = Arrival.of(response.headers, write, on_progress)
                async for chunk in response.aiter_bytes():
                    arrival.take(chunk)
        except httpx.HTTPError as error:
            raise UnansweredError(_lost(error).reason, "") from error
        return arrival.end()


class AdminClient(_Waiting, AdminCalls):
    """The operators' door, for a client that waits."""

    default_url = ADMIN_URL


class AsyncAdminClient(_Awaiting, AdminCalls):
    """The operators' door, for a client that is awaited."""

    default_url = ADMIN_URL


def _lost(error: httpx.HTTPError) -> Lost:
    return Lost(f"the connection failed: {error or type(error).__name__}")


def _response(response: httpx.Response) -> Response:
    return Response(response.status_code, response.headers, response.content)
