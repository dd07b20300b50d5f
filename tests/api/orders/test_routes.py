"""Orders from HTTP to the committed answer, through the real engine."""

import asyncio
import signal
from decimal import Decimal

import pytest

from api.edge.errors import ApiError
from tests.api.conftest import READY_S, Engine
from tests.api.exchange import Exchange, sweep, two_users


async def test_an_order_rests_fills_and_moves_the_money(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "fills")
    resting = await exchange.place(alice, "sell", "100", "10", client_order_id="first")
    assert (resting["status"], resting["filled_quantity"]) == ("open", "0")
    assert (resting["price"], resting["quantity"]) == ("100", "10")
    assert (resting["client_order_id"], resting["replayed"]) == ("first", False)
    assert await exchange.balance(alice, "TATA") == ("990", "10")
    taken = await exchange.place(bob, "BUY", "101", "4")
    assert (taken["status"], taken["filled_quantity"]) == ("filled", "4")
    (fill,) = taken["fills"]
    assert (fill["price"], fill["quantity"]) == ("100", "4")
    assert taken["filled_quote"] == "400"
    assert taken["sequence"] > resting["sequence"]
    depth = (await exchange.client.get("/depth?market=TATA_INR")).json()
    assert depth["asks"] == [["100", "6"]]
    trades = (await exchange.client.get("/trades?market=TATA_INR&limit=1")).json()["trades"]
    assert (trades[0]["price"], trades[0]["quantity"], trades[0]["side"]) == ("100", "4", "buy")
    status, seen = await exchange.ask(bob, "GET", f"/order/{taken['order_id']}")
    assert (status, seen["status"]) == (200, "filled")
    inr, _ = await exchange.balance(alice, "INR")
    assert inr == "100400"
    await sweep(exchange, alice)
    assert await exchange.balance(alice, "TATA") == ("996", "0")


async def test_the_same_key_has_one_effect_and_one_answer(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "keys")
    first = await exchange.place(alice, "buy", "50", "2", key="k-1")
    again = await exchange.place(alice, "buy", "50", "2", key="k-1")
    assert again == {**first, "replayed": True}
    other = {"market": "TATA_INR", "side": "buy", "price": "50", "quantity": "3"}
    status, reply = await exchange.ask(alice, "POST", "/order", other, "k-1")
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    status, reply = await exchange.ask(alice, "GET", "/order?idempotency_key=k-1")
    assert (status, reply["order_id"]) == (200, first["order_id"])
    theirs = await exchange.place(bob, "buy", "50", "3", key="k-1")
    assert theirs["order_id"] != first["order_id"]
    assert (await exchange.balance(alice, "INR"))[1] == "100"
    await sweep(exchange, alice, bob)


async def test_a_key_sent_many_times_at_once_has_one_effect(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "storm")
    body = {"market": "TATA_INR", "side": "buy", "price": "10", "quantity": "1"}
    replies = await asyncio.gather(
        *(exchange.ask(alice, "POST", "/order", body, "storm") for _ in range(30))
    )
    assert {status for status, _ in replies} == {201}
    assert len({reply["order_id"] for _, reply in replies}) == 1
    assert sum(not reply["replayed"] for _, reply in replies) == 1
    assert (await exchange.balance(alice, "INR"))[1] == "10"
    await sweep(exchange, alice)


async def test_a_refusal_is_remembered_under_its_key_too(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "poor")
    body = {"market": "TATA_INR", "side": "buy", "price": "1000", "quantity": "1000"}
    for replayed in (False, True):
        status, reply = await exchange.ask(alice, "POST", "/order", body, "poor")
        assert (status, reply["code"], reply["replayed"]) == (422, "INSUFFICIENT_FUNDS", replayed)
        assert reply["n"] > 0


async def test_orders_that_may_not_rest_expire_with_a_reason(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "expire")
    await exchange.place(alice, "sell", "300", "5")
    ioc = await exchange.place(bob, "buy", "300", "8", time_in_force="IOC")
    assert (ioc["status"], ioc["filled_quantity"], ioc["reason"]) == (
        "expired",
        "5",
        "ioc_remainder",
    )
    fok = await exchange.place(bob, "buy", "300", "8", time_in_force="fok")
    assert (fok["status"], fok["filled_quantity"], fok["reason"]) == (
        "expired",
        "0",
        "fok_not_fillable",
    )
    body = {"market": "TATA_INR", "side": "buy", "type": "market", "quantity": "1"}
    status, reply = await exchange.ask(bob, "POST", "/order", body)
    assert (status, reply["status"], reply["reason"]) == (201, "expired", "market_remainder")
    assert await exchange.balance(bob, "INR") == ("98500", "0")


