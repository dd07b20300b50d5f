"""Withdrawals and deposits at the public door, through the real engine."""

from typing import Any

import pytest

from tests.api.admin.operators import Operator, an_operator
from tests.api.conftest import Engine
from tests.api.exchange import Exchange, Reply
from tests.support.deadlines import eventually_async

WITHDRAWALS = "/api/v1/withdrawals"
BANK = "IBAN DE89 3704 0044 0532 0130 00"


def wish(**changes: object) -> dict[str, object]:
    return {"asset": "INR", "amount": "100", "destination": BANK, **changes}


async def pending(exchange: Exchange, user: str, key: str = "", **changes: object) -> Reply:
    status, reply = await exchange.ask(user, "POST", WITHDRAWALS, wish(**changes), key)
    assert status == 201, reply
    return reply


async def test_a_withdrawal_is_held_approved_and_gone(exchange: Exchange) -> None:
    await exchange.user("wanda", INR="1000")
    asked = await pending(exchange, "wanda", "w-1", amount="250.5")
    n = asked["withdrawal_id"]
    assert (asked["status"], asked["amount"], asked["replayed"]) == ("pending", "250.5", False)
    assert (asked["destination"], asked["ended_at_ns"]) == (BANK, None)
    assert await exchange.balance("wanda", "INR") == ("749.5", "250.5")
    async with an_operator(exchange.gateway, "chief.w") as chief:
        status, listed = await chief.ask("GET", "/withdrawals?status=pending")
        assert status == 200
        mine = [one for one in listed["withdrawals"] if one["withdrawal_id"] == n]
        assert [(one["account_id"], one["decision"]) for one in mine] == [
            (exchange.accounts["wanda"], "")
        ]
        body = {"reason": "Paid today.", "external_reference": "SEPA-1"}
        for replayed in (False, True):
            status, done = await chief.ask("POST", f"/withdrawals/{n}/approve", body)
            assert (status, done["status"], done["replayed"]) == (200, "settled", replayed)
            assert (done["decision"], done["external_reference"]) == ("settle", "SEPA-1")
            assert done["decided_by"].startswith("user:")
        status, other = await chief.ask("POST", f"/withdrawals/{n}/refuse", {"reason": "No."})
        assert (status, other["code"], other["status"]) == (409, "WITHDRAWAL_DECIDED", "settled")
        body["external_reference"] = "SEPA-2"
        status, other = await chief.ask("POST", f"/withdrawals/{n}/approve", body)
        assert (status, other["code"], other["field"]) == (
            409,
            "WITHDRAWAL_DECIDED",
            "external_reference",
        )
    assert await exchange.balance("wanda", "INR") == ("749.5", "0")
    status, mine_now = await exchange.ask("wanda", "GET", f"{WITHDRAWALS}/{n}")
    assert (status, mine_now["status"], mine_now["reason"]) == (200, "settled", "Paid today.")
    assert mine_now["ended_at_ns"] > mine_now["requested_at_ns"] > 0
    assert "decided_by" not in mine_now
    again = await pending(exchange, "wanda", "w-1", amount="250.5")
    assert (again["withdrawal_id"], again["status"], again["replayed"]) == (n, "settled", True)
    status, gone = await exchange.ask("wanda", "DELETE", f"{WITHDRAWALS}/{n}")
    assert (status, gone["code"]) == (409, "WITHDRAWAL_DECIDED")


async def test_a_refused_withdrawal_is_available_again(exchange: Exchange) -> None:
    await exchange.user("wilma", INR="1000")
    n = (await pending(exchange, "wilma"))["withdrawal_id"]
    async with an_operator(exchange.gateway, "chief.r") as chief:
        reason = {"reason": "Another name on the account."}
        for replayed in (False, True):
            status, done = await chief.ask("POST", f"/withdrawals/{n}/refuse", reason)
            assert (status, done["status"], done["replayed"]) == (200, "refused", replayed)
        status, approved = await chief.ask("POST", f"/withdrawals/{n}/approve")
        assert (status, approved["code"]) == (409, "WITHDRAWAL_DECIDED")
    assert await exchange.balance("wilma", "INR") == ("1000", "0")
    _, seen = await exchange.ask("wilma", "GET", f"{WITHDRAWALS}/{n}")
    assert seen["reason"] == "Another name on the account."


