"""Transfers between the accounts of one user, through the real engine."""

import re

import pytest

from shared.messages import Transfer
from shared.outcomes import Accepted, Answered, Outcome, Unknown
from tests.api.exchange import PASSWORD, Exchange

TRANSFERS = "/api/v1/transfers"


async def with_two_accounts(exchange: Exchange, name: str) -> tuple[int, int]:
    """Make a user with 100 INR; `name+` speaks for the second account."""
    await exchange.user(name, INR="100")
    status, made = await exchange.ask(name, "POST", "/api/v1/accounts", {"label": "grid"})
    assert status == 201, made
    second: int = made["account_id"]
    credentials = {"username": name, "password": PASSWORD, "account_id": second}
    logged_in = await exchange.client.post("/login", json=credentials)
    assert logged_in.status_code == 200, logged_in.text
    token = {"Authorization": f"Bearer {logged_in.json()['access_token']}"}
    exchange.tokens[f"{name}+"] = token
    exchange.accounts[f"{name}+"] = second
    return exchange.accounts[name], second


def body(receiver: object, **changes: object) -> dict[str, object]:
    return {"to_account_id": receiver, "asset": "INR", "amount": "40.25", **changes}


async def test_money_moves_between_ones_own_accounts_once(exchange: Exchange) -> None:
    first, second = await with_two_accounts(exchange, "tina")
    told = []
    for replayed in (False, True):
        status, reply = await exchange.ask(
            "tina", "POST", TRANSFERS, body(second, reference="rent"), "t-1"
        )
        assert (status, reply["replayed"]) == (201, replayed)
        told.append({**reply, "replayed": False})
    assert told[0] == told[1]
    assert (told[0]["from_account_id"], told[0]["to_account_id"]) == (first, second)
    assert told[0]["reference"] == "rent"
    assert told[0]["from_balance"] == {"available": "59.75", "held": "0", "total": "59.75"}
    assert told[0]["to_balance"]["available"] == "40.25"
    assert await exchange.balance("tina", "INR") == ("59.75", "0")
    assert await exchange.balance("tina+", "INR") == ("40.25", "0")
    for name in ("tina", "tina+"):
        path = f"/balances?min_sequence={told[0]['sequence']}"
        status, _ = await exchange.ask(name, "GET", path)
        assert status == 200
    status, back = await exchange.ask("tina+", "POST", TRANSFERS, body(first, amount="0.25"))
    assert (status, back["to_balance"]["available"]) == (201, "60")


async def test_another_users_account_is_as_unknown_as_one_that_never_was(
    exchange: Exchange,
) -> None:
    await with_two_accounts(exchange, "theo")
    await exchange.user("victim.t")
    before = await exchange.state()
    answers = []
    for wanted in (exchange.accounts["victim.t"], 1, 0, -1, 2**70):
        status, reply = await exchange.ask("theo", "POST", TRANSFERS, body(wanted))
        reply.pop("request_id")
        answers.append((status, reply))
    assert all(one == answers[0] for one in answers)
    assert (answers[0][0], answers[0][1]["code"]) == (404, "UNKNOWN_ACCOUNT")
    assert answers[0][1]["field"] == "to_account_id"
    assert await exchange.state() == before


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"asset": "GOLD"}, 404, "UNKNOWN_ASSET"),
        ({"amount": "0"}, 422, "INVALID_AMOUNT"),
        ({"amount": "-1"}, 422, "INVALID_DECIMAL"),
        ({"amount": "0.001"}, 422, "TOO_MANY_DECIMALS"),
        ({"amount": 5}, 422, "AMOUNT_NOT_TEXT"),
        ({"amount": "100.01"}, 422, "INSUFFICIENT_FUNDS"),
        ({"reference": "a b"}, 422, "INVALID_REFERENCE"),
        ({"reference": "x" * 57}, 422, "INVALID_REFERENCE"),
        ({"to_account_id": "7"}, 422, "INVALID_FIELD"),
        ({"account_id": 7}, 422, "USER_ID_NOT_ALLOWED"),
    ],
)
async def test_a_bad_transfer_changes_nothing(
    exchange: Exchange, changes: dict[str, object], status: int, code: str
) -> None:
    name = f"tb{abs(hash(str(changes)))}"
    _, second = await with_two_accounts(exchange, name)
    before = await exchange.state()
    got, reply = await exchange.ask(name, "POST", TRANSFERS, body(second, **changes))
    assert (got, reply["code"]) == (status, code), reply
    assert await exchange.state() == before


