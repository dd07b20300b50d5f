"""A ticket for the feed, as its owner gets one, and what ends it before it was used."""

import asyncio
import re

import httpx
import pytest

from api.gateway import Gateway
from api.identity.users import Role
from shared.tickets import PER_ACCOUNT_MAX, TicketsUnavailable
from tests.api.exchange import PASSWORD
from tests.api.identity.people import AUTH, Person, log_in, newcomer, staff
from tests.api.signer import make_key

TICKET = f"{AUTH}/ticket"
NEW = "battery staple horse"


async def ticket_of(person: Person) -> str:
    status, reply = await person.ask("POST", TICKET)
    assert status == 201, reply
    ticket: str = reply["ticket"]
    return ticket


async def test_a_ticket_speaks_for_the_session_that_asked(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    status, reply = await alice.ask("POST", TICKET)
    assert (status, reply["expires_in_s"]) == (201, 30)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", reply["ticket"])
    claims = await gateway.tickets.redeem(reply["ticket"])
    assert claims is not None
    _, me = await alice.ask("GET", f"{AUTH}/me")
    assert (int(claims.user_id), claims.account_id) == (me["user_id"], me["account_id"])
    assert (claims.role, claims.session_id) == ("trader", me["session_id"])
    assert claims.expires_at_s - claims.issued_at_s == 900, "what the token says, not the ticket"
    assert await gateway.tickets.redeem(reply["ticket"]) is None


async def test_a_ticket_is_of_the_account_that_its_token_speaks_for(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice, bobby = await newcomer(client, "alice"), await newcomer(client, "bobby")
    _, second = await alice.ask("POST", "/api/v1/accounts", {"label": "second"})
    elsewhere = await log_in(client, "alice", account_id=second["account_id"])
    for person in (elsewhere, bobby, alice):
        claims = await gateway.tickets.redeem(await ticket_of(person))
        assert claims is not None
        assert claims.account_id == person.login["account_id"]


async def test_logging_out_takes_the_ticket_with_it(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    other = await log_in(client, "alice")
    lost, kept = await ticket_of(alice), await ticket_of(other)
    assert (await alice.ask("POST", f"{AUTH}/logout"))[0] == 200
    assert await gateway.tickets.redeem(lost) is None
    assert await gateway.tickets.redeem(kept) is not None
    status, reply = await alice.ask("POST", TICKET)
    assert (status, reply["code"]) == (401, "SESSION_REVOKED")


@pytest.mark.parametrize("how", ["session", "others", "password", "disabled", "role"])
async def test_whatever_ends_a_session_takes_its_ticket_with_it(
    how: str, client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    lost = await log_in(client, "alice")
    ticket = await ticket_of(lost)
    root = await staff(gateway, admin_client, "root", Role.ADMIN)
    user = f"/api/v1/admin/users/{(await alice.ask('GET', f'{AUTH}/me'))[1]['user_id']}"
    password = {"current_password": PASSWORD, "new_password": NEW}
    reason = {"reason": "a hint"}
    asked = {
        "session": (alice, "DELETE", f"{AUTH}/sessions/{lost.login['session_id']}", None),
        "others": (alice, "DELETE", f"{AUTH}/sessions", None),
        "password": (alice, "POST", f"{AUTH}/password", password),
        "disabled": (root, "PATCH", user, {"is_disabled": True, **reason}),
        "role": (root, "PATCH", user, {"role": "auditor", **reason}),
    }
    person, method, path, body = asked[how]
    status, reply = await person.ask(method, path, body)
    assert status == 200, reply
    assert await gateway.tickets.redeem(ticket) is None


async def test_who_has_no_login_token_gets_none(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    bearer = {"Authorization": f"Bearer {alice.login['access_token']}"}
    signer, _ = await make_key(client, bearer, scopes=["read", "trade", "withdraw"])
    assert (await client.post(TICKET)).json()["code"] == "TOKEN_MISSING"
    assert (await signer.ask(client, "POST", TICKET)).json()["code"] == "TOKEN_MISSING"
    refresh = {"Authorization": f"Bearer {alice.login['refresh_token']}"}
    assert (await client.post(TICKET, headers=refresh)).json()["code"] == "INVALID_TOKEN"
    assert (await admin_client.post(TICKET, headers=bearer)).status_code == 404
    root = await staff(gateway, admin_client, "root", Role.ADMIN)
    as_operator = Person(client, "root", root.login)
    assert (await as_operator.ask("POST", TICKET))[1]["code"] == "INVALID_TOKEN"
    assert (await client.get(TICKET, headers=bearer)).status_code == 405


async def test_an_auditor_may_watch_their_own_account(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await gateway.users.create("eve", await gateway.passwords.hash(PASSWORD), Role.AUDITOR)
    assert await gateway.tickets.redeem(await ticket_of(await log_in(client, "eve"))) is not None


async def test_of_too_many_unused_the_next_is_refused_with_the_time_to_wait(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    tickets = [await ticket_of(alice) for _ in range(PER_ACCOUNT_MAX)]
    headers = {"Authorization": f"Bearer {alice.login['access_token']}"}
    response = await client.post(TICKET, headers=headers)
    assert (response.status_code, response.json()["code"]) == (429, "TOO_MANY_TICKETS")
    assert 0 < int(response.headers["Retry-After"]) <= 30
    assert await gateway.tickets.redeem(tickets[3]) is not None
    await ticket_of(alice)


async def test_every_ticket_weighs_like_any_request(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    headers = {"Authorization": f"Bearer {alice.login['access_token']}"}
    used = [
        int((await client.post(TICKET, headers=headers)).headers["X-RateLimit-Weight-Used"])
        for _ in range(2)
    ]
    assert used[1] - used[0] == 1


async def test_without_the_redis_of_limits_it_is_a_503(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")

    async def unavailable(_claims: object) -> None:
        raise TicketsUnavailable

    monkeypatch.setattr(gateway.tickets, "issue", unavailable)
    status, reply = await alice.ask("POST", TICKET)
    assert (status, reply["code"]) == (503, "REDIS_UNAVAILABLE")


async def test_no_line_of_the_log_has_a_token_or_a_ticket(
    client: httpx.AsyncClient, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = await newcomer(client, "alice")
    ticket = await ticket_of(alice)
    await asyncio.gather(*(gateway.tickets.redeem(ticket) for _ in range(3)))
    await alice.ask("POST", f"{AUTH}/logout")
    said = capsys.readouterr()
    lines = said.out + said.err
    assert "logged_out" in lines
    assert ticket not in lines
    assert alice.login["access_token"] not in lines