async def test_its_owner_may_cancel_it_while_it_is_pending(exchange: Exchange) -> None:
    await exchange.user("wendy", INR="1000")
    n = (await pending(exchange, "wendy"))["withdrawal_id"]
    for replayed in (False, True):
        status, reply = await exchange.ask("wendy", "DELETE", f"{WITHDRAWALS}/{n}")
        assert (status, reply["status"], reply["replayed"]) == (200, "cancelled", replayed)
    assert await exchange.balance("wendy", "INR") == ("1000", "0")
    async with an_operator(exchange.gateway, "chief.c") as chief:
        status, reply = await chief.ask("POST", f"/withdrawals/{n}/approve")
        assert (status, reply["code"]) == (409, "WITHDRAWAL_DECIDED")


async def test_another_users_withdrawal_is_as_unknown_as_one_that_never_was(
    exchange: Exchange,
) -> None:
    await exchange.user("walt", INR="1000")
    await exchange.user("mallory.w")
    n = (await pending(exchange, "walt"))["withdrawal_id"]
    before = await exchange.state()
    answers = []
    for wanted in (n, n + 1_000, 0, -1, "x", 2**70, "1" * 5_000, f"{1:020}{2**70}", "٣"):
        for method in ("GET", "DELETE"):
            status, reply = await exchange.ask("mallory.w", method, f"{WITHDRAWALS}/{wanted}")
            reply.pop("request_id")
            answers.append((status, reply))
    assert all(one == answers[0] for one in answers)
    assert (answers[0][0], answers[0][1]["code"]) == (404, "UNKNOWN_WITHDRAWAL")
    _, listed = await exchange.ask("mallory.w", "GET", WITHDRAWALS)
    assert listed == {"withdrawals": [], "next_cursor": None}
    assert await exchange.state() == before


async def test_pages_and_filters_of_the_owner(exchange: Exchange) -> None:
    await exchange.user("wes", INR="1000", TATA="10")
    ids = [
        (await pending(exchange, "wes", f"p-{n}", amount="1"))["withdrawal_id"] for n in range(3)
    ]
    ids.append((await pending(exchange, "wes", asset="TATA", amount="2"))["withdrawal_id"])
    await exchange.ask("wes", "DELETE", f"{WITHDRAWALS}/{ids[0]}")

    async def shown(query: str) -> tuple[list[int], Any]:
        status, reply = await exchange.ask("wes", "GET", f"{WITHDRAWALS}?{query}")
        assert status == 200, reply
        return [one["withdrawal_id"] for one in reply["withdrawals"]], reply["next_cursor"]

    first, cursor = await shown("limit=3")
    assert first == ids[:0:-1]
    assert await shown(f"limit=3&cursor={cursor}") == ([ids[0]], None)
    assert (await shown("asset=TATA"))[0] == [ids[3]]
    assert (await shown("status=cancelled"))[0] == [ids[0]]
    assert (await shown("status=pending"))[0] == ids[:0:-1]
    assert (await shown("idempotency_key=p-1"))[0] == [ids[1]]
    assert (await shown("idempotency_key=never"))[0] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status=sent", "INVALID_PARAMETER"),
        ("status=", "INVALID_PARAMETER"),
        ("cursor=0", "INVALID_PARAMETER"),
        ("cursor=x", "INVALID_PARAMETER"),
        ("limit=501", "INVALID_PARAMETER"),
        ("asset=GOLD", "UNKNOWN_ASSET"),
        ("idempotency_key=a%20b", "INVALID_IDEMPOTENCY_KEY"),
        ("account=1", "UNKNOWN_PARAMETER"),
    ],
)
async def test_a_bad_question_is_refused(exchange: Exchange, query: str, code: str) -> None:
    if "quinn" not in exchange.tokens:
        await exchange.user(f"quinn{abs(hash(query))}")
    (name,) = exchange.tokens
    _, reply = await exchange.ask(name, "GET", f"{WITHDRAWALS}?{query}")
    assert reply["code"] == code


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"asset": "GOLD"}, 404, "UNKNOWN_ASSET"),
        ({"amount": "0"}, 422, "INVALID_AMOUNT"),
        ({"amount": "-1"}, 422, "INVALID_DECIMAL"),
        ({"amount": "0.001"}, 422, "TOO_MANY_DECIMALS"),
        ({"amount": 5}, 422, "AMOUNT_NOT_TEXT"),
        ({"amount": "1000.01"}, 422, "INSUFFICIENT_FUNDS"),
        ({"destination": ""}, 422, "INVALID_DESTINATION"),
        ({"destination": "  "}, 422, "INVALID_DESTINATION"),
        ({"destination": "x" * 257}, 422, "INVALID_DESTINATION"),
        ({"destination": "two\nlines"}, 422, "INVALID_DESTINATION"),
        ({"account_id": 1}, 422, "USER_ID_NOT_ALLOWED"),
        ({"note": "x"}, 422, "UNKNOWN_FIELD"),
    ],
)
async def test_a_bad_wish_changes_nothing(
    exchange: Exchange, changes: dict[str, object], status: int, code: str
) -> None:
    name = f"bad{abs(hash(str(changes)))}"
    await exchange.user(name, INR="1000")
    before = await exchange.state()
    got, reply = await exchange.ask(name, "POST", WITHDRAWALS, wish(**changes))
    assert (got, reply["code"]) == (status, code), reply
    assert await exchange.state() == before


