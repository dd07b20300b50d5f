"""Pairs, forms of answers, the cancel timer, and what is told of them later; on the real engine."""

import asyncio
import signal
from typing import Any

import pytest

from tests.api.conftest import READY_S, Engine
from tests.api.exchange import Exchange, Reply, sweep, two_users
from tests.support.deadlines import eventually_async

BUY = {"market": "TATA_INR", "side": "buy", "price": "95", "quantity": "2"}
STOP = {"market": "TATA_INR", "side": "buy", "type": "stop", "stop_price": "110", "quantity": "2"}
SELL = {"market": "TATA_INR", "side": "sell", "price": "120", "quantity": "2"}
OCO = {"limit": {**BUY, "client_order_id": "low"}, "stop": {**STOP, "client_order_id": "high"}}
OTO = {"parent": BUY, "child": SELL}


async def test_an_oco_pair_is_two_orders_that_know_of_each_other(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "oco")
    status, reply = await exchange.ask(alice, "POST", "/order/oco", OCO, "pair-1")
    assert status == 201, reply
    limit, stop = reply["limit"], reply["stop"]
    assert (limit["status"], limit["price"], limit["quantity"]) == ("open", "95", "2")
    assert (stop["status"], stop["stop_price"], stop["price"]) == ("pending", "110", None)
    assert limit["peer_order_id"] == stop["order_id"]
    assert stop["peer_order_id"] == limit["order_id"]
    assert await exchange.balance(alice, "INR") == ("99780", "220")
    again = await exchange.ask(alice, "POST", "/order/oco", OCO, "pair-1")
    assert again == (201, {**reply, "replayed": True})
    shown = await exchange.ask(alice, "GET", "/order?idempotency_key=pair-1")
    assert shown == (200, {**reply, "replayed": True}), "both orders, as they were then"
    path = f"/order/{limit['order_id']}"
    _, seen = await exchange.ask(alice, "GET", path)
    assert seen == limit, "an order has one shape, wherever it appears"
    await exchange.ask(alice, "DELETE", path)
    _, left = await exchange.ask(alice, "GET", "/order/open")
    assert left["orders"] == [], "the other one is cancelled with it"


async def test_an_oto_pair_shows_the_parents_fills_and_the_child_at_work(
    exchange: Exchange,
) -> None:
    alice, bob = await two_users(exchange, "oto")
    status, waiting = await exchange.ask(alice, "POST", "/order/oto", OTO, "pair-2")
    assert status == 201, waiting
    parent, child = waiting["parent"], waiting["child"]
    assert (parent["status"], child["status"], waiting["fills"]) == ("open", "pending", [])
    assert parent["child_order_id"] == child["order_id"]
    assert child["parent_order_id"] == parent["order_id"]
    await sweep(exchange, alice)
    await exchange.place(bob, "sell", "94", "2")
    status, reply = await exchange.ask(alice, "POST", "/order/oto", OTO, "pair-3")
    assert (status, reply["parent"]["status"], reply["child"]["status"]) == (201, "filled", "open")
    assert [(fill["price"], fill["quantity"]) for fill in reply["fills"]] == [("94", "2")]
    _, shown = await exchange.ask(alice, "GET", "/order?idempotency_key=pair-3")
    assert shown == {**reply, "replayed": True}
    await sweep(exchange, alice)


