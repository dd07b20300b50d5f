"""Connections that are opened with a ticket."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis

from broadcaster.sockets import deadlines
from broadcaster.sockets.tickets import REDEMPTIONS_MAX
from shared.claims import Claims
from tests.broadcaster.running import verify
from tests.broadcaster.sockets.raw_client import CLOSE, request
from tests.broadcaster.sockets.serving import serving
from tests.support.deadlines import eventually_async


class Office:
    """Redeems each ticket once; `open` lets it answer, and it counts who is served at once."""

    def __init__(self, *tickets: str) -> None:
        self.claims = {ticket: verify(f"account-{number}") for number, ticket in enumerate(tickets)}
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = self.at_once_max = self.asked = 0

    async def redeem(self, ticket: str) -> Claims | None:
        self.asked += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        await self.open.wait()
        self.at_once -= 1
        return self.claims.pop(ticket, None)


async def test_a_ticket_opens_one_connection_that_speaks_for_its_account() -> None:
    office = Office("zero", "one")
    async with serving(redeem=office.redeem) as it:
        client = await it.client(path="/ws?ticket=one")
        answer = await client.answer()
        assert (answer["op"], answer["id"], answer["account_id"]) == ("authenticated", None, 1)
        assert (await it.page(request("/ws?ticket=one")))[0] == 401
        assert (await it.page(request("/ws?ticket=two")))[0] == 401
        assert (await it.metrics())['refused_total{reason="INVALID_TICKET"}'] == 2
        assert it.hub.accounts.connections == {1: 1}
        client.reset()
        await it.alone()
        assert not it.hub.accounts.connections


async def test_a_server_that_knows_no_tickets_takes_none() -> None:
    async with serving() as it:
        status, body = await it.page(request("/ws?ticket=one"))
        assert status == 401
        assert "INVALID_TICKET" in body


async def test_a_handshake_that_fails_costs_no_ticket() -> None:
    office = Office("one")
    async with serving(redeem=office.redeem) as it:
        assert (await it.page(request("/ws?ticket=one", Upgrade="")))[0] == 426
        assert office.asked == 0


@pytest.mark.parametrize("error", [redis.ConnectionError, TimeoutError])
async def test_a_ticket_that_cannot_be_looked_up_may_be_tried_again(error: type[Exception]) -> None:
    async def redeem(_ticket: str) -> Claims | None:
        raise error("away")

    async with serving(redeem=redeem) as it:
        status, body = await it.page(request("/ws?ticket=one"))
        assert status == 503
        assert "NOT_READY" in body
        await it.alone()


async def test_tickets_are_looked_up_a_bounded_number_at_once_and_all_get_in() -> None:
    tickets = [f"ticket-{number}" for number in range(3 * REDEMPTIONS_MAX)]
    office = Office(*tickets)
    office.open.clear()
    async with serving(redeem=office.redeem) as it:
        visitors = [await it.visitor(request(f"/ws?ticket={ticket}")) for ticket in tickets]
        await eventually_async(lambda: it.server.connection_count == len(tickets))
        assert office.at_once_max == REDEMPTIONS_MAX
        office.open.set()
        for visitor in visitors:
            assert " 101 " in await visitor.head()
        assert office.at_once_max == REDEMPTIONS_MAX


async def test_who_has_waited_too_long_for_a_ticket_is_cut_and_not_asked_for() -> None:
    tickets = [f"ticket-{number}" for number in range(REDEMPTIONS_MAX + 5)]
    office = Office(*tickets)
    office.open.clear()
    async with serving(redeem=office.redeem) as it:
        visitors = [await it.visitor(request(f"/ws?ticket={ticket}")) for ticket in tickets]
        await eventually_async(lambda: it.server.connection_count == len(tickets))
        it.clock.added_s += deadlines.OPEN_TIMEOUT_S + 1
        for visitor in visitors:
            assert await visitor.rest() == b""
        await it.alone()
        office.open.set()
        await eventually_async(lambda: not office.at_once)
        assert office.asked == REDEMPTIONS_MAX
        assert it.server.connection_count == 0


async def test_a_stop_ends_those_who_wait_for_their_ticket() -> None:
    office = Office("one")
    office.open.clear()
    async with serving(redeem=office.redeem) as it:
        visitor = await it.visitor(request("/ws?ticket=one"))
        await eventually_async(lambda: office.asked == 1)
        await it.server.close()
        assert await visitor.rest() == b""


async def test_one_connection_too_many_of_an_account_is_closed_at_once() -> None:
    same: Callable[[str], Awaitable[Claims | None]] = _of_account_seven
    async with serving(redeem=same) as it:
        for _ in range(20):
            await it.client(path="/ws?ticket=any")
        late = await it.client(path="/ws?ticket=any")
        assert (await late.until(CLOSE)).close_code == 1013


async def _of_account_seven(_ticket: str) -> Claims | None:
    return verify("account-7")