async def test_to_oneself_nothing_can_be_given(exchange: Exchange) -> None:
    await exchange.user("solo", INR="100")
    own = exchange.accounts["solo"]
    status, reply = await exchange.ask("solo", "POST", TRANSFERS, body(own))
    assert (status, reply["code"], reply["field"]) == (422, "INVALID_ACCOUNT", "to_account_id")


async def test_a_key_is_for_one_transfer(exchange: Exchange) -> None:
    _, second = await with_two_accounts(exchange, "tilda")
    await exchange.ask("tilda", "POST", TRANSFERS, body(second), "t-1")
    status, reply = await exchange.ask("tilda", "POST", TRANSFERS, body(second, amount="1"), "t-1")
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    assert await exchange.balance("tilda", "INR") == ("59.75", "0")


@pytest.mark.parametrize("lost", [Accepted(0), Unknown()])
async def test_a_transfer_whose_answer_is_lost_is_found_by_asking_and_by_repeating(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, lost: Outcome
) -> None:
    name = f"tom{type(lost).__name__}"
    _, second = await with_two_accounts(exchange, name)
    submit = exchange.gateway.bus.submit

    async def unheard(command: Transfer) -> Outcome:
        outcome = await submit(command)
        assert isinstance(outcome, Answered)
        fingerprint = outcome.result.fingerprint
        return Accepted(outcome.n, fingerprint) if isinstance(lost, Accepted) else lost

    with monkeypatch.context() as patch:
        patch.setattr(type(exchange.gateway.bus), "submit", lambda _bus, command: unheard(command))
        status, reply = await exchange.ask(name, "POST", TRANSFERS, body(second), "t-1")
    assert status == (202 if isinstance(lost, Accepted) else 504), reply
    found_status, found = await exchange.ask(name, "GET", reply["status_url"])
    assert (found_status, found["idempotency_key"]) == (200, "t-1")
    status, again = await exchange.ask(name, "POST", TRANSFERS, body(second), "t-1")
    assert (status, again["replayed"], again["n"]) == (201, True, found["n"])
    assert await exchange.balance(f"{name}+", "INR") == ("40.25", "0")


async def test_what_a_status_says(exchange: Exchange) -> None:
    _, second = await with_two_accounts(exchange, "tess")

    async def status_of(query: str) -> tuple[int, str]:
        status, reply = await exchange.ask("tess", "GET", f"{TRANSFERS}?{query}")
        return status, reply.get("code", "")

    await exchange.ask("tess", "POST", TRANSFERS, body(second, amount="900"), "too-much")
    placed = await exchange.place("tess", "buy", "1", "1", key="order")
    _, done = await exchange.ask("tess", "POST", TRANSFERS, body(second, amount="1"), "t-1")
    assert await status_of("idempotency_key=t-1") == (200, "")
    assert await status_of("idempotency_key=too-much") == (422, "INSUFFICIENT_FUNDS")
    assert await status_of("idempotency_key=never") == (404, "UNKNOWN_IDEMPOTENCY_KEY")
    trial = {"market": "TATA_INR", "side": "buy", "price": "1", "quantity": "1"}
    await exchange.ask("tess", "POST", "/api/v1/order/test", trial, "trial")
    for another in ("order", "trial"):
        assert await status_of(f"idempotency_key={another}") == (404, "UNKNOWN_IDEMPOTENCY_KEY")
    assert await status_of(f"idempotency_key=later&n={done['n'] + 10_000}") == (202, "ACCEPTED")
    assert await status_of(f"idempotency_key=t-1&n=1&fp={'0' * 16}") == (
        409,
        "IDEMPOTENCY_MISMATCH",
    )
    assert await status_of("idempotency_key=t-1&fp=xyz") == (422, "INVALID_PARAMETER")
    assert await status_of("") == (422, "MISSING_FIELD")
    status, reply = await exchange.ask("tess+", "GET", f"{TRANSFERS}?idempotency_key=t-1")
    assert (status, reply["code"]) == (404, "UNKNOWN_IDEMPOTENCY_KEY")
    assert re.fullmatch(r"[0-9]+", str(placed["order_id"]))
    await exchange.ask("tess", "DELETE", f"/order/{placed['order_id']}")


async def test_strangers_transfer_nothing(exchange: Exchange) -> None:
    response = await exchange.client.post(TRANSFERS, json=body(1))
    assert response.status_code == 401