async def test_a_key_is_for_one_request_of_any_kind(exchange: Exchange) -> None:
    await exchange.user("karl", INR="1000")
    await pending(exchange, "karl", "k-1")
    status, reply = await exchange.ask("karl", "POST", WITHDRAWALS, wish(amount="99"), "k-1")
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    order = {"market": "TATA_INR", "side": "buy", "price": "100", "quantity": "1"}
    status, reply = await exchange.ask("karl", "POST", "/order", order, "k-1")
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    placed = await exchange.place("karl", "buy", "100", "1", key="k-2")
    for _ in range(2):
        status, reply = await exchange.ask("karl", "POST", WITHDRAWALS, wish(), "k-2")
        assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    await exchange.ask("karl", "DELETE", f"/order/{placed['order_id']}")
    assert await exchange.balance("karl", "INR") == ("900", "100")


@pytest.mark.parametrize("key", ["withdrawal:1:0", "deposit:x"])
async def test_no_client_may_use_the_keys_of_the_exchange(exchange: Exchange, key: str) -> None:
    await exchange.user(f"thief{len(key)}", INR="1000")
    (name,) = exchange.tokens
    status, reply = await exchange.ask(name, "POST", WITHDRAWALS, wish(), key)
    assert (status, reply["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")


async def test_without_the_engine_nothing_is_done_and_the_same_request_works_later(
    exchange: Exchange, engine: Engine
) -> None:
    await exchange.user("paul", INR="1000")
    n = (await pending(exchange, "paul", "paul-1"))["withdrawal_id"]
    engine.service.kill()
    async with an_operator(exchange.gateway, "chief.p") as chief:
        await eventually_async(lambda: not exchange.gateway.bus.engine_is_up)
        status, reply = await chief.ask("POST", f"/withdrawals/{n}/approve")
        assert (status, reply["code"]) == (503, "ENGINE_UNAVAILABLE")
        status, reply = await exchange.ask("paul", "DELETE", f"{WITHDRAWALS}/{n}")
        assert (status, reply["code"]) == (503, "ENGINE_UNAVAILABLE")
        engine.service.start()
        assert await exchange.gateway.bus.wait_until_ready(20.0)
        status, reply = await chief.ask("POST", f"/withdrawals/{n}/approve")
        assert (status, reply["status"]) == (200, "settled")
    assert await exchange.balance("paul", "INR") == ("900", "0")


async def test_operators_reads_and_refusals(exchange: Exchange) -> None:
    await exchange.user("olga", INR="1000")
    n = (await pending(exchange, "olga"))["withdrawal_id"]
    async with an_operator(exchange.gateway, "chief.o") as chief:
        await _check_refusals(chief, n)
        status, one = await chief.ask("GET", f"/withdrawals/{n}")
        assert (status, one["status"], one["decision"]) == (200, "pending", "")
        account = exchange.accounts["olga"]
        _, listed = await chief.ask("GET", f"/withdrawals?account={account}&asset=INR")
        assert [found["withdrawal_id"] for found in listed["withdrawals"]] == [n]
        _, noted = await chief.ask("GET", f"/audit?target=withdrawal:{n}")
        assert [(action["action"], action["outcome"]) for action in noted["actions"]] == []
        await chief.ask("POST", f"/withdrawals/{n}/refuse", {"reason": "Because."})
        _, noted = await chief.ask("GET", f"/audit?target=withdrawal:{n}")
        (action,) = noted["actions"]
        assert (action["action"], action["reason"]) == ("withdrawal.refuse", "Because.")
        assert (action["before"]["status"], action["after"]["status"]) == ("pending", "refused")


async def _check_refusals(chief: Operator, n: int) -> None:
    for path, body, status, code in (
        (f"/withdrawals/{n}/refuse", {}, 422, "MISSING_FIELD"),
        (f"/withdrawals/{n}/refuse", {"reason": ""}, 422, "INVALID_FIELD"),
        (f"/withdrawals/{n}/refuse", {"reason": "two\nlines"}, 422, "INVALID_REASON"),
        (f"/withdrawals/{n}/approve", {"external_reference": "x" * 129}, 422,
         "INVALID_EXTERNAL_REFERENCE"),
        (f"/withdrawals/{n}/approve", {"external_reference": "a\nb"}, 422,
         "INVALID_EXTERNAL_REFERENCE"),
        (f"/withdrawals/{n + 1_000}/approve", {}, 404, "UNKNOWN_WITHDRAWAL"),
        ("/withdrawals/x/refuse", {"reason": "No."}, 404, "UNKNOWN_WITHDRAWAL"),
        (f"/withdrawals/{'0' * 19}1{'9' * 30}/approve", {}, 404, "UNKNOWN_WITHDRAWAL"),
    ):  # fmt: skip
        got, reply = await chief.ask("POST", path, body)
        assert (got, reply["code"]) == (status, code), (path, body, reply)


async def test_traders_and_strangers_decide_nothing(exchange: Exchange) -> None:
    await exchange.user("eve", INR="1000")
    n = (await pending(exchange, "eve"))["withdrawal_id"]
    async with an_operator(exchange.gateway, "chief.e") as chief:
        for token in (exchange.tokens["eve"], {}):
            for verb in ("approve", "refuse"):
                path = f"/api/v1/admin/withdrawals/{n}/{verb}"
                response = await chief.client.post(path, json={"reason": "x"}, headers=token)
                assert response.status_code == 401
    for path in (f"{WITHDRAWALS}/{n}", WITHDRAWALS, "/api/v1/deposits"):
        refused = await exchange.client.get(path)
        assert refused.status_code == 401
    assert await exchange.balance("eve", "INR") == ("900", "100")


async def test_deposits_are_listed_to_their_owner_and_to_operators(exchange: Exchange) -> None:
    await exchange.user("dave", INR="10", TATA="5")
    await exchange.user("dan", INR="7")
    status, listed = await exchange.ask("dave", "GET", "/api/v1/deposits")
    assert status == 200
    assert [(one["asset"], one["amount"]) for one in listed["deposits"]] == [
        ("TATA", "5"),
        ("INR", "10"),
    ]
    assert "state" not in listed["deposits"][0]
    _, page = await exchange.ask("dave", "GET", "/api/v1/deposits?limit=1")
    _, rest = await exchange.ask(
        "dave", "GET", f"/api/v1/deposits?limit=1&cursor={page['next_cursor']}"
    )
    assert [page["deposits"], rest["deposits"]] == [[one] for one in listed["deposits"]]
    assert rest["next_cursor"] is None
    status, reply = await exchange.ask("dave", "GET", "/api/v1/deposits?cursor=nonsense")
    assert (status, reply["code"]) == (422, "INVALID_PARAMETER")
    async with an_operator(exchange.gateway, "chief.d") as chief:
        account = exchange.accounts["dan"]
        _, seen = await chief.ask("GET", f"/deposits?account={account}&state=done&asset=INR")
        assert [(one["amount"], one["state"]) for one in seen["deposits"]] == [("7", "done")]
        _, seen = await chief.ask("GET", f"/deposits?reference={seen['deposits'][0]['reference']}")
        assert [one["account_id"] for one in seen["deposits"]] == [account]
        _, every = await chief.ask("GET", "/deposits?limit=500")
        assert len({one["reference"] for one in every["deposits"]}) >= 3
