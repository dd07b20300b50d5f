"""The proof report over HTTP: exact while trading goes on, and shows an atom too much."""

import asyncio

import pytest

from api.admin.balance_walk import balance_pages
from api.admin.proof import read_proof
from api.edge.errors import ApiError
from api.gateway import Gateway
from shared.channels import Keys
from shared.messages import Totals
from shared.redis_client import connect
from shared.rest.proof import ProofView
from shared.wire import encode
from tests.api.admin.operators import an_operator
from tests.api.conftest import Engine
from tests.api.exchange import Exchange, sweep, two_users
from tests.api.ledger_rows import KEYS, Rows


async def test_the_report_is_that_of_the_command_line(exchange: Exchange) -> None:
    await exchange.user("pia", INR="100.5")
    await exchange.place("pia", "buy", "10", "5")
    async with an_operator(exchange.gateway, "root") as root:
        status, report = await root.ask("GET", "/proof")
    assert status == 200
    assert report["adds_up"] is True
    inr = next(asset for asset in report["assets"] if asset["asset"] == "INR")
    assert (inr["deposits"], inr["available"], inr["held"]) == ("100.5", "50.5", "50")
    assert (inr["withdrawals"], inr["fees"], inr["difference"]) == ("0", "0", "0")
    assert report["balances"] >= 1
    await sweep(exchange, "pia")


async def test_it_adds_up_while_trading_goes_on(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.admin.balance_walk.PAGE_ROWS", 1)
    alice, bob = await two_users(exchange, "proof")
    for n in range(600):  # So many that the table of the balances is read in pages.
        await exchange.gateway.money.deposits.credit(10_000 + n, "INR", 100 + n, f"filler-{n}")
    is_over = False

    async def trade() -> int:
        count = 0
        while not is_over:
            await exchange.place(alice, "sell", "10", "2")
            await exchange.place(bob, "buy", "10", "1")
            await sweep(exchange, alice)
            count += 1
        return count

    trading = asyncio.create_task(trade())
    reports: list[ProofView] = []
    for _ in range(5):
        reports.append(await read_proof(exchange.gateway))
    is_over = True
    assert await trading > 5
    assert all(report.adds_up for report in reports), reports
    assert len({report.sequence for report in reports}) == 5
    assert reports[0].balances > 600
    await sweep(exchange, alice, bob)


async def test_an_atom_too_much_is_shown(exchange: Exchange, engine: Engine) -> None:
    await exchange.user("rich", INR="1")
    field = f"{exchange.accounts['rich']}:INR"
    with connect(engine.redis_url) as redis:
        redis.hset(Keys("rialto").balances, field, "101 0")
        report = await read_proof(exchange.gateway)
        redis.hset(Keys("rialto").balances, field, "100 0")
    assert not report.adds_up
    inr = next(asset for asset in report.assets if asset.asset == "INR")
    assert inr.difference == "0.01"
    assert (await read_proof(exchange.gateway)).adds_up


async def test_a_report_whose_events_are_gone_is_refused(
    gateway: Gateway, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Rows(redis_url) as rows, connect(redis_url) as redis:
        rows.market()
        for asset in ("INR", "TATA"):
            redis.hset(KEYS.totals, asset, encode(Totals(asset, 0, 0, 0)))
        rows.balance(7, "INR", 0, 0)
        assert (await read_proof(gateway)).adds_up

        async def pages_then_a_commit(gateway: Gateway):  # type: ignore[no-untyped-def]
            async for page in balance_pages(gateway):
                yield page
            rows.commit(9)

        monkeypatch.setattr("api.admin.proof.balance_pages", pages_then_a_commit)
        with pytest.raises(ApiError, match="REPORT_OVERTAKEN"):
            await read_proof(gateway)
