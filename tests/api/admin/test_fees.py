"""Fees are earned by trades, and paid out once per reference, on the real engine."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from api.admin.proof import read_proof
from shared.messages import Command
from shared.outcomes import Outcome, Unknown
from tests.api.admin.operators import Operator, an_operator
from tests.api.exchange import Exchange

WHY = {"reason": "the test asks for it"}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


async def earn(exchange: Exchange, root: Operator, tag: str) -> int:
    """Let a trade leave 10 INR in fees; return the account of whoever is to have them."""
    fees = {"taker_fee_ppm": 100_000, **WHY}
    assert (await root.ask("PATCH", "/markets/TATA_INR", fees))[0] == 200
    seller, buyer = f"seller.{tag}", f"buyer.{tag}"
    await exchange.user(seller, TATA="10")
    await exchange.user(buyer, INR="1000")
    await exchange.place(buyer, "buy", "100", "1")
    await exchange.place(seller, "sell", "100", "1")
    return exchange.accounts[seller]


async def fees_of(root: Operator) -> str:
    _, view = await root.ask("GET", "/fees")
    return str(view["fees"]["INR"])


async def test_fees_are_paid_out_once_per_reference(root: Operator, exchange: Exchange) -> None:
    account = await earn(exchange, root, "once")
    assert await fees_of(root) == "10"
    body = {"asset": "INR", "amount": "4.5", "account": account, "reference": "may", **WHY}
    for replayed in (False, True):
        status, reply = await root.ask("POST", "/fees/payouts", body)
        assert (status, reply["replayed"], reply["fees_left"]) == (201, replayed, "5.5")
    assert await exchange.balance("seller.once", "INR") == ("94.5", "0")
    status, reply = await root.ask("POST", "/fees/payouts", {**body, "amount": "1"})
    assert (status, reply["code"]) == (409, "REFERENCE_USED")
    status, reply = await root.ask(
        "POST", "/fees/payouts", {**body, "amount": "5.51", "reference": "june"}
    )
    assert (status, reply["code"]) == (422, "INSUFFICIENT_FUNDS")
    assert (await read_proof(exchange.gateway)).adds_up
    _, log = await root.ask("GET", "/audit?action=fees.payout")
    assert [one["outcome"] for one in log["actions"]] == [
        "INSUFFICIENT_FUNDS",
        "REFERENCE_USED",
        "done",
        "done",
    ]


async def test_a_payout_whose_answer_was_lost_is_asked_for_by_its_reference(
    root: Operator, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await earn(exchange, root, "lost")
    before = await fees_of(root)
    submit = exchange.gateway.bus.submit

    async def answer_lost(command: Command) -> Outcome:
        await submit(command)
        return Unknown()

    body = {"asset": "INR", "amount": "1", "account": account, "reference": "lost", **WHY}
    with monkeypatch.context() as patch:
        patch.setattr(exchange.gateway.bus, "submit", answer_lost)
        status, reply = await root.ask("POST", "/fees/payouts", body)
        assert (status, reply["code"]) == (504, "UNKNOWN_OUTCOME")
        assert "payout" in reply["message"]
    status, reply = await root.ask("POST", "/fees/payouts", body)
    assert (status, reply["replayed"]) == (201, True)
    assert reply["fees_left"] == str(Decimal(before) - 1)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"asset": "NOPE"}, 404, "UNKNOWN_ASSET"),
        ({"amount": "0"}, 422, "INVALID_AMOUNT"),
        ({"amount": 5}, 422, "AMOUNT_NOT_TEXT"),
        ({"amount": "0.001"}, 422, "TOO_MANY_DECIMALS"),
        ({"account": 1}, 404, "UNKNOWN_ACCOUNT"),
        ({"account": 2**70}, 404, "UNKNOWN_ACCOUNT"),
        ({"reference": "a b"}, 422, "INVALID_REFERENCE"),
        ({"reason": ""}, 422, "INVALID_FIELD"),
    ],
)
async def test_a_bad_payout_is_refused(
    root: Operator, exchange: Exchange, changes: dict[str, object], status: int, code: str
) -> None:
    if "payee" not in exchange.accounts and await exchange.gateway.users.find("payee") is None:
        await exchange.user("payee")
    found = await exchange.gateway.users.find("payee")
    assert found is not None
    body = {"asset": "INR", "amount": "1", "account": found[0].account_id, "reference": "x", **WHY}
    got, reply = await root.ask("POST", "/fees/payouts", {**body, **changes})
    assert (got, reply["code"]) == (status, code), reply