async def test_a_pair_that_the_engine_refuses_names_the_order_at_fault(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "pairless")
    state = await exchange.state()
    cases: list[tuple[str, object, str, str]] = [
        ("oco", {**OCO, "stop": {**STOP, "side": "sell"}}, "INVALID_ORDER_PAIR", "stop.side"),
        ("oco", {**OCO, "stop": {**STOP, "quantity": "3"}}, "INVALID_ORDER_PAIR", "stop.quantity"),
        ("oco", {**OCO, "stop": {**STOP, "stop_price": "0.01"}}, "INVALID_TICK", "stop.stop_price"),
        ("oco", {**OCO, "limit": {**BUY, "price": 95}}, "AMOUNT_NOT_TEXT", "limit.price"),
        ("oco", {**OCO, "stop": {**STOP, "market": "NOPE"}}, "UNKNOWN_MARKET", "stop.market"),
        ("oco", {"limit": BUY}, "MISSING_FIELD", "stop"),
        ("oco", {**OCO, "stop": {**STOP, "user_id": 1}}, "USER_ID_NOT_ALLOWED", "stop.user_id"),
        ("oco", {**OCO, "stop": {**STOP, "response": "ack"}}, "UNKNOWN_FIELD", "stop.response"),
        ("oto", {**OTO, "parent": STOP}, "INVALID_ORDER_PAIR", "parent.type"),
        ("oto", {**OTO, "child": {**SELL, "quantity": None}}, "MISSING_FIELD", "child.quantity"),
        ("oto", {**OTO, "extra": 1}, "UNKNOWN_FIELD", "extra"),
    ]
    for kind, body, code, field in cases:
        status, reply = await exchange.ask(alice, "POST", f"/order/{kind}", body)
        assert (status // 100, reply["code"], reply["field"]) == (4, code, field)
    assert await exchange.state() == state


def without(reply: Reply, *names: str) -> Reply:
    return {name: value for name, value in reply.items() if name not in names}


async def test_an_answer_shows_as_much_as_was_asked_for_a_replay_too(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "forms")
    await exchange.place(bob, "sell", "20", "1")
    body: dict[str, Any] = {"market": "TATA_INR", "side": "buy", "price": "20", "quantity": "3"}
    status, ack = await exchange.ask(
        alice, "POST", "/order", {**body, "client_order_id": "mine", "response": "ACK"}, "form-1"
    )
    assert status == 201
    assert ack == {
        "order_id": ack["order_id"],
        "client_order_id": "mine",
        "n": ack["n"],
        "sequence": ack["sequence"],
        "replayed": False,
        "idempotency_key": "form-1",
    }
    body["client_order_id"] = "mine"
    full = (await exchange.ask(alice, "POST", "/order", body, "form-1"))[1]
    result = await exchange.ask(alice, "POST", "/order", {**body, "response": "result"}, "form-1")
    assert full["fills"], "another form is no other request"
    assert result == (201, without(full, "fills"))
    assert {name: full[name] for name in ack} == {**ack, "replayed": True}
    assert (full["filled_quantity"], full["replayed"]) == ("1", True)
    amend = {"client_order_id": "mine", "quantity": "2", "response": "ack"}
    _, amended = await exchange.ask(alice, "PATCH", "/order", amend)
    assert set(amended) == set(ack)
    _, cancelled = await exchange.ask(alice, "DELETE", "/order?client_order_id=mine&response=ack")
    assert set(cancelled) == set(ack)
    order = await exchange.place(alice, "buy", "10", "1")
    path = f"/order/{order['order_id']}?response=result"
    _, cancelled = await exchange.ask(alice, "DELETE", path)
    assert cancelled["status"] == "cancelled"
    assert "fills" not in cancelled
    for refused in ({**body, "response": "all"}, {**body, "response": 1}):
        status, reply = await exchange.ask(alice, "POST", "/order", refused)
        assert (status, reply["code"], reply["field"]) == (422, "INVALID_FIELD", "response")


async def test_an_ack_of_a_pair_names_both_orders_and_no_more(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "pairack")
    _, ack = await exchange.ask(alice, "POST", "/order/oco", {**OCO, "response": "ack"}, "pa-1")
    assert set(ack) == {"limit", "stop", "n", "sequence", "replayed", "idempotency_key"}
    assert set(ack["limit"]) == {"order_id", "client_order_id"}
    assert ack["stop"]["client_order_id"] == "high"
    _, result = await exchange.ask(alice, "POST", "/order/oto", {**OTO, "response": "result"})
    assert result["reason"] == ""
    assert "fills" not in result
    await sweep(exchange, alice)


async def test_a_tested_order_is_checked_in_every_way_and_leaves_no_trace(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "tested")
    await exchange.place(alice, "buy", "10", "1", client_order_id="here")
    state = await exchange.state()
    path = "/api/v1/order/test"
    status, reply = await exchange.ask(alice, "POST", path, BUY, "test-1")
    assert (status, reply["valid"], reply["hold"], reply["asset"]) == (200, True, "190", "INR")
    shown = await exchange.ask(alice, "GET", "/order?idempotency_key=test-1")
    assert shown == (200, {**reply, "replayed": True})
    _, reply = await exchange.ask(alice, "POST", path, SELL)
    assert (reply["hold"], reply["asset"]) == ("2", "TATA")
    for changes, code, field in (
        ({"price": "95.01"}, "INVALID_TICK", "price"),
        ({"price": "100000"}, "INSUFFICIENT_FUNDS", "quantity"),
        ({"client_order_id": "here"}, "DUPLICATE_CLIENT_ORDER_ID", "client_order_id"),
        ({"display_quantity": "2"}, "INVALID_DISPLAY_QUANTITY", "display_quantity"),
        ({"market": "NOPE"}, "UNKNOWN_MARKET", "market"),
    ):
        tested = await exchange.ask(alice, "POST", path, {**BUY, **changes})
        placed = await exchange.ask(alice, "POST", "/order", {**BUY, **changes})
        assert (tested[1]["code"], tested[1]["field"]) == (code, field)
        varying = ("request_id", "n", "sequence", "idempotency_key")
        assert (tested[0], without(tested[1], *varying)) == (
            placed[0],
            without(placed[1], *varying),
        )
    assert await exchange.state() == state
    await sweep(exchange, alice)


async def test_a_cancel_timer_cancels_all_orders_when_nobody_sets_it_anew(
    exchange: Exchange,
) -> None:
    alice, _ = await two_users(exchange, "timer")
    path = "/api/v1/order/cancel-timer"
    order = await exchange.place(alice, "buy", "10", "1")
    status, reply = await exchange.ask(alice, "PUT", path, {"timeout_s": 1}, "timer-1")
    assert status == 200
    assert reply["cancel_at_ns"] > order["placed_at_ns"] + 1_000_000_000
    again = await exchange.ask(alice, "PUT", path, {"timeout_s": 1}, "timer-1")
    assert again == (200, {**reply, "replayed": True})
    _, done = await exchange.ask(alice, "GET", "/order?idempotency_key=timer-1")
    assert done["at_ns"] == reply["cancel_at_ns"] - 1_000_000_000
    assert without(done, "at_ns") == without(again[1], "cancel_at_ns")

    async def nothing_is_open() -> bool:
        _, reply = await exchange.ask(alice, "GET", "/order/open")
        return bool(reply["orders"] == [])

    await eventually_async(nothing_is_open)
    _, seen = await exchange.ask(alice, "GET", f"/order/{order['order_id']}")
    assert seen["status"] == "cancelled"


async def test_a_cancel_timer_can_be_taken_away_and_asked_for(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "timeroff")
    path = "/api/v1/order/cancel-timer"
    assert (await exchange.ask(alice, "GET", path))[1]["cancel_at_ns"] is None
    _, set_to = await exchange.ask(alice, "PUT", path, {"timeout_s": 86_400})
    min_path = f"{path}?min_sequence={set_to['sequence']}"
    _, shown = await exchange.ask(alice, "GET", min_path)
    assert shown["cancel_at_ns"] == set_to["cancel_at_ns"]
    _, taken_away = await exchange.ask(alice, "PUT", path, {"timeout_s": 0})
    assert taken_away["cancel_at_ns"] is None
    assert (await exchange.ask(alice, "GET", path))[1]["cancel_at_ns"] is None
    for timeout_s, code in (
        (-1, "INVALID_TIMEOUT"),
        (86_401, "INVALID_TIMEOUT"),
        (10**30, "INVALID_TIMEOUT"),
        (1.5, "INVALID_FIELD"),
        ("60", "INVALID_FIELD"),
        (True, "INVALID_FIELD"),
        (None, "INVALID_FIELD"),
    ):
        status, reply = await exchange.ask(alice, "PUT", path, {"timeout_s": timeout_s})
        assert (status, reply["code"], reply["field"]) == (422, code, "timeout_s")


async def test_what_is_late_is_told_so_by_every_kind_of_request_and_found_later(
    exchange: Exchange, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(exchange, "late")
    order = await exchange.place(alice, "buy", "10", "5")
    by_id = {"order_id": order["order_id"]}
    asked: list[tuple[str, str, object, str]] = [
        ("POST", "/order/oco", OCO, "limit"),
        ("POST", "/order/oto", OTO, "parent"),
        ("POST", "/order/test", BUY, "hold"),
        ("PATCH", "/order", {**by_id, "quantity": "4"}, "order_id"),
        ("DELETE", "/order", by_id, "order_id"),
        ("PUT", "/api/v1/order/cancel-timer", {"timeout_s": 60}, "at_ns"),
        ("DELETE", "/order/open", None, "count"),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(exchange.gateway.bus, "_reply_timeout_s", 0.1)
        engine.service.signal(signal.SIGSTOP)
        try:
            told = [
                await exchange.ask(alice, method, path, body) for method, path, body, _ in asked
            ]
        finally:
            engine.service.signal(signal.SIGCONT)
    assert [status for status, _ in told] == [202] * len(asked)
    assert await exchange.gateway.bus.wait_until_ready(READY_S)
    last = await exchange.place(alice, "buy", "10", "1")
    assert last["n"] == told[-1][1]["n"] + 1
    replies = await asyncio.gather(
        *(exchange.ask(alice, "GET", reply["status_url"]) for _, reply in told)
    )
    for (_, late), (status, reply), (*_, name) in zip(told, replies, asked, strict=True):
        assert (status, reply["n"], name in reply) == (200, late["n"], True)
    await sweep(exchange, alice)
