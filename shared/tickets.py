"""Tickets: each opens one connection to the feed, for who cannot send a token on it.

The rule of this file: a ticket is worth a token for half a minute, and only once. What is stored is
its hash, so whoever reads Redis opens nothing; to redeem it is to take it away, so of two who try
at the same moment one has it.

All of it is in the Redis of limits, never among the ledger's names, and may be lost: then the
client asks for another ticket.

name                                  kind    content
tickets:{venue}:ticket:<sha256>       string  the Claims of the token that asked, JSON; expires
tickets:{venue}:account:<account id>  zset    hashes of those not redeemed, scored by when they are
                                              over in Redis's Unix milliseconds; expires
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import redis
from redis.exceptions import NoScriptError

from shared.claims import Claims
from shared.logs import get_logger
from shared.redis_client import connect_async
from shared.revocations import record_name
from shared.scripts import load_script

LIFETIME_S = 30  # From the answer of the gateway to the next handshake, over a bad line.
SECRET_BYTES = 32  # 256 bits: out of reach of guessing.
PER_ACCOUNT_MAX = 40  # Twice the connections of an account: all of them reconnect, and fail once.
TIMEOUT_S = 1.0  # Whoever waits is about to connect; a healthy answer takes a millisecond.
POOL_SIZE_MAX = 32  # Calls of a millisecond: a reconnect storm gets through, thousands a second.

_TICKET = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64 for URLs, without padding.

_log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claims).decode


class TicketsUnavailable(Exception):
    """The Redis of limits did not take the ticket; asking for another one is safe."""


class Issued(NamedTuple):
    """A ticket, told once, and for how long it is good."""

    ticket: str
    lifetime_s: int


class Refused(NamedTuple):
    """No ticket: TOKEN_EXPIRED, or TOO_MANY_TICKETS, which `wait_s` seconds make good."""

    code: str
    wait_s: int = 0


class Tickets:
    """The tickets of one venue; use `close` after."""

    def __init__(
        self, limits_redis_url: str, venue: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = connect_async(
            limits_redis_url, timeout_s=TIMEOUT_S, pool_size_max=POOL_SIZE_MAX
        )
        self._prefix = f"tickets:{{{venue}}}"
        self._revoked = record_name(venue)
        self._clock = clock

    async def close(self) -> None:
        await self._client.aclose()

    async def issue(self, claims: Claims) -> Issued | Refused:
        """Return a ticket for what a verified token says; raises TicketsUnavailable."""
        lifetime_s = min(LIFETIME_S, claims.expires_at_s - int(self._clock()))
        if lifetime_s < 1:
            return Refused("TOKEN_EXPIRED")
        ticket = secrets.token_urlsafe(SECRET_BYTES)
        try:
            wait_ms = await self._store(ticket, claims, lifetime_s)
        except (redis.RedisError, OSError) as error:
            _log.warning("ticket_not_stored", account_id=claims.account_id, reason=str(error))
            raise TicketsUnavailable from error
        if wait_ms:
            return Refused("TOO_MANY_TICKETS", -(-wait_ms // 1_000))
        return Issued(ticket, lifetime_s)

    async def redeem(self, ticket: str) -> Claims | None:
        """Return for whom the ticket was issued, to exactly one caller; None: it opens nothing.

        A ticket of a session that is over opens nothing. Raises redis.RedisError, OSError: then it
        may be used up, and another one has to be asked for.
        """
        if not _TICKET.fullmatch(ticket):
            return None
        digest = _digest(ticket)
        row = await self._client.getdel(self._name(digest))
        try:
            return None if row is None else await self._checked(digest, _decode(row))
        except msgspec.MsgspecError:
            _log.warning("ticket_unreadable", size=len(row or b""))
            return None

    async def _store(self, ticket: str, claims: Claims, lifetime_s: int) -> int:
        """Return 0, or for how many milliseconds there will be no room."""
        script, digest = load_script("shared", "issue_ticket"), _digest(ticket)
        keys = (self._name(digest), self._account(claims))
        arguments = (digest, _encode(claims), lifetime_s * 1_000, LIFETIME_S * 1_000)
        call = (len(keys), *keys, *arguments, PER_ACCOUNT_MAX)
        try:
            answer = await self._client.execute_command("EVALSHA", script.sha, *call)
        except NoScriptError:  # It is unknown there, so nothing was done.
            answer = await self._client.execute_command("EVAL", script.text, *call)
        return int(answer)

    async def _checked(self, digest: str, claims: Claims) -> Claims | None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zrem(self._account(claims), digest)
        # What is announced may still be on its way to this process; the record has it already.
        pipeline.zscore(self._revoked, claims.session_id)
        _, revoked_until_s = await pipeline.execute()
        is_good = revoked_until_s is None and self._clock() < claims.expires_at_s
        return claims if is_good else None

    def _name(self, digest: str) -> str:
        return f"{self._prefix}:ticket:{digest}"

    def _account(self, claims: Claims) -> str:
        return f"{self._prefix}:account:{claims.account_id}"


def _digest(ticket: str) -> str:
    # It needs no salt and no slow hash: nobody guesses 256 random bits.
    return hashlib.sha256(ticket.encode()).hexdigest()
