"""Tickets on a real Redis: good once, for their account, and for no longer than they say."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from shared.claims import Claims
from shared.redis_client import connect
from shared.revocations import Revocations
from shared.tickets import (
    LIFETIME_S,
    PER_ACCOUNT_MAX,
    Issued,
    Refused,
    Tickets,
    TicketsUnavailable,
)
from tests.support.tcp_proxy import tcp_proxy

VENUE = "rialto"


def claims_of(account_id: int = 7, *, session_id: str = "s", left_s: int = 900) -> Claims:
    now_s = int(time.time())
    return Claims("1", account_id, "trader", "jti", now_s, now_s + left_s, session_id)


@asynccontextmanager
async def opened(url: str, *, later_s: float = 0.0) -> AsyncIterator[Tickets]:
    tickets = Tickets(url, VENUE, clock=lambda: time.time() + later_s)
    try:
        yield tickets
    finally:
        await tickets.close()


async def issued(tickets: Tickets, claims: Claims) -> str:
    answer = await tickets.issue(claims)
    assert isinstance(answer, Issued), answer
    return answer.ticket


def names(client: redis.Redis, pattern: str = "*") -> list[str]:
    return sorted(name.decode() for name in client.scan_iter(pattern))


async def test_a_ticket_says_once_what_the_token_said(each_redis_url: str) -> None:
    async with opened(each_redis_url) as gateway, opened(each_redis_url) as broadcaster:
        claims = claims_of()
        answer = await gateway.issue(claims)
        assert isinstance(answer, Issued)
        assert answer.lifetime_s == LIFETIME_S
        assert len(answer.ticket) == 43
        assert await broadcaster.redeem(answer.ticket) == claims
        assert await broadcaster.redeem(answer.ticket) is None
        assert await gateway.redeem(answer.ticket) is None


async def test_of_many_who_redeem_at_the_same_moment_one_has_it(each_redis_url: str) -> None:
    async with opened(each_redis_url) as one, opened(each_redis_url) as other:
        for _ in range(20):
            ticket = await issued(one, claims_of())
            redeemers = (one, other) * 4
            found = await asyncio.gather(*(each.redeem(ticket) for each in redeemers))
            assert sum(claims is not None for claims in found) == 1


async def test_every_account_gets_its_own_back(redis_url: str) -> None:
    async with opened(redis_url) as tickets:
        given = {await issued(tickets, claims_of(number)): number for number in range(1, 30)}
        assert len(given) == 29, "no two are the same"
        for ticket, account_id in reversed(given.items()):
            claims = await tickets.redeem(ticket)
            assert claims is not None
            assert claims.account_id == account_id


async def test_only_the_hash_is_stored_and_all_of_it_expires(redis_url: str) -> None:
    async with opened(redis_url) as tickets:
        with connect(redis_url) as client:
            ticket = await issued(tickets, claims_of())
            digest = hashlib.sha256(ticket.encode()).hexdigest()
            assert names(client) == [
                "tickets:{rialto}:account:7",
                f"tickets:{{rialto}}:ticket:{digest}",
            ]
            for name in names(client):
                assert 0 < client.pttl(name) <= LIFETIME_S * 1_000
            stored = [client.get(names(client)[1]), client.zrange(names(client)[0], 0, -1)]
            assert ticket not in str(stored)
            assert await tickets.redeem(ticket)
            assert names(client) == [], "a ticket that was used leaves nothing"


async def test_a_ticket_that_is_over_opens_nothing(redis_url: str) -> None:
    async with opened(redis_url) as tickets:
        with connect(redis_url) as client:
            ticket = await issued(tickets, claims_of())
            (name,) = names(client, "*:ticket:*")
            client.pexpire(name, 0)
            assert await tickets.redeem(ticket) is None


async def test_a_ticket_lasts_no_longer_than_its_token(redis_url: str) -> None:
    async with opened(redis_url) as tickets, opened(redis_url, later_s=11) as later:
        answer = await tickets.issue(claims_of(left_s=10))
        assert isinstance(answer, Issued)
        assert 9 <= answer.lifetime_s <= 10
        with connect(redis_url) as client:
            (name,) = names(client, "*:ticket:*")
            assert client.pttl(name) <= 10_000
            client.persist(name)  # As where the clock of Redis is behind.
        assert await later.redeem(answer.ticket) is None
        assert await tickets.issue(claims_of(left_s=0)) == Refused("TOKEN_EXPIRED")
        assert await tickets.issue(claims_of(left_s=-4)) == Refused("TOKEN_EXPIRED")


async def test_a_session_that_ends_takes_its_ticket_with_it(redis_url: str) -> None:
    async with opened(redis_url) as tickets:
        lost = await issued(tickets, claims_of(session_id="over"))
        kept = await issued(tickets, claims_of(session_id="kept"))
        gateway = Revocations(redis_url, VENUE, is_source=True)
        await gateway.announce({"over": int(time.time()) + 900})
        # Nobody here listens: the record alone tells it.
        assert await tickets.redeem(lost) is None
        assert await tickets.redeem(kept) is not None
        await gateway.close()


@pytest.mark.parametrize(
    "garbage",
    ["", "x", "x" * 42, "x" * 44, "é" * 43, "*" * 43, "a" * 42 + "\n", "a" * 43 + "\n", "A" * 43],
)
async def test_garbage_opens_nothing(redis_url: str, garbage: str) -> None:
    async with opened(redis_url) as tickets:
        await issued(tickets, claims_of())
        assert await tickets.redeem(garbage) is None
        with connect(redis_url) as client:
            assert len(names(client)) == 2, "nobody's ticket was used up"


async def test_a_row_that_nobody_understands_opens_nothing(redis_url: str) -> None:
    async with opened(redis_url) as tickets:
        ticket = await issued(tickets, claims_of())
        with connect(redis_url) as client:
            (name,) = names(client, "*:ticket:*")
            client.set(name, b'{"account_id":"7"}')
        assert await tickets.redeem(ticket) is None


async def test_another_venue_on_the_same_redis_has_other_tickets(redis_url: str) -> None:
    stranger = Tickets(redis_url, "moon")
    async with opened(redis_url) as tickets:
        ticket = await issued(tickets, claims_of())
        assert await stranger.redeem(ticket) is None
        assert await tickets.redeem(ticket) is not None
    await stranger.close()


async def test_an_account_has_so_many_and_a_used_or_old_one_makes_room(each_redis_url: str) -> None:
    async with opened(each_redis_url) as tickets:
        given = [await issued(tickets, claims_of()) for _ in range(PER_ACCOUNT_MAX)]
        refused = await tickets.issue(claims_of())
        assert isinstance(refused, Refused)
        assert refused.code == "TOO_MANY_TICKETS"
        assert 0 < refused.wait_s <= LIFETIME_S
        assert isinstance(await tickets.issue(claims_of(8)), Issued), "others are not concerned"
        assert await tickets.redeem(given[0]) is not None
        given.append(await issued(tickets, claims_of()))
        assert isinstance(await tickets.issue(claims_of()), Refused)
        with connect(each_redis_url) as client:
            row = client.zrange("tickets:{rialto}:account:7", 0, 0)
            client.zadd("tickets:{rialto}:account:7", {row[0]: 1})  # One that is over.
        assert isinstance(await tickets.issue(claims_of()), Issued)
        assert isinstance(await tickets.issue(claims_of()), Refused)


async def test_many_at_once_do_not_pass_the_limit(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as other:
        asked = [each.issue(claims_of()) for each in (one, other) * PER_ACCOUNT_MAX]
        answers = await asyncio.gather(*asked)
        assert sum(isinstance(answer, Issued) for answer in answers) == PER_ACCOUNT_MAX


async def test_without_redis_none_is_issued_and_none_opens(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, opened(proxy.url) as tickets:
        claims = claims_of()
        ticket = await issued(tickets, claims)
        await proxy.refuse()
        with pytest.raises(TicketsUnavailable):
            await tickets.issue(claims)
        with pytest.raises(redis.RedisError):
            await tickets.redeem(ticket)
        await proxy.open()
        assert await tickets.redeem(ticket) == claims, "it was never asked for"


async def test_no_line_of_the_log_has_a_ticket(
    redis_url: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with tcp_proxy(redis_url) as proxy, opened(proxy.url) as tickets:
        ticket, other = await issued(tickets, claims_of()), await issued(tickets, claims_of())
        with connect(redis_url) as client:
            for name in names(client, "*:ticket:*"):
                client.set(name, b"?")
        assert await tickets.redeem(ticket) is None
        await proxy.refuse()
        with pytest.raises(redis.RedisError) as failed:
            await tickets.redeem(other)
        with pytest.raises(TicketsUnavailable):
            await tickets.issue(claims_of())
    said = capsys.readouterr()
    lines = said.out + said.err + caplog.text
    assert "ticket_unreadable" in lines
    assert "ticket_not_stored" in lines
    lines += repr(failed.value)
    assert ticket not in lines
    assert other not in lines
