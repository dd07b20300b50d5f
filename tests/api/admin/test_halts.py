"""Halting all markets, and the venue, on the real engine."""

from collections.abc import AsyncIterator

import pytest

from tests.api.admin.operators import Operator, an_operator
from tests.api.exchange import Exchange
from tests.support.deadlines import eventually_async

WHY = {"reason": "the test asks for it"}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


async def statuses(root: Operator) -> dict[str, str]:
    _, listed = await root.ask("GET", "/markets")
    return {one["market"]: one["status"] for one in listed["markets"]}


async def test_all_markets_are_halted_and_the_named_ones_reopened(root: Operator) -> None:
    await root.ask("PUT", "/markets/JIO_INR/status", {"status": "closed", **WHY})
    status, halted = await root.ask("POST", "/markets/halt-all", WHY, "fire-1")
    assert (status, halted["markets"]) == (200, [{"market": "TATA_INR", "outcome": "done"}])
    assert await statuses(root) == {"TATA_INR": "halted", "JIO_INR": "closed"}
    names = [one["market"] for one in halted["markets"]]
    status, reply = await root.ask("POST", "/markets/reopen", {"markets": names, **WHY})
    assert (status, reply["markets"]) == (200, [{"market": "TATA_INR", "outcome": "done"}])
    assert await statuses(root) == {"TATA_INR": "open", "JIO_INR": "closed"}
    _, log = await root.ask("GET", "/audit?limit=1")
    assert log["actions"][0]["before"] == {"TATA_INR": "halted"}
    await root.ask("PUT", "/markets/JIO_INR/status", {"status": "open", **WHY})


async def test_the_same_halt_of_all_counts_once(root: Operator) -> None:
    await root.ask("POST", "/markets/halt-all", WHY, "fire-2")
    names = ["TATA_INR", "JIO_INR"]
    body = {"markets": names, "status": "post_only", **WHY}
    await root.ask("POST", "/markets/reopen", body)
    assert set((await statuses(root)).values()) == {"post_only"}
    status, again = await root.ask("POST", "/markets/halt-all", WHY, "fire-2")
    assert status == 200, again
    assert set((await statuses(root)).values()) == {"post_only"}
    await root.ask("POST", "/markets/reopen", {"markets": names, **WHY})
    assert set((await statuses(root)).values()) == {"open"}


async def test_a_halted_venue_takes_nothing_until_it_is_resumed(
    root: Operator, exchange: Exchange
) -> None:
    await exchange.user("hal", INR="100")
    status, reply = await root.ask("POST", "/venue/halt", {"reason": "a flood"})
    assert (status, reply["changed"]) == (200, True)
    assert reply["venue"]["halt"] == "an operator halted it: a flood"
    assert reply["venue"]["halted_n"] is None
    order = {"market": "TATA_INR", "side": "buy", "price": "1", "quantity": "1"}
    status, refused = await exchange.ask("hal", "POST", "/order", order)
    assert (status, refused["code"]) == (503, "HALTED")
    assert "flood" not in str(refused)
    status, reply = await root.ask("PATCH", "/markets/TATA_INR", {"taker_fee_ppm": 0, **WHY})
    assert (status, reply["code"]) == (503, "HALTED")
    status, reply = await root.ask("POST", "/venue/halt", {"reason": "a fire"})
    assert (status, reply["changed"]) == (200, False)
    assert reply["venue"]["halt"] == "an operator halted it: a flood"
    assert (await exchange.ask("hal", "GET", "/balances"))[0] == 200
    status, reply = await root.ask("POST", "/venue/resume", WHY)
    assert (status, reply["changed"], reply["venue"]["halt"]) == (200, True, None)
    status, reply = await root.ask("POST", "/venue/resume", WHY)
    assert (status, reply["changed"]) == (200, False)

    async def takes_orders() -> bool:
        status, _ = await exchange.ask("hal", "POST", "/order", order)
        return status == 201

    await eventually_async(takes_orders)
    _, venue = await root.ask("GET", "/venue")
    assert (venue["halt"], venue["engine_is_alive"]) == (None, True)
    await exchange.ask("hal", "DELETE", "/order/open")
    _, log = await root.ask("GET", "/audit?action=venue.halt")
    assert [one["reason"] for one in log["actions"]] == ["a fire", "a flood"]
    assert log["actions"][1]["before"]["halt"] is None
    assert log["actions"][1]["after"]["changed"] is True


async def test_a_halt_has_a_reason(root: Operator) -> None:
    for path in ("/venue/halt", "/venue/resume", "/markets/halt-all"):
        status, reply = await root.ask("POST", path, {})
        assert (status, reply["code"], reply["field"]) == (422, "MISSING_FIELD", "reason")
    assert set((await statuses(root)).values()) == {"open"}
