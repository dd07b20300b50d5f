"""A user's sessions: seen, ended, and of one door each."""

import httpx
import pytest

from api.gateway import Gateway
from api.identity import sessions as sessions_module
from api.identity.users import Role
from tests.api.exchange import PASSWORD
from tests.api.identity.people import AUTH, Person, log_in, newcomer, staff, turn_clock

OVER = (401, "SESSION_REVOKED")
FINE = (200, "")


async def ids(person: Person) -> list[str]:
    status, reply = await person.ask("GET", f"{AUTH}/sessions")
    assert status == 200, reply
    return [session["session_id"] for session in reply["sessions"]]


async def test_me_says_who_asks(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "Alice")
    status, me = await alice.ask("GET", f"{AUTH}/me")
    assert status == 200
    assert (me["username"], me["role"], me["totp_enabled"]) == ("Alice", "trader", False)
    assert me["account_id"] == me["main_account_id"] == alice.login["account_id"]
    assert me["session_id"] == alice.login["session_id"]


async def test_logging_out_ends_the_session_and_only_this(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    again = await log_in(client, "alice")
    assert await alice.ask("POST", f"{AUTH}/logout") == (200, {"count": 1})
    assert await alice.gets() == OVER
    assert await alice.gets("/api/v1/balances") == OVER
    assert (await alice.ask("POST", "/order", {}))[1]["code"] == "SESSION_REVOKED"
    assert (await alice.refresh())[1]["code"] == "INVALID_REFRESH_TOKEN"
    assert await again.gets() == FINE


async def test_sessions_are_listed_with_where_and_when(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")
    turn_clock(gateway, monkeypatch, 50)
    later = await log_in(client, "alice")
    _, reply = await later.ask("GET", f"{AUTH}/sessions")
    first, second = reply["sessions"]
    assert (first["session_id"], first["is_current"]) == (later.login["session_id"], True)
    assert (second["session_id"], second["is_current"]) == (alice.login["session_id"], False)
    assert first["created_at_s"] - second["created_at_s"] >= 50
    assert first["address"] == "127.0.0.1"
    assert first["expires_at_s"] - first["created_at_s"] == 2_592_000
    assert first["door"] == "public"
    turn_clock(gateway, monkeypatch, 20)
    assert (await alice.refresh())[0] == 200
    _, reply = await later.ask("GET", f"{AUTH}/sessions")
    used = {row["session_id"]: row["last_used_at_s"] for row in reply["sessions"]}
    assert used[alice.login["session_id"]] - used[later.login["session_id"]] >= 20


async def test_a_user_ends_one_session_or_all_others(client: httpx.AsyncClient) -> None:
    one = await newcomer(client, "alice")
    two, three, four = [await log_in(client, "alice") for _ in range(3)]
    path = f"{AUTH}/sessions/{one.login['session_id']}"
    assert await two.ask("DELETE", path) == (200, {"count": 1})
    assert await one.gets() == OVER
    assert (await two.ask("DELETE", path))[1]["code"] == "UNKNOWN_SESSION"
    assert await two.ask("DELETE", f"{AUTH}/sessions") == (200, {"count": 2})
    assert [await person.gets() for person in (two, three, four)] == [FINE, OVER, OVER]
    assert await ids(two) == [two.login["session_id"]]


async def test_a_session_of_somebody_else_is_as_unknown_as_none(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    bobby = await newcomer(client, "bobby")
    replies = []
    for session_id in (bobby.login["session_id"], "0" * 32, "x", "%00", "%F0%9F%8C%9F"):
        status, reply = await alice.ask("DELETE", f"{AUTH}/sessions/{session_id}")
        replies.append((status, {**reply, "request_id": ""}))
    assert replies == [replies[0]] * 5
    assert replies[0][0] == 404
    assert await bobby.gets() == FINE
    assert bobby.login["session_id"] not in await ids(alice)


async def test_a_session_of_one_door_is_refreshed_and_used_at_no_other(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    root = await staff(gateway, admin_client, "root", Role.ADMIN)
    as_trader = await log_in(client, "root")
    for person, door in ((root, client), (as_trader, admin_client)):
        elsewhere = Person(door, "root", person.login)
        assert (await elsewhere.refresh())[1]["code"] == "INVALID_REFRESH_TOKEN"
        assert await elsewhere.gets() == (401, "INVALID_TOKEN")
        assert (await person.refresh())[0] == 200, "it was not used up at the wrong door"
    doors = {row["door"] for row in (await root.ask("GET", f"{AUTH}/sessions"))[1]["sessions"]}
    assert doors == {"public", "admin"}


async def test_of_very_many_sessions_the_stalest_ends(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "SESSIONS_PER_USER_MAX", 3)
    people = [await newcomer(client, "alice")]
    for _ in range(3):
        turn_clock(gateway, monkeypatch, 1)
        people.append(await log_in(client, "alice"))
    assert [await person.gets() for person in people] == [OVER, FINE, FINE, FINE]
    assert len(await ids(people[-1])) == 3


async def test_rows_of_sessions_long_over_are_forgotten(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await newcomer(client, "alice")
    await alice.ask("POST", f"{AUTH}/logout")
    await log_in(client, "alice")
    turn_clock(gateway, monkeypatch, 5_000)
    await log_in(client, "alice")
    async with gateway.identity.sessions.engine.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT session_id FROM sessions")).scalars()
        assert alice.login["session_id"] not in rows.all()


async def test_a_login_proven_before_the_user_changed_opens_nothing(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    found = await gateway.users.find("alice")
    assert found is not None
    verify = gateway.passwords.verify

    async def slow_verify(password: str, stored_hash: str | None) -> bool:
        fits = await verify(password, stored_hash)
        await gateway.identity.standing.change(found[0].user_id, role=None, is_disabled=True)
        return fits

    gateway.passwords.verify = slow_verify  # type: ignore[method-assign]
    response = await client.post("/login", json={"username": "alice", "password": PASSWORD})
    assert (response.status_code, response.json()["code"]) == (401, "INVALID_CREDENTIALS")
