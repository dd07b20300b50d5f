"""Assets and markets over the operators' door, on the real engine."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.channels import Keys
from shared.messages import MarketRules
from shared.redis_client import connect
from tests.api.admin.operators import Operator, an_operator
from tests.api.conftest import Engine
from tests.api.exchange import Exchange, Reply, two_users

WHY = {"reason": "the test asks for it"}
NEW_MARKET = {"base": "TATA", "quote": "USD", "price_tick": "0.05", "quantity_lot": "1", **WHY}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


async def a_market(root: Operator, base: str, **rules: object) -> Reply:
    """Make a new asset and its market against INR."""
    status, reply = await root.ask("POST", "/assets", {"asset": base, "scale": 3, **WHY})
    assert status == 201, reply
    body = {"base": base, "quote": "INR", "price_tick": "0.05", "quantity_lot": "0.2", **rules}
    status, reply = await root.ask("POST", "/markets", {**body, **WHY})
    assert status == 201, reply
    return reply


async def last_action(root: Operator) -> Reply:
    _, log = await root.ask("GET", "/audit?limit=1")
    action: Reply = log["actions"][0]
    return action


async def test_an_asset_is_made_once(root: Operator) -> None:
    body = {"asset": "GOLD", "scale": 4, **WHY}
    status, made = await root.ask("POST", "/assets", body, "gold-1")
    assert (status, made["asset"]) == (201, {"asset": "GOLD", "scale": 4})
    status, again = await root.ask("POST", "/assets", body, "gold-1")
    assert (status, again["replayed"], again["n"]) == (201, True, made["n"])
    status, refused = await root.ask("POST", "/assets", body)
    assert (status, refused["code"]) == (409, "ASSET_EXISTS")
    action = await last_action(root)
    assert (action["action"], action["target"]) == ("asset.create", "asset:GOLD")
    assert action["outcome"] == "ASSET_EXISTS"
    _, listed = await root.ask("GET", "/assets")
    assert {"asset": "GOLD", "scale": 4} in listed["assets"]


async def test_a_market_is_made_of_decimal_text(root: Operator, exchange: Exchange) -> None:
    reply = await a_market(
        root,
        "SILVER",
        taker_fee_ppm=500,
        fee_tiers=[{"maker_fee_ppm": 1, "taker_fee_ppm": 2}],
        price_step="0.1",
        max_quantity="100",
        min_notional="10.5",
        reference_price="70",
        sell_band_ppm=50_000,
        self_trade="expire_both",
    )
    market = reply["market"]
    assert (market["market"], market["status"]) == ("SILVER_INR", "open")
    assert (market["price_tick"], market["quantity_lot"]) == ("0.05", "0.2")
    assert (market["price_step"], market["max_quantity"]) == ("0.1", "100")
    assert (market["min_notional"], market["reference_price"]) == ("10.5", "70")
    assert (market["sell_band_ppm"], market["buy_band_ppm"]) == (50_000, None)
    assert (market["self_trade"], market["last_price"]) == ("expire_both", None)
    assert market["fee_tiers"] == [{"maker_fee_ppm": 1, "taker_fee_ppm": 2}]
    await exchange.user("silvia", INR="1000")
    order = {"market": "SILVER_INR", "side": "buy", "price": "70.1", "quantity": "0.4"}
    status, placed = await exchange.ask("silvia", "POST", "/order", order)
    assert status == 201, placed
    _, listed = await root.ask("GET", "/markets")
    assert market["market"] in [one["market"] for one in listed["markets"]]


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"base": "NOPE"}, 404, "UNKNOWN_ASSET", "base"),
        ({"quote": "NOPE"}, 404, "UNKNOWN_ASSET", "quote"),
        ({"quote": "TATA"}, 422, "INVALID_MARKET", "market"),
        ({"quote": "INR"}, 409, "MARKET_EXISTS", "market"),
        ({"quote": "JIO", "price_tick": "0"}, 422, "INVALID_AMOUNT", "price_tick"),
        ({"quote": "JIO", "price_tick": "0.05"}, 422, "INVALID_MARKET", "price_tick"),
        ({"quote": "JIO", "price_tick": 1}, 422, "AMOUNT_NOT_TEXT", "price_tick"),
        ({"quote": "JIO", "quantity_lot": "0"}, 422, "INVALID_AMOUNT", "quantity_lot"),
        ({"quote": "JIO", "quantity_lot": "0.5"}, 422, "TOO_MANY_DECIMALS", "quantity_lot"),
        ({"quote": "JIO", "fee_asset": "gold"}, 422, "INVALID_FIELD", "fee_asset"),
        ({"quote": "JIO", "price_tick": "1", "price_step": "1.5"}, 422, "TOO_MANY_DECIMALS", ""),
        ({"reason": ""}, 422, "INVALID_FIELD", "reason"),
        ({"reason": "  "}, 422, "INVALID_REASON", "reason"),
        ({"reason": None}, 422, "INVALID_FIELD", "reason"),
    ],
)
async def test_a_bad_market_is_refused(
    root: Operator, changes: dict[str, object], status: int, code: str, field: str
) -> None:
    body = {"base": "TATA", "quote": "INR", "price_tick": "1", "quantity_lot": "1", **WHY}
    got, reply = await root.ask("POST", "/markets", {**body, **changes})
    assert (got, reply["code"]) == (status, code), reply
    assert reply["field"] == (field or reply["field"])


async def test_a_patch_changes_the_rules_it_names_and_no_other(root: Operator) -> None:
    made = (await a_market(root, "COPPER", taker_fee_ppm=500, max_quantity="100"))["market"]
    changes = {"maker_fee_ppm": 100, "max_quantity": None, "buy_band_ppm": 200_000}
    status, reply = await root.ask("PATCH", "/markets/COPPER_INR", {**changes, **WHY})
    assert status == 200, reply
    assert reply["market"] == {**made, **changes}
    action = await last_action(root)
    assert (action["action"], action["target"]) == ("market.update", "market:COPPER_INR")
    assert (action["reason"], action["outcome"]) == (WHY["reason"], "done")
    assert (action["before"], action["after"]) == (made, reply["market"])


async def test_two_operators_at_once_do_not_undo_each_other(root: Operator) -> None:
    await a_market(root, "IRON")
    changes: list[dict[str, object]] = [
        {"maker_fee_ppm": 11},
        {"taker_fee_ppm": 22},
        {"open_orders_max": 33},
        {"min_notional": "44"},
        {"reference_price": "55"},
    ]
    answers = await asyncio.gather(
        *(root.ask("PATCH", "/markets/IRON_INR", {**change, **WHY}) for change in changes)
    )
    assert [status for status, _ in answers] == [200] * 5
    _, listed = await root.ask("GET", "/markets")
    after = next(one for one in listed["markets"] if one["market"] == "IRON_INR")
    for change in changes:
        assert change.items() <= after.items()


async def test_a_patch_under_its_key_counts_once(root: Operator) -> None:
    await a_market(root, "ZINC")
    path, body = "/markets/ZINC_INR", {"taker_fee_ppm": 10, **WHY}
    _, first = await root.ask("PATCH", path, body, "zinc-1")
    await root.ask("PATCH", path, {"maker_fee_ppm": 5, **WHY})
    status, again = await root.ask("PATCH", path, body, "zinc-1")
    assert (status, again["replayed"], again["n"]) == (200, True, first["n"])
    assert again["market"]["maker_fee_ppm"] == 5
    status, other = await root.ask("PATCH", path, {**body, "taker_fee_ppm": 11}, "zinc-1")
    assert (status, other["code"]) == (409, "IDEMPOTENCY_MISMATCH")


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({}, 422, "MISSING_FIELD", "maker_fee_ppm"),
        ({"maker_fee_ppm": 2_000_000}, 422, "INVALID_FIELD", "maker_fee_ppm"),
        ({"maker_fee_ppm": -5}, 422, "INVALID_MARKET", "maker_fee_ppm"),
        ({"price_step": "0.07"}, 422, "INVALID_TICK", "price_step"),
        ({"price_step": 5}, 422, "AMOUNT_NOT_TEXT", "price_step"),
        ({"min_quantity": "0"}, 422, "INVALID_QUANTITY", "min_quantity"),
        ({"min_quantity": None}, 422, "INVALID_FIELD", "min_quantity"),
        ({"max_quantity": "2", "min_quantity": "3"}, 422, "INVALID_MARKET", "max_quantity"),
        ({"halt_window_ns": 3}, 422, "INVALID_MARKET", "halt_window_ns"),
        ({"self_trade": "sometimes"}, 422, "INVALID_FIELD", "self_trade"),
        ({"price_tick": "1"}, 422, "UNKNOWN_FIELD", "price_tick"),
        (
            {"fee_tiers": [{"maker_fee_ppm": 1}]},
            422,
            "MISSING_FIELD",
            "fee_tiers[0].taker_fee_ppm",
        ),
    ],
)
async def test_a_bad_rule_is_refused_by_its_name(
    root: Operator, changes: dict[str, object], status: int, code: str, field: str
) -> None:
    got, reply = await root.ask("PATCH", "/markets/TATA_INR", {**changes, **WHY})
    assert (got, reply["code"], reply["field"]) == (status, code, field), reply


async def test_a_market_that_does_not_exist_has_no_rules_and_no_status(root: Operator) -> None:
    for method, path, body in (
        ("PATCH", "/markets/NO_INR", {"taker_fee_ppm": 1, **WHY}),
        ("PUT", "/markets/NO_INR/status", {"status": "halted", **WHY}),
        ("POST", "/markets/reopen", {"markets": ["NO_INR"], **WHY}),
    ):
        status, reply = await root.ask(method, path, body)
        assert (status, reply["code"]) == (404, "UNKNOWN_MARKET")


async def test_a_closed_market_has_no_orders_and_can_be_opened_again(
    root: Operator, exchange: Exchange
) -> None:
    alice, _ = await two_users(exchange, "closing")
    await a_market(root, "NICKEL")
    order = {"market": "NICKEL_INR", "side": "buy", "price": "1", "quantity": "1"}
    status, placed = await exchange.ask(alice, "POST", "/order", order)
    assert status == 201, placed
    path = "/markets/NICKEL_INR/status"
    status, reply = await root.ask("PUT", path, {"status": "closed", **WHY})
    assert (status, reply["market"]["status"]) == (200, "closed")
    _, found = await exchange.ask(alice, "GET", f"/order/{placed['order_id']}")
    assert found["status"] == "cancelled"
    assert (await exchange.balance(alice, "INR"))[1] == "0"
    status, refused = await exchange.ask(alice, "POST", "/order", order)
    assert (status, refused["code"]) == (409, "MARKET_CLOSED")
    action = await last_action(root)
    assert action["action"] == "market.status"
    assert (action["before"]["status"], action["after"]["status"]) == ("open", "closed")
    await root.ask("PUT", path, {"status": "OPEN", **WHY})
    status, _ = await exchange.ask(alice, "POST", "/order", order)
    assert status == 201
    await root.ask("PUT", path, {"status": "closed", **WHY})


async def test_what_is_listed_is_what_the_engine_goes_by(root: Operator, engine: Engine) -> None:
    await a_market(root, "LEAD", halt_move_ppm=7, halt_ns=1, reopen_ns=2, halt_window_ns=16)
    with connect(engine.redis_url) as redis:
        row = redis.hget(Keys("rialto").markets, "LEAD_INR")
    assert isinstance(row, bytes)
    _, listed = await root.ask("GET", "/markets")
    lead = next(one for one in listed["markets"] if one["market"] == "LEAD_INR")
    assert (lead["halt_move_ppm"], lead["halt_ns"], lead["reopen_ns"]) == (7, 1, 2)
    defaults = MarketRules()
    assert lead["taker_fee_ppm"] == defaults.taker_fee_ppm
    assert lead["open_orders_max"] is None
