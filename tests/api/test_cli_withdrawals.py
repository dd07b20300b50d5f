"""`rialto admin withdrawals`, on a running exchange."""

import asyncio

import pytest

from tests.api.conftest import Engine
from tests.api.exchange import Exchange
from tests.api.test_cli import run


@pytest.fixture(autouse=True)
def at_the_running_exchange(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIALTO_REDIS_URL", engine.redis_url)
    monkeypatch.setenv("COLUMNS", "160")


async def pending(exchange: Exchange, name: str) -> str:
    await exchange.user(name, INR="1000")
    wish = {"asset": "INR", "amount": "12.5", "destination": "cash desk"}
    status, reply = await exchange.ask(name, "POST", "/api/v1/withdrawals", wish)
    assert status == 201, reply
    return str(reply["withdrawal_id"])


async def run_beside(*words: str, engine: Engine) -> tuple[int, str]:
    """Run the command in a thread: it has an event loop of its own."""
    result = await asyncio.to_thread(run, *words, home=engine.home)
    return result.exit_code, result.output


async def test_what_waits_is_listed_and_approved_once(exchange: Exchange, engine: Engine) -> None:
    n = await pending(exchange, "cleo")
    code, output = await run_beside("withdrawals", "list", engine=engine)
    (line,) = [line for line in output.splitlines() if f" {n} " in line]
    assert code == 0
    assert "12.5 INR" in line
    assert "cash desk" in line
    for again in ("", "already"):
        code, output = await run_beside(
            "withdrawals", "approve", n, "--external-reference", "voucher-9", engine=engine
        )
        assert (code, again in output) == (0, True), output
        assert f"Withdrawal {n} of 12.5 INR is settled" in output
    code, output = await run_beside("withdrawals", "refuse", n, "--reason", "No.", engine=engine)
    assert (code, "settled already" in output) == (1, True), output
    code, output = await run_beside("withdrawals", "list", "--status", "settled", engine=engine)
    assert "cli" in next(line for line in output.splitlines() if f" {n} " in line)
    assert await exchange.balance("cleo", "INR") == ("987.5", "0")


async def test_what_waits_is_refused(exchange: Exchange, engine: Engine) -> None:
    n = await pending(exchange, "carl")
    code, output = await run_beside("withdrawals", "refuse", n, "--reason", "No.", engine=engine)
    assert (code, f"Withdrawal {n} of 12.5 INR is refused." in output) == (0, True), output
    assert await exchange.balance("carl", "INR") == ("1000", "0")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("approve", "999999999"), "no such withdrawal"),
        (("refuse", "999999999", "--reason", " "), "no such withdrawal"),
        (("list", "--status", "sent"), "A status is pending"),
    ],
)
async def test_a_bad_question_is_one_sentence(
    exchange: Exchange, engine: Engine, words: tuple[str, ...], sentence: str
) -> None:
    assert exchange.gateway.bus.engine_is_up
    code, output = await run_beside("withdrawals", *words, engine=engine)
    assert (code, sentence in output) == (1, True), output