async def test_a_market_buy_spends_at_most_its_budget(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "budget")
    await exchange.place(alice, "sell", "100", "50")
    body = {"market": "TATA_INR", "side": "buy", "type": "market", "quote_quantity": "1050"}
    status, reply = await exchange.ask(bob, "POST", "/order", body)
    assert status == 201
    assert (reply["quote_quantity"], reply["price"], reply["quantity"]) == ("1050", None, None)
    available, held = await exchange.balance(bob, "INR")
    assert held == "0"
    assert Decimal(98_950) <= Decimal(available) < Decimal(99_050)
    await sweep(exchange, alice)


async def test_cancel_by_each_of_its_names(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "cancel")
    for number, how in enumerate(("path", "query", "body", "name", "name in query")):
        name = f"n{number}"
        order = await exchange.place(alice, "buy", "10", "1", client_order_id=name)
        order_id = order["order_id"]
        requests: dict[str, tuple[str, object]] = {
            "path": (f"/api/v1/order/{order_id}/", None),
            "query": (f"/order?order_id={order_id}", None),
            "body": ("/order/", {"order_id": order_id}),
            "name": ("/api/v1/order", {"client_order_id": name}),
            "name in query": (f"/order?client_order_id={name}", None),
        }
        path, body = requests[how]
        status, reply = await exchange.ask(alice, "DELETE", path, body)
        assert (status, reply["status"], reply["order_id"]) == (200, "cancelled", order_id)
        status, reply = await exchange.ask(alice, "DELETE", path, body)
        assert (status, reply["code"]) == (404, "UNKNOWN_ORDER")
    assert (await exchange.balance(alice, "INR"))[1] == "0"


async def test_an_amendment_changes_quantity_and_price(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "amend")
    order = await exchange.place(alice, "buy", "10", "5", client_order_id="mine")
    body = {"order_id": order["order_id"], "quantity": "2"}
    status, reply = await exchange.ask(alice, "PATCH", "/order", body)
    assert (status, reply["quantity"], reply["status"]) == (200, "2", "open")
    assert (await exchange.balance(alice, "INR"))[1] == "20"
    status, reply = await exchange.ask(alice, "PATCH", "/order", body)
    assert (status, reply["code"]) == (422, "NOTHING_TO_AMEND")
    body = {"client_order_id": "mine", "quantity": "3", "price": "9.5"}
    status, reply = await exchange.ask(alice, "PATCH", "/order", body)
    assert (status, reply["quantity"], reply["price"]) == (200, "3", "9.5")
    assert (await exchange.balance(alice, "INR"))[1] == "28.5"
    await sweep(exchange, alice)


async def test_a_repeated_amendment_is_replayed_even_when_its_order_is_gone(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "again")
    await exchange.place(alice, "buy", "10", "5", client_order_id="mine")
    body = {"client_order_id": "mine", "quantity": "2"}
    first = await exchange.ask(alice, "PATCH", "/order", body, "amend-1")
    await sweep(exchange, alice)
    await exchange.place(alice, "buy", "10", "5", client_order_id="mine")
    status, reply = await exchange.ask(alice, "PATCH", "/order", body, "amend-1")
    assert (status, reply) == (200, {**first[1], "replayed": True})
    assert (await exchange.balance(alice, "INR"))[1] == "50"
    await sweep(exchange, alice)


async def test_a_refused_amendment_is_replayed_even_when_its_order_is_gone(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "refused")
    await exchange.place(alice, "buy", "10", "5", client_order_id="mine")
    body = {"client_order_id": "mine", "quantity": "5"}
    status, first = await exchange.ask(alice, "PATCH", "/order", body, "amend-2")
    assert (status, first["code"]) == (422, "NOTHING_TO_AMEND")
    await sweep(exchange, alice)
    status, reply = await exchange.ask(alice, "PATCH", "/order", body, "amend-2")
    assert (status, reply["n"], reply["replayed"]) == (422, first["n"], True)


