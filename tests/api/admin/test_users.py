"""Operators and users: found, helped in, shut out, and every change noted."""

import httpx
import pyotp
import pytest

from api.gateway import Gateway
from api.identity.users import Role
from tests.api.admin.operators import Operator, an_operator
from tests.api.exchange import PASSWORD
from tests.api.identity.people import AUTH, Person, newcomer, post, staff, try_login

WHY = {"reason": "ticket 17"}
OVER = (401, "SESSION_REVOKED")


async def id_of(gateway: Gateway, username: str) -> int:
    found = await gateway.users.find(username)
    assert found is not None
    return found[0].user_id


async def noted(root: Operator) -> list[tuple[str, str, str, str]]:
    _, reply = await root.ask("GET", "/audit")
    return [
        (row["action"], row["target"], row["reason"], row["outcome"]) for row in reply["actions"]
    ]


async def test_users_are_listed_page_by_page(client: httpx.AsyncClient, gateway: Gateway) -> None:
    for number in range(5):
        await gateway.users.create(f"User_{number}", "hash", Role.TRADER)
    async with an_operator(gateway, "root") as root:
        status, page = await root.ask("GET", "/users?limit=4")
        assert status == 200
        assert [user["username"] for user in page["users"]] == [f"User_{n}" for n in range(4)]
        assert "hash" not in str(page)
        _, rest = await root.ask("GET", f"/users?limit=4&cursor={page['next_cursor']}")
        assert [user["username"] for user in rest["users"]] == ["User_4", "root"]
        assert rest["next_cursor"] is None


