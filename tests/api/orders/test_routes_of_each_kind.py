"""Orders that wait, hide, end by themselves or all at once, through the real engine."""

import time

from tests.api.exchange import Exchange, sweep, two_users
from tests.support.deadlines import eventually_async


async def test_an_amendment_that_crosses_the_book_trades(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "cross")
    await exchange.place(bob, "sell", "20", "4")
    order = await exchange.place(alice, "buy", "10", "5")
    body = {"order_id": order["order_id"], "price": "21"}
    status, reply = await exchange.ask(alice, "PATCH", "/order", body)
    assert (status, reply["status"], reply["price"]) == (200, "partially_filled", "21")
    assert [(fill["price"], fill["quantity"]) for fill in reply["fills"]] == [("20", "4")]
    await sweep(exchange, alice)


async def test_a_stop_waits_is_triggered_and_shown_all_the_while(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "stop")
    await exchange.place(bob, "sell", "20", "1")
    await exchange.place(alice, "buy", "20", "1")
    await exchange.place(bob, "sell", "22", "5")
    body = {"market": "TATA_INR", "side": "buy", "type": "stop", "stop_price": "21"}
    status, stop = await exchange.ask(alice, "POST", "/order", {**body, "quantity": "2"})
    assert (status, stop["status"], stop["stop_price"]) == (201, "pending", "21")
    _, shown = await exchange.ask(alice, "GET", "/order/open")
    assert [order["order_id"] for order in shown["orders"]] == [stop["order_id"]]
    taker = await exchange.place(bob, "buy", "22", "1")
    assert len(taker["fills"]) == 1, "the stop's trade is not the taker's"
    _, fired = await exchange.ask(alice, "GET", f"/order/{stop['order_id']}")
    assert (fired["status"], fired["filled_quantity"]) == ("filled", "2")
    await sweep(exchange, alice, bob)


async def test_a_gtd_order_ends_by_itself_when_nobody_sends_anything(exchange: Exchange) -> None:
    alice, _ = await two_users(exchange, "gtd")
    expires_at_ns = time.time_ns() + 300_000_000
    order = await exchange.place(
        alice, "buy", "10", "5", time_in_force="gtd", expires_at_ns=expires_at_ns
    )
    assert (order["status"], order["expires_at_ns"]) == ("open", expires_at_ns)

    async def expired() -> bool:
        _, reply = await exchange.ask(alice, "GET", f"/order/{order['order_id']}")
        return bool(reply["status"] == "expired")

    await eventually_async(expired)
    assert await exchange.balance(alice, "INR") == ("100000", "0")


async def test_a_rule_of_an_order_is_refused_by_its_outside_name(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "rules")
    await exchange.place(bob, "sell", "20", "1")
    body = {"market": "TATA_INR", "side": "buy", "price": "20", "quantity": "1", "post_only": True}
    status, reply = await exchange.ask(alice, "POST", "/order", body)
    assert (status, reply["code"]) == (409, "POST_ONLY_WOULD_TAKE")
    body = {"market": "TATA_INR", "side": "buy", "price": "10", "quantity": "2"}
    body |= {"display_quantity": "2"}
    status, reply = await exchange.ask(alice, "POST", "/order", body)
    assert (status, reply["code"], reply["field"]) == (
        422,
        "INVALID_DISPLAY_QUANTITY",
        "display_quantity",
    )
    await sweep(exchange, bob)


async def test_a_cancel_all_ends_what_was_named_once(exchange: Exchange) -> None:
    alice, bob = await two_users(exchange, "all")
    for price in ("10", "11", "12"):
        await exchange.place(alice, "buy", price, "1")
    await exchange.place(alice, "sell", "40", "1")
    await exchange.place(bob, "buy", "10", "1")
    path = "/api/v1/order/open?market=TATA_INR&side=buy"
    status, reply = await exchange.ask(alice, "DELETE", path, key="all-1")
    assert (status, reply["count"], reply["replayed"]) == (200, 3, False)
    assert await exchange.ask(alice, "DELETE", path, key="all-1") == (
        200,
        {**reply, "replayed": True},
    )
    _, shown = await exchange.ask(alice, "GET", "/order/open")
    assert [order["side"] for order in shown["orders"]] == ["sell"]
    status, reply = await exchange.ask(alice, "DELETE", "/order/open")
    assert (status, reply["count"]) == (200, 1)
    status, reply = await exchange.ask(alice, "DELETE", "/order/open")
    assert (status, reply["count"]) == (200, 0)
    for path, code in (
        ("/order/open?market=NOPE", "UNKNOWN_MARKET"),
        ("/order/open?side=up", "INVALID_FIELD"),
        ("/order/open?all=1", "UNKNOWN_PARAMETER"),
    ):
        assert (await exchange.ask(alice, "DELETE", path))[1]["code"] == code
    assert (await exchange.balance(bob, "INR"))[1] == "10"
    await sweep(exchange, bob)