async def test_a_refused_amendment_of_no_order_is_remembered(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "never")
    body = {"client_order_id": "later", "quantity": "1"}
    status, first = await exchange.ask(alice, "PATCH", "/order", body, "amend-3")
    assert (status, first["code"], first["replayed"]) == (404, "UNKNOWN_ORDER", False)
    await exchange.place(alice, "buy", "10", "5", client_order_id="later")
    status, reply = await exchange.ask(alice, "PATCH", "/order", body, "amend-3")
    assert (status, reply["n"], reply["replayed"]) == (404, first["n"], True)
    other = {**body, "quantity": "2"}
    status, reply = await exchange.ask(alice, "PATCH", "/order", other, "amend-3")
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    assert (await exchange.balance(alice, "INR"))[1] == "50"
    await sweep(exchange, alice)


async def test_a_status_url_is_not_answered_with_anothers_answer(
    exchange: Exchange, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "url")
    await exchange.place(alice, "buy", "10", "5", key="url-1")
    again = {"market": "TATA_INR", "side": "buy", "price": "10", "quantity": "5"}
    bodies = (again, {**again, "quantity": "7"})
    monkeypatch.setattr(exchange.gateway.bus, "_reply_timeout_s", 0.1)
    engine.service.signal(signal.SIGSTOP)
    try:
        told = await asyncio.gather(
            *(exchange.ask(alice, "POST", "/order", body, "url-1") for body in bodies)
        )
    finally:
        engine.service.signal(signal.SIGCONT)
    monkeypatch.undo()
    assert [status for status, _ in told] == [202, 202]
    assert await exchange.gateway.bus.wait_until_ready(READY_S)
    await exchange.place(alice, "buy", "10", "1")
    status, reply = await exchange.ask(alice, "GET", told[0][1]["status_url"])
    assert (status, reply["quantity"], reply["replayed"]) == (200, "5", True)
    status, reply = await exchange.ask(alice, "GET", told[1][1]["status_url"])
    assert (status, reply["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    await sweep(exchange, alice)


async def test_an_order_of_a_market_that_is_newer_than_the_list_is_cancelled(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "newer")
    order = await exchange.place(alice, "buy", "10", "5")
    exchange.gateway.catalog.markets = {}
    status, reply = await exchange.ask(alice, "DELETE", f"/order/{order['order_id']}")
    assert (status, reply["status"]) == (200, "cancelled")


async def test_what_is_carried_out_is_never_refused_for_want_of_its_units(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "units")
    order = await exchange.place(alice, "buy", "10", "5")
    catalog = exchange.gateway.catalog

    async def no_list(_after_s: float = 0.0) -> None:
        raise ApiError("REDIS_UNAVAILABLE")

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "markets", {})
        patch.setattr(catalog, "refresh", no_list)
        status, reply = await exchange.ask(alice, "DELETE", f"/order/{order['order_id']}")
    assert (status, reply["code"]) == (202, "ACCEPTED")
    status, reply = await exchange.ask(alice, "GET", reply["status_url"])
    assert (status, reply["status"]) == (200, "cancelled")


async def test_anothers_order_and_an_unknown_one_get_the_same_answer(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "owner")
    order = await exchange.place(alice, "buy", "10", "5", client_order_id="secret")
    theirs, unknown = order["order_id"], 2**60
    state = await exchange.state()
    for method, path, body in (
        ("GET", "/order/{id}", None),
        ("GET", "/order?order_id={id}", None),
        ("DELETE", "/order/{id}", None),
        ("DELETE", "/order?order_id={id}", None),
        ("PATCH", "/order", {"quantity": "1"}),
    ):
        answers = []
        for order_id in (theirs, unknown):
            content = {**body, "order_id": order_id} if body else None
            status, reply = await exchange.ask(bob, method, path.format(id=order_id), content)
            varying = ("request_id", "n", "sequence", "idempotency_key")
            answers.append((status, {k: v for k, v in reply.items() if k not in varying}))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    status, _ = await exchange.ask(bob, "DELETE", "/order?client_order_id=secret")
    assert status == 404
    assert await exchange.state() == state
    await sweep(exchange, alice)


async def test_a_client_order_id_is_unique_among_the_open_ones(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "names")
    await exchange.place(alice, "buy", "10", "1", client_order_id="grid")
    body = {"market": "TATA_INR", "side": "buy", "price": "9", "quantity": "1"}
    status, reply = await exchange.ask(alice, "POST", "/order", {**body, "client_order_id": "grid"})
    assert (status, reply["code"]) == (409, "DUPLICATE_CLIENT_ORDER_ID")
    await exchange.ask(alice, "DELETE", "/order?client_order_id=grid")
    await exchange.place(alice, "buy", "10", "1", client_order_id="grid")
    await sweep(exchange, alice)


async def test_bad_input_is_refused_and_changes_nothing(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "golden")
    await exchange.place(alice, "buy", "10", "1")
    state = await exchange.state()
    good = {"market": "TATA_INR", "side": "buy", "price": "10", "quantity": "1"}
    amounts: tuple[object, ...] = (
        *("NaN", "Infinity", "-Infinity", "-1", "0", "1e308", "1E5", "0.0001", "\u0661\u0662"),
        *("", " 1", "1 ", "+1", "01", "1.", ".1", "1,000", "0x1", "9" * 30, "9" * 18),
        *(1, 1.5, -1, 1e308, None, True, [], {}, ["1"]),
    )
    bodies: list[object] = [
        {**good, field: amount} for field in ("price", "quantity") for amount in amounts
    ]
    bodies += [
        {**good, "user_id": 1},
        {**good, "extra": 1},
        {**good, "market": "NO_SUCH"},
        {**good, "market": "tata_inr"},
        {**good, "market": "TATA_INR\u0000"},
        {**good, "side": "both"},
        {**good, "type": "stop"},
        {**good, "time_in_force": "day"},
        {**good, "client_order_id": "\u0661"},
        {},
        [],
        "text",
        None,
        1,
    ]
    for body in bodies:
        status, reply = await exchange.ask(alice, "POST", "/order", body)
        assert 400 <= status < 500, (body, reply)
        assert reply["code"], (body, reply)
        assert set(reply) >= {"code", "message", "field", "request_id"}
    for key in ("x" * 65, "a b", "deposit:mine", "\u00e9"):
        pairs = {**exchange.tokens[alice], "Idempotency-Key": key}
        headers = {name.encode(): value.encode("latin-1") for name, value in pairs.items()}
        response = await exchange.client.post("/order", json=good, headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")
    assert await exchange.state() == state
    await sweep(exchange, alice)


async def test_a_reference_credits_once(exchange: Exchange) -> None:
    await exchange.user("carol.credit", INR="5")
    account_id = exchange.accounts["carol.credit"]
    deposits = exchange.gateway.money.deposits
    first = await deposits.credit(account_id, "INR", 100, "carol-ref")
    again = await deposits.credit(account_id, "INR", 100, "carol-ref")
    assert (first.n, first.replayed, again.n, again.replayed) == (first.n, False, first.n, True)
    assert await exchange.balance("carol.credit", "INR") == ("6", "0")


async def test_an_answer_can_be_read_at_once(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "reads")
    for _ in range(20):
        order = await exchange.place(alice, "buy", "10", "1")
        path = f"/order/open?min_sequence={order['sequence']}"
        _, reply = await exchange.ask(alice, "GET", path)
        assert order["order_id"] in {row["order_id"] for row in reply["orders"]}
    await sweep(exchange, alice)


async def test_when_the_engine_dies_orders_are_refused_and_then_carried_out_again(
    exchange: Exchange, engine: Engine
) -> None:
    alice, _ = await two_users(exchange, "dies")
    before = await exchange.place(alice, "buy", "10", "1", key="before")
    service = engine.service
    service.kill()
    body = {"market": "TATA_INR", "side": "buy", "price": "11", "quantity": "1"}
    status, reply = await exchange.ask(alice, "POST", "/order", body, "during")
    assert status in (202, 503), reply
    service.start()
    assert await exchange.gateway.bus.wait_until_ready(READY_S), service.log_tail()
    again = await exchange.place(alice, "buy", "10", "1", key="before")
    assert again == {**before, "replayed": True}
    during = await exchange.place(alice, "buy", "11", "1", key="during")
    _, reply = await exchange.ask(alice, "GET", "/order/open")
    open_ids = [row["order_id"] for row in reply["orders"]]
    assert open_ids == [before["order_id"], during["order_id"]]
    await sweep(exchange, alice)
