"""Refreshing: once for each token, and never a way in for who comes second."""

import asyncio

import httpx
import pytest
from structlog.testing import capture_logs

from api.gateway import Gateway
from api.identity import refreshing
from tests.api.identity.people import AUTH, Person, newcomer, turn_clock

REFUSED = "INVALID_REFRESH_TOKEN"


async def refreshed(person: Person, token: str = "") -> str:
    """Refresh and return the next token."""
    status, reply = await person.refresh(token)
    assert status == 200, reply
    return str(reply["refresh_token"])


async def test_a_refresh_gives_new_tokens_of_the_same_session(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    status, reply = await alice.refresh()
    assert status == 200
    for name in ("access_token", "refresh_token"):
        assert reply[name] != alice.login[name]
    for name in ("session_id", "account_id", "token_type", "expires_in_s"):
        assert reply[name] == alice.login[name]
    assert 0 < reply["refresh_expires_in_s"] <= 2_592_000
    assert await Person(client, "alice", reply).gets() == (200, "")
    assert await alice.gets() == (200, ""), "the first access token is good until it expires"


async def test_a_token_used_before_ends_the_session_and_is_logged(
    client: httpx.AsyncClient,
) -> None:
    alice = await newcomer(client, "alice")
    other = await newcomer(client, "bobby")
    second = await refreshed(alice)
    third = await refreshed(alice, second)
    with capture_logs() as logs:
        status, reply = await alice.refresh()
    assert (status, reply["code"]) == (401, REFUSED)
    (line,) = [line for line in logs if line["event"] == "refresh_token_reused"]
    assert line["session_id"] == alice.login["session_id"]
    assert (await alice.refresh(third))[1]["code"] == REFUSED, "the whole family is over"
    assert await alice.gets() == (401, "SESSION_REVOKED"), "its access tokens too, at once"
    assert await other.gets() == (200, "")


async def test_a_token_of_long_ago_is_still_known(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")
    token = alice.login["refresh_token"]
    for _ in range(12):
        token = await refreshed(alice, token)
    turn_clock(gateway, monkeypatch, 1_000_000)
    assert (await alice.refresh())[1]["code"] == REFUSED
    assert (await alice.refresh(token))[1]["code"] == REFUSED


async def test_after_a_lost_answer_the_same_token_gives_the_same_successor(
    client: httpx.AsyncClient,
) -> None:
    alice = await newcomer(client, "alice")
    lost = await refreshed(alice)
    assert await refreshed(alice) == lost
    assert await refreshed(alice) == lost, "however often"
    after = await refreshed(alice, lost)
    assert after not in (lost, alice.login["refresh_token"])


async def test_the_successor_is_given_again_for_a_short_while_only(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")
    lost = await refreshed(alice)
    turn_clock(gateway, monkeypatch, refreshing.GRACE_S - 5)
    assert await refreshed(alice) == lost
    turn_clock(gateway, monkeypatch, 10)
    assert (await alice.refresh())[1]["code"] == REFUSED
    assert (await alice.refresh(lost))[1]["code"] == REFUSED


async def test_many_refreshes_at_once_agree(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    replies = await asyncio.gather(*(alice.refresh() for _ in range(8)))
    given = {str(reply["refresh_token"]) for status, reply in replies if status == 200}
    assert len(given) == 1
    assert {status for status, _ in replies} <= {200, 503}
    assert (await alice.refresh(given.pop()))[0] == 200


@pytest.mark.parametrize("text", ["", "x", "A" * 64, "A" * 5_000, "\u0661" * 64])
async def test_a_token_that_nobody_was_given_is_refused(
    client: httpx.AsyncClient, text: str
) -> None:
    alice = await newcomer(client, "alice")
    response = await client.post(f"{AUTH}/refresh", json={"refresh_token": text})
    assert (response.status_code, response.json()["code"]) == (401, REFUSED)
    assert await alice.gets() == (200, "")


async def test_an_access_token_refreshes_nothing_and_the_other_way_around(
    client: httpx.AsyncClient,
) -> None:
    alice = await newcomer(client, "alice")
    assert (await alice.refresh(alice.login["access_token"]))[1]["code"] == REFUSED
    impostor = Person(client, "alice", {"access_token": alice.login["refresh_token"]})
    assert await impostor.gets() == (401, "INVALID_TOKEN")


async def test_a_session_ends_in_time_and_refreshing_does_not_add_to_it(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")
    left_s = alice.login["refresh_expires_in_s"]
    turn_clock(gateway, monkeypatch, left_s - 100)
    status, reply = await alice.refresh()
    assert (status, reply["refresh_expires_in_s"] <= 100) == (200, True)
    turn_clock(gateway, monkeypatch, 101)
    assert (await alice.refresh(reply["refresh_token"]))[1]["code"] == REFUSED


async def test_refreshing_in_a_loop_is_slowed_down(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    codes = [(await alice.refresh())[1].get("code") for _ in range(40)]
    assert codes[0] is None
    assert codes[-1] == "TOO_MANY_ATTEMPTS"
    bobby = await newcomer(client, "bobby")
    assert (await bobby.refresh())[0] == 200


async def test_the_database_holds_no_token(client: httpx.AsyncClient, gateway: Gateway) -> None:
    alice = await newcomer(client, "alice")
    after = await refreshed(alice)
    async with gateway.identity.sessions.engine.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM sessions")).all()
    text = str(rows)
    assert alice.login["session_id"] in text
    for token in (alice.login["refresh_token"], after):
        assert token not in text
        assert token[-20:] not in text
