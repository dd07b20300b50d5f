"""Many commands in one request: one call to the journal, and an answer for each."""

import signal
from typing import Any

import httpx
import pytest

from api.gateway import Gateway
from shared.messages import Command, Reject
from shared.outcomes import Accepted, NotAccepted, Outcome, Refusal, Unknown
from shared.wire import CommandResult
from tests.api.conftest import READY_S, Engine
from tests.api.exchange import Exchange, Reply, sweep, token_for, two_users
from tests.api.ledger_rows import Rows

PATH = "/api/v1/order/batch"
Commands = list[dict[str, Any]]


def buy(price: str, quantity: str = "1", **more: object) -> dict[str, Any]:
    order = {"op": "place", "market": "TATA_INR", "side": "buy"}
    return {**order, "price": price, "quantity": quantity, **more}


async def send(
    exchange: Exchange, user: str, commands: Commands, key: str = ""
) -> tuple[int, Reply]:
    return await exchange.ask(user, "POST", PATH, {"commands": commands}, key)


def statuses(reply: Reply) -> list[int]:
    return [result["status"] for result in reply["results"]]


async def test_each_command_is_answered_on_its_own_as_if_it_had_come_alone(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "each")
    resting = await exchange.place(alice, "buy", "9", "1", client_order_id="old")
    commands: Commands = [
        buy("10", client_order_id="new"),
        {"op": "cancel", "order_id": resting["order_id"]},
        buy("1000", "1000"),
        {"op": "amend", "client_order_id": "none", "quantity": "3"},
        {"op": "cancel", "client_order_id": "new", "response": "ack"},
    ]
    status, reply = await send(exchange, alice, commands, "each-1")
    assert (status, reply["idempotency_key"]) == (200, "each-1")
    assert statuses(reply) == [201, 200, 422, 404, 200]
    bodies = [result["body"] for result in reply["results"]]
    first_n = bodies[0]["n"]
    assert [body["n"] for body in bodies] == [*range(first_n, first_n + 5)], "contiguous"
    assert [body["idempotency_key"] for body in bodies] == [f"each-1:{i}" for i in range(5)]
    assert (bodies[0]["status"], bodies[1]["status"]) == ("open", "cancelled")
    assert (bodies[2]["code"], bodies[3]["code"]) == ("INSUFFICIENT_FUNDS", "UNKNOWN_ORDER")
    assert bodies[4]["order_id"] == bodies[0]["order_id"]
    assert "price" not in bodies[4]
    assert {"code", "message", "field", "request_id"} <= set(bodies[2])
    assert (await exchange.balance(alice, "INR"))[1] == "0"


async def test_a_batch_sent_again_has_one_effect_and_the_same_answers(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "twice")
    order = await exchange.place(alice, "buy", "9", "5", client_order_id="grid")
    commands: Commands = [
        buy("10"),
        {"op": "amend", "client_order_id": "grid", "quantity": "4"},
        {"op": "amend", "order_id": order["order_id"], "price": "8"},
        buy("1000", "1000", idempotency_key="own"),
    ]
    _, first = await send(exchange, alice, commands, "twice-1")
    assert statuses(first) == [201, 200, 200, 422]
    _, again = await send(exchange, alice, commands, "twice-1")
    for one, other in zip(first["results"], again["results"], strict=True):
        varying = {"request_id": other["body"].get("request_id")} if "code" in one["body"] else {}
        assert other["body"] == {**one["body"], "replayed": True, **varying}
    changed = [buy("11"), *commands[1:]]
    _, reply = await send(exchange, alice, changed, "twice-1")
    assert statuses(reply) == [409, 200, 200, 422]
    assert reply["results"][0]["body"]["code"] == "IDEMPOTENCY_MISMATCH"
    status, alone = await exchange.ask(alice, "GET", "/order?idempotency_key=twice-1:0")
    assert (status, alone["price"]) == (200, "10")
    status, refused = await exchange.ask(alice, "GET", "/order?idempotency_key=own")
    assert (status, refused["code"]) == (422, "INSUFFICIENT_FUNDS")
    assert (await exchange.balance(alice, "INR"))[1] == "42"
    await sweep(exchange, alice)


async def test_a_hundred_full_orders_are_one_batch(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "hundred")
    more = {"self_trade": "expire_taker", "post_only": True, "response": "result", "type": "limit"}
    more |= {"time_in_force": "gtd", "expires_at_ns": 2**62, "display_quantity": "1"}
    commands = [
        buy(f"{i + 1}", "2", client_order_id="c" * 60 + str(i), idempotency_key=f"h{i}", **more)
        for i in range(100)
    ]
    status, reply = await send(exchange, alice, commands)
    assert (status, set(statuses(reply))) == (200, {201}), reply
    assert [result["body"]["price"] for result in reply["results"]] == [
        f"{i + 1}" for i in range(100)
    ]
    _, reply = await exchange.ask(alice, "DELETE", "/order/open")
    assert reply["count"] == 100


