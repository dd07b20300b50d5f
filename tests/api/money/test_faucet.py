"""Play money: once a day of each asset, and only where it is switched on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from api.app import public_app
from api.edge.errors import ApiError
from api.money.faucet import DAY_S, Faucet
from api.opening import open_gateway
from shared.messages import Asset
from tests.api.conftest import READY_S, Engine, client_of, settings_for
from tests.api.exchange import Exchange

FAUCET = "/api/v1/faucet"
MORNING_S = 1_900_000_800  # Not at the end of a day of UTC.
INR = Asset("INR", 2)


@pytest.fixture
async def play(engine: Engine) -> AsyncIterator[Exchange]:
    """A gateway with a faucet of INR and TATA."""
    settings = replace(
        settings_for(engine.home, engine.redis_url),
        faucet_enabled=True,
        faucet_amounts="INR=1000.50, TATA=7",
    )
    async with open_gateway(settings) as gateway:
        assert await gateway.bus.wait_until_ready(READY_S), engine.service.log_tail()
        async with client_of(public_app(gateway, docs_enabled=True), gateway) as client:
            yield Exchange(client, gateway)


async def test_it_gives_each_asset_once_a_day(play: Exchange) -> None:
    await play.user("pia")
    status, reply = await play.ask("pia", "POST", FAUCET, {"asset": "INR"})
    assert (status, reply["amount"]) == (201, "1000.50")
    assert reply["account_id"] == play.accounts["pia"]
    assert reply["next_at_s"] % DAY_S == 0
    response = await play.client.post(FAUCET, json={"asset": "INR"}, headers=play.tokens["pia"])
    again = response.json()
    assert (response.status_code, again["code"], again["n"]) == (429, "FAUCET_USED", reply["n"])
    assert 0 < int(response.headers["Retry-After"]) <= DAY_S
    status, _ = await play.ask("pia", "POST", FAUCET, {"asset": "TATA"})
    assert status == 201
    assert await play.balance("pia", "INR") == ("1000.5", "0")
    assert await play.balance("pia", "TATA") == ("7", "0")
    _, listed = await play.ask("pia", "GET", "/api/v1/deposits")
    assert [one["asset"] for one in listed["deposits"]] == ["TATA", "INR"]


async def test_many_hands_at_once_get_it_once(play: Exchange) -> None:
    await play.user("polly")
    asked = [play.ask("polly", "POST", FAUCET, {"asset": "INR"}) for _ in range(10)]
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert set(statuses) <= {201, 429}
    assert 201 in statuses
    assert await play.balance("polly", "INR") == ("1000.5", "0")


async def test_the_next_day_it_gives_again_and_a_new_amount_is_none_for_today(
    play: Exchange,
) -> None:
    await play.user("petra")
    account_id, now_s = play.accounts["petra"], [MORNING_S]
    gateway = play.gateway

    def faucet(amount: str) -> Faucet:
        return Faucet(
            gateway.money.deposits,
            gateway.money.deposit_list,
            {"INR": amount},
            clock=lambda: now_s[0],
        )

    first = await faucet("1").give(account_id, INR)
    for again in ("1", "2"):
        with pytest.raises(ApiError) as refused:
            await faucet(again).give(account_id, INR)
        assert refused.value.code == "FAUCET_USED"
    now_s[0] = first.next_at_s
    await faucet("2").give(account_id, INR)
    assert await play.balance("petra", "INR") == ("3", "0")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"asset": "JIO"}, 404, "UNKNOWN_ASSET"),
        ({"asset": "GOLD"}, 404, "UNKNOWN_ASSET"),
        ({"asset": "INR", "amount": "9"}, 422, "UNKNOWN_FIELD"),
        ({}, 422, "MISSING_FIELD"),
    ],
)
async def test_it_gives_nothing_else(
    play: Exchange, body: dict[str, str], status: int, code: str
) -> None:
    await play.user(f"paula{abs(hash(str(body)))}")
    (name,) = play.tokens
    got, reply = await play.ask(name, "POST", FAUCET, body)
    assert (got, reply["code"]) == (status, code)


async def test_strangers_get_nothing(play: Exchange) -> None:
    response = await play.client.post(FAUCET, json={"asset": "INR"})
    assert response.status_code == 401


async def test_where_it_is_switched_on_the_document_says_so(play: Exchange) -> None:
    document = (await play.client.get("/openapi.json")).json()
    assert "post" in document["paths"][FAUCET]
