"""Turning the tickets of connection attempts into claims, a bounded number at once.

The rule of this file: what a ticket is worth is decided elsewhere; here it is asked once for each
attempt that still waits, and every attempt gets an answer or a deadline.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import redis

from shared.claims import Claims
from shared.logs import get_logger
from shared.tasks import spawn, stop

REDEMPTIONS_MAX = 32  # At once; each is one round trip, so 5,000 clients are through in a second.

Redeem = Callable[[str], Awaitable[Claims | None]]

_log = get_logger(__name__)


class Bearer(Protocol):
    """A connection attempt that has shown a ticket."""

    @property
    def is_waiting(self) -> bool:
        """Whether anybody still waits for the answer."""

    def redeemed(self, claims: Claims | None) -> None:
        """Take the claims of a good ticket, None for any other."""

    def not_redeemed(self) -> None:
        """The ticket could not be looked up."""


class Tickets:
    """The attempts that wait for an answer about their ticket."""

    def __init__(self, redeem: Redeem) -> None:
        self._redeem = redeem
        self._waiting: deque[tuple[str, Bearer]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def show(self, ticket: str, bearer: Bearer) -> None:
        """Have the ticket looked up; the bearer is told."""
        self._waiting.append((ticket, bearer))
        if len(self._tasks) < REDEMPTIONS_MAX:
            task = spawn(self._work(), "feed-ticket")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Forget everybody who waits."""
        self._waiting.clear()
        await stop(*self._tasks)

    async def _work(self) -> None:
        while self._waiting:
            ticket, bearer = self._waiting.popleft()
            if not bearer.is_waiting:
                continue
            try:
                claims = await self._redeem(ticket)
            except (redis.RedisError, OSError) as error:
                _log.warning("tickets_unavailable", reason=str(error))
                if bearer.is_waiting:
                    bearer.not_redeemed()
                continue
            if bearer.is_waiting:
                bearer.redeemed(claims)


async def redeem_none(_ticket: str) -> Claims | None:
    """The default of a server that knows no tickets: none is valid."""
    return None