REFUSED: dict[str, tuple[Commands, str, str]] = {
    "nothing": ([], "INVALID_FIELD", "commands"),
    "too many": ([buy("1")] * 101, "INVALID_FIELD", "commands"),
    "a number": ([buy("1"), {**buy("1"), "price": 1}], "AMOUNT_NOT_TEXT", "commands[1].price"),
    "off the grid": ([buy("1"), buy("0.01")], "INVALID_TICK", "commands[1].price"),
    "no market": ([buy("1"), buy("1", market="NO")], "UNKNOWN_MARKET", "commands[1].market"),
    "no price": ([{**buy("1"), "price": None}], "MISSING_FIELD", "commands[0].price"),
    "no op": ([{"order_id": 1}], "MISSING_FIELD", "commands[0].op"),
    "another op": ([{"op": "x" * 99, "order_id": 1}], "INVALID_FIELD", "commands[0].op"),
    "no name": ([{"op": "cancel"}], "MISSING_FIELD", "commands[0].order_id"),
    "nothing new": ([{"op": "amend", "order_id": 1}], "MISSING_FIELD", "commands[0].quantity"),
    "a stranger": ([buy("1", prize="1")], "UNKNOWN_FIELD", "commands[0].prize"),
    "of cancels": (
        [{"op": "cancel", "order_id": 1, "price": "1"}], "UNKNOWN_FIELD", "commands[0].price",
    ),
    "a user": ([buy("1", uid=1)], "USER_ID_NOT_ALLOWED", "commands[0].uid"),
    "a form": ([buy("1", response="x")], "INVALID_FIELD", "commands[0].response"),
    "a bad key": (
        [buy("1", idempotency_key="a b")], "INVALID_IDEMPOTENCY_KEY", "commands[0].idempotency_key",
    ),
    "the operator's key": (
        [buy("1", idempotency_key="deposit:1")],
        "INVALID_IDEMPOTENCY_KEY",
        "commands[0].idempotency_key",
    ),
    "one key for two": (
        [buy("1", idempotency_key="batch:1"), buy("2")],
        "INVALID_IDEMPOTENCY_KEY",
        "commands[1].idempotency_key",
    ),
}  # fmt: skip


