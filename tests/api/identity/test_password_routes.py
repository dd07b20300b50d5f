"""Changing a password, and setting one that was forgotten."""

import asyncio

import httpx
import pytest

from api.gateway import Gateway
from api.identity import reset_codes
from api.identity.users import Role
from tests.api.exchange import PASSWORD
from tests.api.identity.people import (
    AUTH,
    Answer,
    Person,
    log_in,
    newcomer,
    post,
    staff,
    try_login,
    turn_clock,
)

NEW = "battery staple horse"
RESET = f"{AUTH}/password/reset"


async def change(person: Person, current: str = PASSWORD, new: str = NEW) -> Answer:
    body = {"current_password": current, "new_password": new}
    return await person.ask("POST", f"{AUTH}/password", body)


async def code_for(gateway: Gateway, username: str) -> str:
    found = await gateway.users.find(username)
    assert found is not None
    return await gateway.identity.reset_codes.issue_reset_code(found[0].user_id)


async def reset(client: httpx.AsyncClient, username: str, code: str, new: str = NEW) -> Answer:
    return await post(client, RESET, username=username, code=code, new_password=new)


async def test_a_changed_password_ends_all_other_sessions(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    elsewhere = await log_in(client, "alice")
    assert (await change(alice))[0] == 200
    assert await alice.gets() == (200, "")
    assert await elsewhere.gets() == (401, "SESSION_REVOKED")
    assert (await elsewhere.refresh())[1]["code"] == "INVALID_REFRESH_TOKEN"
    assert (await alice.refresh())[0] == 200
    assert (await try_login(client, "alice"))[1]["code"] == "INVALID_CREDENTIALS"
    assert (await try_login(client, "alice", password=NEW))[0] == 200


async def test_at_the_operators_door_too(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    root = await staff(gateway, admin_client, "root", Role.ADMIN)
    as_trader = await log_in(client, "root")
    assert (await change(root))[0] == 200
    assert await as_trader.gets() == (401, "SESSION_REVOKED")
    assert (await admin_client.post(RESET, json={})).status_code == 404


@pytest.mark.parametrize(
    ("current", "new", "status", "code"),
    [
        ("wrong password", NEW, 401, "INVALID_CREDENTIALS"),
        ("x" * 200, NEW, 401, "INVALID_CREDENTIALS"),
        (PASSWORD, "short", 422, "INVALID_PASSWORD"),
        (PASSWORD, "x" * 129, 422, "INVALID_PASSWORD"),
        (PASSWORD, "password123", 422, "INVALID_PASSWORD"),
        (PASSWORD, "ALICE.SMITH", 422, "INVALID_PASSWORD"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    client: httpx.AsyncClient, current: str, new: str, status: int, code: str
) -> None:
    alice = await newcomer(client, "alice.smith")
    elsewhere = await log_in(client, "alice.smith")
    got, reply = await change(alice, current, new)
    assert (got, reply["code"]) == (status, code)
    assert await elsewhere.gets() == (200, "")
    assert (await try_login(client, "alice.smith"))[0] == 200


async def test_a_forgotten_password_is_set_with_a_code_once(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    code = await code_for(gateway, "alice")
    assert (await reset(client, "ALICE", code.lower().replace("-", " ")))[0] == 200
    assert await alice.gets() == (401, "SESSION_REVOKED")
    assert (await try_login(client, "alice", password=NEW))[0] == 200
    status, reply = await reset(client, "alice", code, "yet another one")
    assert (status, reply["code"]) == (422, "INVALID_RESET_CODE")


async def test_a_wrong_code_an_unknown_user_and_no_code_are_the_same_answer(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    await newcomer(client, "bobby")
    await code_for(gateway, "alice")
    replies = [
        {**(await reset(client, name, "AAAA-AAAA-AAAA-AAAA"))[1], "request_id": ""}
        for name in ("alice", "bobby", "nobody", "x" * 500)
    ]
    assert replies == [replies[0]] * 4
    assert replies[0]["code"] == "INVALID_RESET_CODE"


async def test_a_code_of_somebody_else_opens_nothing(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    await newcomer(client, "bobby")
    await code_for(gateway, "bobby")
    code = await code_for(gateway, "alice")
    assert (await reset(client, "bobby", code))[1]["code"] == "INVALID_RESET_CODE"
    assert (await reset(client, "alice", code))[0] == 200


async def test_a_code_is_good_for_a_quarter_of_an_hour(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await newcomer(client, "alice")
    code = await code_for(gateway, "alice")
    turn_clock(gateway, monkeypatch, reset_codes.LIFETIME_S + 1)
    assert (await reset(client, "alice", code))[1]["code"] == "INVALID_RESET_CODE"


async def test_after_a_few_wrong_tries_the_right_code_is_no_good_either(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    code = await code_for(gateway, "alice")
    wrong = "AAAA-AAAA-AAAA-AAAA"
    await asyncio.gather(*(reset(client, "alice", wrong) for _ in range(reset_codes.ATTEMPTS_MAX)))
    assert (await reset(client, "alice", code))[1]["code"] == "INVALID_RESET_CODE"
    again = await code_for(gateway, "alice")
    assert (await reset(client, "alice", again))[0] == 200


async def test_a_new_code_takes_the_place_of_the_old(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    old = await code_for(gateway, "alice")
    new = await code_for(gateway, "alice")
    assert (await reset(client, "alice", old))[1]["code"] == "INVALID_RESET_CODE"
    assert (await reset(client, "alice", new))[0] == 200


async def test_of_many_at_once_with_one_code_one_wins(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    code = await code_for(gateway, "alice")
    replies = await asyncio.gather(
        *(reset(client, "alice", code, f"new password {number}") for number in range(4))
    )
    assert sorted(status for status, _ in replies) == [200, 422, 422, 422]


async def test_a_code_is_stored_as_a_hash(client: httpx.AsyncClient, gateway: Gateway) -> None:
    await newcomer(client, "alice")
    code = await code_for(gateway, "alice")
    assert len(code) == 19
    async with gateway.identity.sessions.engine.connect() as connection:
        rows = str((await connection.exec_driver_sql("SELECT * FROM reset_codes")).all())
    assert code not in rows
    assert code.replace("-", "") not in rows
