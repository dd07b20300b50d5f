"""The live risk view, on the real engine."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.api.admin.operators import Operator, an_operator
from tests.api.exchange import Exchange, Reply, sweep, two_users

WHY = {"reason": "the test asks for it"}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


async def market_of(root: Operator, query: str = "") -> Reply:
    status, view = await root.ask("GET", f"/risk?market=TATA_INR{query}")
    assert status == 200, view
    (market,) = view["markets"]
    return {**market, "reach": view["reach"]}


def exposure(view: Reply, account_id: int) -> Reply:
    return next(one for one in view["exposures"] if one["account_id"] == account_id)


async def test_trades_turnover_and_rejects_are_counted_per_market_and_rule(
    root: Operator, exchange: Exchange
) -> None:
    alice, bob = await two_users(exchange, "risk1")
    before = await market_of(root)
    await exchange.place(alice, "sell", "100", "3")
    await exchange.place(bob, "buy", "100", "2")
    rules = {"buy_band_ppm": 100_000, "min_notional": "5", **WHY}
    assert (await root.ask("PATCH", "/markets/TATA_INR", rules))[0] == 200
    order = {"market": "TATA_INR", "side": "buy", "price": "200", "quantity": "1"}
    for price, quantity in (("200", "1"), ("300", "1"), ("1", "1"), ("100", "9999999")):
        wanted = {**order, "price": price, "quantity": quantity}
        assert (await exchange.ask(bob, "POST", "/order", wanted))[0] == 422
    rules = {"buy_band_ppm": None, "min_notional": None, **WHY}
    await root.ask("PATCH", "/markets/TATA_INR", rules)
    now = await market_of(root)
    assert now["last_price"] == "100"
    assert now["trades"] == before["trades"] + 1
    assert Decimal(now["volume"]) == Decimal(before["volume"]) + 2
    assert Decimal(now["turnover"]) == Decimal(before["turnover"]) + 200
    assert now["band_hits"] == before["band_hits"] + 2
    counted = {
        code: count - before["rejects"].get(code, 0) for code, count in now["rejects"].items()
    }
    assert counted == {"PRICE_OUT_OF_BAND": 2, "NOTIONAL_TOO_SMALL": 1, "INSUFFICIENT_FUNDS": 1}
    assert now["reach"]["is_complete"] is True
    await sweep(exchange, alice, bob)


async def test_exposure_is_what_an_account_has_and_what_its_orders_would_trade(
    root: Operator, exchange: Exchange
) -> None:
    await exchange.user("whale", INR="900000", TATA="50")
    await exchange.user("minnow", TATA="10")
    await exchange.place("minnow", "sell", "100", "1")
    await exchange.place("whale", "buy", "100", "1")
    await exchange.place("whale", "buy", "90", "10")
    await exchange.place("whale", "sell", "110", "5")
    status, view = await root.ask("GET", "/risk?top=50")
    assert (status, view["quote"]) == (200, "INR")
    account_id = exchange.accounts["whale"]
    whale = exposure(view, account_id)
    assert whale["username"] == "whale"
    assert (whale["value"], whale["held_value"]) == (str(900_000 - 100 + 5_100), "1400")
    assert (whale["buy_notional"], whale["sell_notional"]) == ("900", "550")
    assert (whale["open_orders"], whale["unpriced"]) == (2, [])
    held = next(one for one in view["holders"]["TATA"] if one["account_id"] == account_id)
    assert held == {
        "account_id": account_id,
        "available": "46",
        "held": "5",
        "total": "51",
        "value": "5100",
    }
    _, view = await root.ask("GET", "/risk?market=JIO_INR&top=50")
    assert list(view["holders"]) == ["INR", "JIO"]
    whale = exposure(view, account_id)
    assert (whale["buy_notional"], whale["sell_notional"]) == ("0", "0")
    await sweep(exchange, "whale")


async def test_the_largest_come_first_and_only_so_many(root: Operator, exchange: Exchange) -> None:
    await exchange.user("big", JIO="500")
    await exchange.user("bigger", JIO="700")
    await exchange.user("small", JIO="5")
    _, view = await root.ask("GET", "/risk?top=2")
    assert [one["account_id"] for one in view["holders"]["JIO"]] == [
        exchange.accounts["bigger"],
        exchange.accounts["big"],
    ]
    assert view["holders"]["JIO"][0]["value"] is None
    assert len(view["exposures"]) == 2


async def test_an_asset_without_a_price_is_named(root: Operator, exchange: Exchange) -> None:
    await exchange.user("jill", INR="99000000", JIO="9")
    _, view = await root.ask("GET", "/risk?top=50")
    jill = exposure(view, exchange.accounts["jill"])
    assert (jill["unpriced"], jill["value"]) == (["JIO"], "99000000")


async def test_more_than_is_looked_at_is_told(
    root: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.admin.risk_events.COMMANDS_MAX", 3)
    reach = (await market_of(root))["reach"]
    assert (reach["commands"], reach["is_complete"]) == (3, False)
    assert reach["from_at_ns"] <= reach["to_at_ns"]


async def test_an_account_with_too_many_orders_is_told_apart(
    root: Operator, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.admin.risk_accounts.ORDERS_READ_MAX", 1)
    await exchange.user("busy", INR="99000001")
    await exchange.place("busy", "buy", "1", "1")
    await exchange.place("busy", "buy", "2", "1")
    _, view = await root.ask("GET", "/risk?top=50")
    busy = exposure(view, exchange.accounts["busy"])
    assert (busy["open_orders"], busy["buy_notional"], busy["sell_notional"]) == (2, None, None)
    await sweep(exchange, "busy")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("market=NOPE", 404, "UNKNOWN_MARKET"),
        ("quote=NOPE", 404, "UNKNOWN_ASSET"),
        ("minutes=0", 422, "INVALID_PARAMETER"),
        ("minutes=61", 422, "INVALID_PARAMETER"),
        ("top=51", 422, "INVALID_PARAMETER"),
        ("page=1", 422, "UNKNOWN_PARAMETER"),
    ],
)
async def test_a_bad_question_is_refused(
    root: Operator, query: str, status: int, code: str
) -> None:
    got, reply = await root.ask("GET", f"/risk?{query}")
    assert (got, reply["code"]) == (status, code)
