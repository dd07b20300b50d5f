"""Several accounts to a user: made, named, spoken for, and never somebody else's."""

import asyncio
from typing import Any

import httpx
import pytest

from api.gateway import Gateway
from api.identity import accounts as accounts_module
from api.identity.users import Role
from tests.api.identity.people import AUTH, Person, log_in, newcomer, staff, try_login

ACCOUNTS = "/api/v1/accounts"


async def made(person: Person, label: str) -> dict[str, Any]:
    status, reply = await person.ask("POST", ACCOUNTS, {"label": label})
    assert status == 201, reply
    return reply


async def own(person: Person) -> list[dict[str, Any]]:
    status, reply = await person.ask("GET", ACCOUNTS)
    assert status == 200, reply
    return list(reply["accounts"])


async def test_a_user_begins_with_a_main_account_and_may_add_others(
    client: httpx.AsyncClient,
) -> None:
    alice = await newcomer(client, "alice")
    (main,) = await own(alice)
    assert (main["account_id"], main["label"], main["is_main"]) == (
        alice.login["account_id"],
        "main",
        True,
    )
    grid = await made(alice, "  grid bot ")
    assert (grid["label"], grid["is_main"]) == ("grid bot", False)
    assert 0 < grid["account_id"] < 2**53
    assert {row["account_id"] for row in await own(alice)} == {
        main["account_id"],
        grid["account_id"],
    }


async def test_an_account_is_named_anew(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    path = f"{ACCOUNTS}/{alice.login['account_id']}"
    status, reply = await alice.ask("PATCH", path, {"label": "long term"})
    assert (status, reply["label"], reply["is_main"]) == (200, "long term", True)
    assert [row["label"] for row in await own(alice)] == ["long term"]


async def test_a_login_and_a_refresh_choose_the_account(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    main_id = alice.login["account_id"]
    grid_id = (await made(alice, "grid"))["account_id"]
    as_grid = await log_in(client, "alice", account_id=grid_id)
    assert as_grid.login["account_id"] == grid_id
    _, me = await as_grid.ask("GET", f"{AUTH}/me")
    assert (me["account_id"], me["main_account_id"]) == (grid_id, main_id)
    _, stays = await as_grid.refresh()
    assert stays["account_id"] == grid_id, "without a word the account stays"
    _, back = await as_grid.refresh(stays["refresh_token"], account_id=main_id)
    assert back["account_id"] == main_id
    assert (await as_grid.refresh(back["refresh_token"]))[1]["account_id"] == main_id
    assert (await log_in(client, "alice")).login["account_id"] == main_id


async def test_a_foreign_account_is_as_unknown_as_none(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    bobby = await newcomer(client, "bobby")
    replies = []
    for account_id in (bobby.login["account_id"], 1, 0, -1, 2**60, 2**70):
        for answer in (
            await try_login(client, "alice", account_id=account_id),
            await alice.refresh(account_id=account_id),
            await alice.ask("PATCH", f"{ACCOUNTS}/{account_id}", {"label": "mine"}),
        ):
            replies.append((answer[0], {**answer[1], "request_id": ""}))
    assert all(reply == replies[0] for reply in replies)
    assert (replies[0][0], replies[0][1]["code"]) == (404, "UNKNOWN_ACCOUNT")
    assert (await alice.refresh())[0] == 200, "no refused refresh used the token up"
    assert [row["label"] for row in await own(bobby)] == ["main"]


async def test_a_foreign_account_is_told_to_who_knows_the_password_only(
    client: httpx.AsyncClient,
) -> None:
    await newcomer(client, "alice")
    status, reply = await try_login(client, "alice", password="wrong password", account_id=1)
    assert (status, reply["code"]) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize("label", ["", "  ", "x" * 33, "a\nb", "a\u202eb"])
async def test_a_label_is_short_and_printable(client: httpx.AsyncClient, label: str) -> None:
    alice = await newcomer(client, "alice")
    for method, path in (("POST", ACCOUNTS), ("PATCH", f"{ACCOUNTS}/{alice.login['account_id']}")):
        status, reply = await alice.ask(method, path, {"label": label})
        assert (status, reply["code"]) == (422, "INVALID_LABEL")


async def test_the_number_of_accounts_is_bounded_however_many_ask_at_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "ACCOUNTS_PER_USER_MAX", 3)
    alice = await newcomer(client, "alice")
    bobby = await newcomer(client, "bobby")
    replies = await asyncio.gather(
        *(alice.ask("POST", ACCOUNTS, {"label": str(number)}) for number in range(8))
    )
    assert sorted(status for status, _ in replies) == [201] * 2 + [409] * 6
    assert {reply["code"] for status, reply in replies if status == 409} == {"TOO_MANY_ACCOUNTS"}
    assert len(await own(alice)) == 3
    assert (await made(bobby, "grid"))["label"] == "grid", "the bound is for each user"


async def test_whose_an_account_is(client: httpx.AsyncClient, gateway: Gateway) -> None:
    alice = await newcomer(client, "alice")
    bobby = await newcomer(client, "bobby")
    grid_id = (await made(alice, "grid"))["account_id"]
    users = gateway.users
    owners = [
        await users.find_account(account_id)
        for account_id in (alice.login["account_id"], grid_id, bobby.login["account_id"])
    ]
    assert [owner and owner.username for owner in owners] == ["alice", "alice", "bobby"]
    assert await users.find_account(1) is None
    found = await users.find_account(grid_id)
    assert found is not None
    assert (found.username, found.account_id) == ("alice", grid_id)
    assert {
        account.account_id for account in await gateway.identity.accounts.own(found.user_id)
    } == {
        alice.login["account_id"],
        grid_id,
    }


async def test_an_auditor_changes_nothing_at_the_public_door_either(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await staff(gateway, admin_client, "eve", Role.AUDITOR)
    eve = await log_in(client, "eve")
    assert await eve.gets("/api/v1/balances") != (403, "FORBIDDEN")
    status, reply = await eve.ask("POST", "/order", {})
    assert (status, reply["code"]) == (403, "FORBIDDEN")