async def test_a_batch_that_is_not_understood_is_refused_before_anything_is_sent(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "refused")
    state = await exchange.state()
    for case, (commands, code, field) in REFUSED.items():
        status, reply = await send(exchange, alice, commands, "batch")
        assert (status // 100, reply["code"], reply["field"]) == (4, code, field), case
        assert "x" * 65 not in str(reply), case
    assert await exchange.state() == state


async def test_the_key_of_a_batch_makes_no_key_of_the_exchange(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "makes")
    for key in ("deposit", "withdrawal"):
        status, reply = await send(exchange, alice, [buy("1")], key)
        expected = (422, "INVALID_IDEMPOTENCY_KEY", "Idempotency-Key")
        assert (status, reply["code"], reply["field"]) == expected


async def test_the_key_of_a_batch_leaves_room_for_the_places(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "room")
    status, reply = await send(exchange, alice, [buy("1")], "k" * 62)
    assert (status, reply["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")
    status, reply = await send(exchange, alice, [buy("1")] * 100, "k" * 61)
    assert (status, set(statuses(reply))) == (200, {201})
    await exchange.ask(alice, "DELETE", "/order/open")


@pytest.mark.parametrize("key", ["deposit", "withdrawal"])
async def test_the_key_of_a_batch_makes_no_key_of_the_exchanges_own(
    exchange: Exchange, key: str
) -> None:
    alice, _ = await two_users(exchange, f"own-{key}")
    status, reply = await send(exchange, alice, [buy("1")], key)
    assert (status, reply["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")
    assert reply["field"] == "Idempotency-Key"
    assert (await exchange.balance(alice, "INR"))[1] == "0"


async def test_a_body_of_64_kib_is_for_batches_only(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "large")
    body = {"commands": [buy("1", extra="x" * 65_536)]}
    status, reply = await exchange.ask(alice, "POST", PATH, body)
    assert (status, reply["code"]) == (413, "BODY_TOO_LARGE")
    body = {"commands": [buy("1", extra="x" * 65_000)]}
    status, reply = await exchange.ask(alice, "POST", f"{PATH}/", body)
    assert (status, reply["code"]) == (422, "UNKNOWN_FIELD")
    status, reply = await exchange.ask(alice, "POST", "/order", buy("1", extra="x" * 17_000))
    assert (status, reply["code"]) == (413, "BODY_TOO_LARGE")


async def test_commands_whose_answers_are_late_are_told_where_they_will_be(
    exchange: Exchange, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "late")
    await exchange.place(alice, "buy", "10", "1")
    with monkeypatch.context() as patch:
        patch.setattr(exchange.gateway.bus, "_reply_timeout_s", 0.1)
        engine.service.signal(signal.SIGSTOP)
        try:
            status, reply = await send(exchange, alice, [buy("10"), buy("11")], "late-1")
        finally:
            engine.service.signal(signal.SIGCONT)
    assert (status, statuses(reply)) == (200, [202, 202])
    assert await exchange.gateway.bus.wait_until_ready(READY_S)
    await exchange.place(alice, "buy", "10", "1")
    for result, price in zip(reply["results"], ("10", "11"), strict=True):
        status, order = await exchange.ask(alice, "GET", result["body"]["status_url"])
        assert (status, order["price"], order["n"]) == (200, price, result["body"]["n"])
    await sweep(exchange, alice)


def answering(exchange: Exchange, patch: pytest.MonkeyPatch, outcomes: list[Outcome]) -> None:
    async def submit_batch(commands: list[Command]) -> list[Outcome]:
        assert len(commands) == len(outcomes)
        return outcomes

    patch.setattr(exchange.gateway.bus, "submit_batch", submit_batch)


async def test_a_batch_that_was_not_taken_is_a_503_and_a_broken_line_a_504(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "broken")
    commands = [buy("10"), buy("11", idempotency_key="eleven")]
    refused = NotAccepted(Refusal.BUSY, "Busy.")
    with monkeypatch.context() as patch:
        answering(exchange, patch, [refused, refused])
        status, reply = await send(exchange, alice, commands, "broken-1")
        assert (status, reply["code"], reply["idempotency_key"]) == (503, "BUSY", "broken-1")
        answering(exchange, patch, [Unknown(), Unknown()])
        status, reply = await send(exchange, alice, commands, "broken-1")
        assert (status, reply["code"]) == (504, "UNKNOWN_OUTCOME")
    urls = reply["status_urls"]
    assert [url.partition("=")[2] for url in urls] == ["broken-1:0", "eleven"]
    for url in urls:
        status, reply = await exchange.ask(alice, "GET", url)
        assert (status, reply["code"]) == (404, "UNKNOWN_IDEMPOTENCY_KEY")


async def test_of_a_broken_line_what_is_known_is_told(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "partly")
    commands = [buy("10"), buy("11")]
    _, reply = await send(exchange, alice, commands, "partly-1")
    with monkeypatch.context() as patch:
        bus = exchange.gateway.bus

        async def half(batch: list[Command], submit: Any = bus.submit_batch) -> list[Outcome]:
            first, _ = await submit(batch)
            return [first, Unknown()]

        patch.setattr(bus, "submit_batch", half)
        status, reply = await send(exchange, alice, commands, "partly-1")
    assert (status, statuses(reply)) == (200, [201, 504])
    status_url = reply["results"][1]["body"]["status_url"]
    status, order = await exchange.ask(alice, "GET", status_url)
    assert (status, order["price"]) == (200, "11")
    await sweep(exchange, alice)


async def test_an_answer_that_is_known_is_given_again_and_nothing_is_sent_for_it(
    client: httpx.AsyncClient, gateway: Gateway, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await token_for(client, "alice")
    found = await gateway.users.find("alice")
    assert found is not None
    account_id = found[0].account_id
    refused = CommandResult(7, 1, 9, b"f" * 8, Reject.NOTHING_TO_AMEND, named_order_id=5)
    sent: list[Command] = []

    async def submit_batch(commands: list[Command]) -> list[Outcome]:
        sent.extend(commands)
        return [Accepted(n) for n, _ in enumerate(commands, start=10)]

    monkeypatch.setattr(gateway.bus, "submit_batch", submit_batch)
    with Rows(redis_url) as rows:
        rows.market()
        rows.result(account_id, "b:1", refused)  # Its order is forgotten by now.
    amend = {"op": "amend", "order_id": 5, "quantity": "1"}
    for commands, count in (([buy("10"), amend], 1), ([{**amend, "idempotency_key": "b:1"}], 0)):
        sent.clear()
        batch_headers = {**headers, "Idempotency-Key": "b"}
        response = await client.post(PATH, json={"commands": commands}, headers=batch_headers)
        last = response.json()["results"][-1]
        assert (last["status"], last["body"]["code"]) == (422, "NOTHING_TO_AMEND")
        assert (last["body"]["n"], last["body"]["replayed"]) == (7, True)
        assert len(sent) == count

    async def refuse(commands: list[Command]) -> list[Outcome]:
        return [NotAccepted(Refusal.BUSY, "Busy.")] * len(commands)

    monkeypatch.setattr(gateway.bus, "submit_batch", refuse)
    response = await client.post(PATH, json={"commands": [buy("10"), amend]}, headers=batch_headers)
    assert response.status_code == 503, "nothing was sent, whatever was known before"
