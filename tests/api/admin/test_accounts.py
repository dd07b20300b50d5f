"""Accounts over the operators' door, on the real engine."""

from collections.abc import AsyncIterator

import pytest

from tests.api.admin.operators import Operator, an_operator
from tests.api.exchange import Exchange

WHY = {"reason": "the test asks for it"}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


async def test_an_account_is_shown_with_its_owner_money_and_standing(
    root: Operator, exchange: Exchange
) -> None:
    await exchange.user("anna", INR="1000")
    await exchange.place("anna", "buy", "10", "5")
    account_id = exchange.accounts["anna"]
    status, view = await root.ask("GET", f"/accounts/{account_id}")
    assert status == 200
    assert (view["account_id"], view["owner"]["username"]) == (account_id, "anna")
    assert (view["tier"], view["is_suspended"], view["cancel_at_ns"]) == (0, False, None)
    assert (view["open_orders"], view["balances"]["INR"]["held"]) == (1, "50")
    await exchange.ask("anna", "DELETE", "/order/open")


@pytest.mark.parametrize("account", ["1", "0", "-1", "x", "9223372036854775808", "01"])
async def test_a_number_that_is_no_account_is_told_so(root: Operator, account: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "/tier", {"tier": 1, **WHY}),
        ("PUT", "/suspension", {"is_suspended": True, **WHY}),
    ):
        status, reply = await root.ask(method, f"/accounts/{account}{path}", body)
        assert (status, reply["code"]) == (404, "UNKNOWN_ACCOUNT")


async def test_a_tier_is_set_once_under_its_key(root: Operator, exchange: Exchange) -> None:
    await exchange.user("tina")
    path = f"/accounts/{exchange.accounts['tina']}/tier"
    status, reply = await root.ask("PUT", path, {"tier": 3, **WHY}, "tina-1")
    assert (status, reply["account"]["tier"], reply["replayed"]) == (200, 3, False)
    status, reply = await root.ask("PUT", path, {"tier": 3, **WHY}, "tina-1")
    assert (status, reply["replayed"]) == (200, True)
    status, reply = await root.ask("PUT", path, {"tier": 33, **WHY})
    assert (status, reply["code"], reply["field"]) == (422, "INVALID_FIELD", "tier")
    _, log = await root.ask("GET", "/audit?action=account.tier&limit=2")
    first = log["actions"][1]
    assert (first["before"]["tier"], first["after"]["tier"]) == (0, 3)


async def test_a_suspended_account_may_only_cancel(root: Operator, exchange: Exchange) -> None:
    await exchange.user("susan", INR="1000")
    kept = await exchange.place("susan", "buy", "10", "5")
    path = f"/accounts/{exchange.accounts['susan']}/suspension"
    body = {"is_suspended": True, "cancel_orders": False, **WHY}
    status, reply = await root.ask("PUT", path, body)
    assert (status, reply["account"]["is_suspended"]) == (200, True)
    assert reply["account"]["open_orders"] == 1
    order = {"market": "TATA_INR", "side": "buy", "price": "1", "quantity": "1"}
    status, refused = await exchange.ask("susan", "POST", "/order", order)
    assert (status, refused["code"]) == (403, "ACCOUNT_SUSPENDED")
    status, _ = await exchange.ask("susan", "DELETE", f"/order/{kept['order_id']}")
    assert status == 200
    status, reply = await root.ask("PUT", path, {"is_suspended": False, **WHY})
    assert (status, reply["account"]["is_suspended"]) == (200, False)
    await exchange.place("susan", "buy", "10", "5")
    status, reply = await root.ask("PUT", path, {"is_suspended": True, **WHY})
    assert (status, reply["account"]["open_orders"]) == (200, 0)
    _, log = await root.ask("GET", "/audit?action=account.suspend")
    assert [one["after"]["open_orders"] for one in log["actions"]] == [0, 1]