async def test_users_are_found_by_how_their_name_begins(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    for name in ("Alice", "alicia", "al_x", "alyx", "bob"):
        await gateway.users.create(name, "hash", Role.TRADER)
    async with an_operator(gateway, "root") as root:
        for beginning, names in (
            ("ALIC", ["Alice", "alicia"]),
            ("al_", ["al_x"]),
            ("%25", []),
            ("", ["Alice", "alicia", "al_x", "alyx", "bob", "root"]),
        ):
            _, page = await root.ask("GET", f"/users?username={beginning}")
            assert [user["username"] for user in page["users"]] == names


async def test_a_disabled_user_is_out_at_once_and_comes_back_when_enabled(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    path = f"/users/{await id_of(gateway, 'alice')}"
    async with an_operator(gateway, "root") as root:
        status, reply = await root.ask("PATCH", path, {"is_disabled": True, **WHY})
        assert (status, reply["is_disabled"]) == (200, True)
        assert await alice.gets() == OVER
        assert (await alice.refresh())[1]["code"] == "INVALID_REFRESH_TOKEN"
        status, reply = await try_login(client, "alice")
        assert (status, reply["code"]) == (403, "USER_DISABLED")
        wrong = await try_login(client, "alice", password="wrong password")
        assert wrong[1]["code"] == "INVALID_CREDENTIALS", "told to nobody else"
        await root.ask("PATCH", path, {"is_disabled": False, **WHY})
        assert (await try_login(client, "alice"))[0] == 200
        assert await alice.gets() == OVER, "what has ended stays ended"
        change = ("user.change", "user:alice", "ticket 17", "done")
        assert await noted(root) == [change, change]


async def test_a_changed_role_ends_the_sessions_and_holds_at_the_next_login(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    path = f"/users/{await id_of(gateway, 'alice')}"
    async with an_operator(gateway, "root") as root:
        assert (await try_login(admin_client, "alice"))[0] == 401
        assert (await root.ask("PATCH", path, {"role": "auditor", **WHY}))[0] == 200
        assert await alice.gets() == OVER
        status, login = await try_login(admin_client, "alice")
        assert status == 200
        auditor = Person(admin_client, "alice", login)
        assert await auditor.gets("/api/v1/admin/users") == (200, "")
        assert (await root.ask("PATCH", path, {"role": "trader", **WHY}))[0] == 200
        assert await auditor.gets("/api/v1/admin/users") == OVER
        assert (await try_login(admin_client, "alice"))[0] == 401


async def test_what_changes_nothing_ends_nothing(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    path = f"/users/{await id_of(gateway, 'alice')}"
    async with an_operator(gateway, "root") as root:
        for body in (WHY, {"role": "trader", "is_disabled": False, **WHY}):
            assert (await root.ask("PATCH", path, body))[0] == 200
    assert await alice.gets() == (200, "")


async def test_an_auditor_reads_everything_and_writes_nothing(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    eve = await staff(gateway, admin_client, "eve", Role.AUDITOR)
    path = f"/api/v1/admin/users/{await id_of(gateway, 'alice')}"
    for read in ("/api/v1/admin/users", "/api/v1/admin/audit", "/api/v1/admin/audit/verify"):
        assert await eve.gets(read) == (200, "")
    deposit = {"username": "alice", "asset": "INR", "amount": "1", "reference": "r"}
    for method, where, body in (
        ("PATCH", path, {"is_disabled": True, **WHY}),
        ("POST", f"{path}/reset-code", WHY),
        ("POST", f"{path}/remove-totp", WHY),
        ("POST", "/api/v1/admin/deposits", deposit),
    ):
        status, reply = await eve.ask(method, where, body)
        assert (status, reply["code"]) == (403, "FORBIDDEN"), where
    assert (await eve.ask("POST", f"{AUTH}/logout"))[0] == 200, "their own session is theirs"


async def test_nobody_changes_their_own_standing(gateway: Gateway) -> None:
    async with an_operator(gateway, "root") as root:
        path = f"/users/{await id_of(gateway, 'root')}"
        for body in ({"role": "trader", **WHY}, {"is_disabled": True, **WHY}):
            status, reply = await root.ask("PATCH", path, body)
            assert (status, reply["code"]) == (403, "FORBIDDEN")
        assert (await root.ask("GET", "/users"))[0] == 200


async def test_a_code_of_the_operator_lets_a_user_set_a_password(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    async with an_operator(gateway, "root") as root:
        path = f"/users/{await id_of(gateway, 'alice')}/reset-code"
        status, reply = await root.ask("POST", path, WHY)
        assert (status, reply["username"], reply["expires_in_s"]) == (201, "alice", 900)
        reset = {"username": "alice", "code": reply["code"], "new_password": "battery staple"}
        assert (await post(client, f"{AUTH}/password/reset", **reset))[0] == 200
        assert await alice.gets() == OVER
        assert (await try_login(client, "alice", password="battery staple"))[0] == 200
        assert await noted(root) == [("user.reset_code", "user:alice", "ticket 17", "done")]
        _, log = await root.ask("GET", "/audit")
        assert reply["code"] not in str(log)


async def test_a_lost_second_factor_is_removed_by_an_operator(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    _, begun = await alice.ask("POST", f"{AUTH}/totp", {"current_password": PASSWORD})
    code = pyotp.TOTP(begun["secret"]).now()
    assert (await alice.ask("POST", f"{AUTH}/totp/confirm", {"totp_code": code}))[0] == 200
    assert (await try_login(client, "alice"))[1]["code"] == "TOTP_REQUIRED"
    async with an_operator(gateway, "root") as root:
        path = f"/users/{await id_of(gateway, 'alice')}/remove-totp"
        assert (await root.ask("POST", path, WHY))[0] == 200
        assert (await try_login(client, "alice"))[0] == 200
        status, reply = await root.ask("POST", path, WHY)
        assert (status, reply["code"]) == (409, "TOTP_NOT_ENABLED")
        outcomes = [outcome for *_, outcome in await noted(root)]
        assert outcomes == ["TOTP_NOT_ENABLED", "done"]


@pytest.mark.parametrize("user_id", ["0", "999999999", "9999999999", "x", "-1", "1.0"])
async def test_an_unknown_user_is_unknown_everywhere(gateway: Gateway, user_id: str) -> None:
    async with an_operator(gateway, "root") as root:
        for method, path, body in (
            ("PATCH", f"/users/{user_id}", {"is_disabled": True, **WHY}),
            ("POST", f"/users/{user_id}/reset-code", WHY),
            ("POST", f"/users/{user_id}/remove-totp", WHY),
        ):
            status, reply = await root.ask(method, path, body)
            assert (status, reply["code"]) == (404, "UNKNOWN_USER")


async def test_without_a_reason_nothing_is_done(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    path = f"/users/{await id_of(gateway, 'alice')}"
    async with an_operator(gateway, "root") as root:
        missing = await root.ask("PATCH", path, {"is_disabled": True})
        empty = await root.ask("PATCH", path, {"is_disabled": True, "reason": " "})
    assert (missing[1]["code"], empty[1]["code"]) == ("MISSING_FIELD", "INVALID_REASON")
    assert await alice.gets() == (200, "")
