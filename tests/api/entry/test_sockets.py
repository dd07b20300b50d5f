"""Order entry on a real socket, with the real engine behind it."""

import asyncio
import contextlib
import signal
import socket
from collections import Counter

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.entry import limits, sockets
from tests.api.conftest import Engine
from tests.api.entry.clients import Reply, ask, hear, limit, log_in, tell
from tests.api.entry.conftest import Port
from tests.api.exchange import sweep, two_users
from tests.support.deadlines import eventually_async


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Return how the gateway closes the connection."""
    _, ending = await heard_until_closed(client)
    return ending


async def heard_until_closed(client: ClientConnection) -> tuple[list[Reply], tuple[int, str]]:
    """Return the answers, and how the gateway closes the connection after them."""
    answers: list[Reply] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            answers.append(await hear(client))
    assert client.close_code is not None
    return answers, (client.close_code, client.close_reason or "")


async def test_an_order_is_placed_amended_and_cancelled(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-life")
    async with connect(port.url) as client:
        welcome = await log_in(client, port.exchange.tokens[alice])
        assert welcome["body"]["account_id"] == port.exchange.accounts[alice]
        placed = await ask(client, op="place", id=1, body=limit("buy", "90", "2"))
        assert (placed["id"], placed["status"], placed["body"]["status"]) == (1, 201, "open")
        order_id = placed["body"]["order_id"]
        amended = await ask(
            client, op="amend", id="two", body={"order_id": order_id, "quantity": "1"}
        )
        assert (amended["id"], amended["status"]) == ("two", 200)
        assert amended["body"]["remaining_quantity"] == "1"
        gone = await ask(client, op="cancel", id=3, body={"order_id": order_id})
        assert (gone["status"], gone["body"]["status"]) == (200, "cancelled")


async def test_the_answer_is_that_of_the_rest_route(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-same")
    bodies = [limit("buy", "91"), limit("buy", "x"), limit("buy", "91", "9" * 12)]
    for number, body in enumerate(bodies):
        key = f"same-{number}"
        status, by_rest = await port.exchange.ask(alice, "POST", "/order", body, key)
        async with connect(port.url) as client:
            await log_in(client, port.exchange.tokens[alice])
            answer = await ask(client, op="place", id=1, idempotency_key=key, body=body)
        by_socket = answer["body"]
        assert answer["status"] == status
        # It was sent twice, and carried out once.
        assert (by_rest.get("replayed"), by_socket.get("replayed")) in ((False, True), (None, None))
        for field in ("request_id", "replayed"):
            by_rest.pop(field, None)
            by_socket.pop(field, None)
        assert by_socket == by_rest
    await sweep(port.exchange, alice)


async def test_every_op_has_somebody_who_carries_it_out(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-ops")
    stop = {"market": "TATA_INR", "side": "sell", "type": "stop", "stop_price": "50"}
    pair = {
        "limit": limit("sell", "150"),
        "stop": {**stop, "quantity": "1"},
    }
    family = {"parent": limit("buy", "80"), "child": limit("sell", "160")}
    batch = {"commands": [{"op": "place", **limit("buy", "81")} for _ in range(3)]}
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        statuses = {}
        for op, body in (
            ("test", limit("buy", "85")),
            ("place_oco", pair),
            ("place_oto", family),
            ("batch", batch),
            ("cancel_timer", {"timeout_s": 60}),
            ("cancel_all", {"market": "TATA_INR", "side": "buy"}),
            ("cancel_all", {}),
        ):
            answer = await ask(client, op=op, id=op, body=body)
            statuses[op] = answer["status"]
            if op == "batch":
                assert [each["status"] for each in answer["body"]["results"]] == [201] * 3
        assert statuses == {
            "test": 200,
            "place_oco": 201,
            "place_oto": 201,
            "batch": 200,
            "cancel_timer": 200,
            "cancel_all": 200,
        }
        pong = await ask(client, op="ping", id="p")
        assert pong["body"]["time_ns"] > 0


async def test_thousands_at_once_are_each_answered_once(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-many")
    count = 3 * limits.IN_FLIGHT_MAX
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        for number in range(count):
            await tell(client, op="place", id=number, body=limit("buy", "70"))
        answers = [await hear(client) for _ in range(count)]
        await ask(client, op="cancel_all", id="end", body={})
    assert Counter(answer["status"] for answer in answers) == {201: count}
    assert {answer["id"] for answer in answers} == set(range(count))
    assert len({answer["body"]["order_id"] for answer in answers}) == count


async def test_a_repeat_on_a_new_connection_is_the_same_order(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-repeat")
    request = {"op": "place", "idempotency_key": "once", "body": limit("buy", "75")}
    answers = []
    for number in range(2):
        async with connect(port.url) as client:
            await log_in(client, port.exchange.tokens[alice])
            answers.append((await ask(client, id=number, **request))["body"])
    assert [answer["replayed"] for answer in answers] == [False, True]
    assert answers[0]["order_id"] == answers[1]["order_id"]
    await sweep(port.exchange, alice)


async def test_who_leaves_with_orders_under_way_has_placed_them(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-leaves")
    client = await connect(port.url)
    await log_in(client, port.exchange.tokens[alice])
    await tell(client, op="place", id=1, idempotency_key="left", body=limit("buy", "76"))
    client.transport.abort()

    async def is_placed() -> bool:
        path = "/api/v1/order?idempotency_key=left"
        return (await port.exchange.ask(alice, "GET", path))[0] == 200

    await eventually_async(is_placed)
    await sweep(port.exchange, alice)


async def test_a_stopping_gateway_answers_first_and_then_says_so(
    port: Port, engine: Engine
) -> None:
    alice, _ = await two_users(port.exchange, "ws-stop")
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        [own] = port.hub.sockets
        engine.service.signal(signal.SIGSTOP)
        try:
            for number in range(50):
                await tell(client, op="place", id=number, body=limit("buy", "71"))
            await eventually_async(lambda: own.session.in_flight == 50)
            port.server.should_exit = True
            await eventually_async(lambda: not own.session.takes_more)
        finally:
            engine.service.signal(signal.SIGCONT)
        answers, ending = await heard_until_closed(client)
    assert ending == (1012, "the service restarts; reconnect")
    assert [answer["status"] for answer in answers] == [201] * 50
    await sweep(port.exchange, alice)


async def test_without_a_token_in_time_it_is_closed(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTH_WITHIN_NS", 1)
    async with connect(port.url) as client:
        assert await closed(client) == (4401, "no token within 5 s")


async def test_a_message_that_is_too_large_ends_the_connection(port: Port) -> None:
    async with connect(port.url) as client:
        await client.send("x" * 70_000)
        assert (await closed(client))[0] == 1009


async def test_binary_frames_are_refused(port: Port) -> None:
    async with connect(port.url) as client:
        await client.send(b"{}")
        assert (await closed(client))[0] == 1003


async def test_compression_is_never_agreed_on(port: Port) -> None:
    async with connect(port.url, compression="deflate") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/ws", {"Origin": "https://evil.example"}, 403),
        ("/api/v1/order", {}, 404),
        ("/ws", {}, 404),
    ],
)
async def test_who_may_not_come_in_gets_an_answer(
    port: Port, path: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{port.number}{path}", additional_headers=headers)
    assert refused.value.response.status_code == status
    assert port.hub.counts.total == 0


async def test_a_listed_page_comes_in(port: Port) -> None:
    async with connect(port.url, additional_headers={"Origin": "https://desk.example"}):
        assert port.hub.counts.total == 1
    await eventually_async(lambda: port.hub.counts.total == 0)


async def test_one_connection_too_many_is_told_so(port: Port) -> None:
    port.hub.counts = limits.SocketCount(sockets_max=1)
    async with connect(port.url):
        with pytest.raises(InvalidStatus) as refused:
            await connect(port.url)
        assert refused.value.response.status_code == 503


async def test_an_account_has_so_many_connections_and_no_more(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-crowd")
    token = port.exchange.tokens[alice]
    port.hub.counts = limits.SocketCount(per_account_max=1)
    async with connect(port.url) as first:
        assert (await log_in(first, token))["status"] == 200
        async with connect(port.url) as second:
            assert (await log_in(second, token))["body"]["code"] == "TOO_MANY_CONNECTIONS"
    await eventually_async(lambda: port.hub.counts.total == 0)
    async with connect(port.url) as third:
        assert (await log_in(third, token))["status"] == 200


async def test_who_does_not_read_is_cut_off(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_MAX_NS", 1)
    monkeypatch.setattr(sockets, "TICK_S", 0.05)
    alice, _ = await two_users(port.exchange, "ws-stalls")
    client = await connect(port.url, max_queue=1)
    await log_in(client, port.exchange.tokens[alice])
    raw = client.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.transport.pause_reading()

    async def shout() -> None:
        while True:
            await tell(client, op="ping", id="x" * 60)

    with pytest.raises((ConnectionClosed, TimeoutError)):
        await asyncio.wait_for(shout(), 3)
    await eventually_async(lambda: port.hub.counts.total == 0)
    client.transport.abort()


async def test_a_connection_is_not_read_while_it_has_enough_under_way(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IN_FLIGHT_MAX", 2)
    alice, _ = await two_users(port.exchange, "ws-few")
    most = 0
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        [own] = port.hub.sockets
        for number in range(60):
            await tell(client, op="place", id=number, body=limit("buy", "72"))
        for _ in range(60):
            most = max(most, own.session.in_flight)
            assert (await hear(client))["status"] == 201
    assert 0 < most <= 2
    await sweep(port.exchange, alice)


async def test_no_more_is_read_than_has_its_turn(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = await two_users(port.exchange, "ws-turns")
    monkeypatch.setattr(limits, "ASIDES_MAX", 1_000_000)
    monkeypatch.setattr(limits, "MISTAKES_MAX", 1_000_000)
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        [entry] = port.hub.sockets
        take_turn, waiting_most = entry._take_turn, 0

        def watched() -> None:
            nonlocal waiting_most
            waiting_most = max(waiting_most, entry._reader.waiting_bytes)
            take_turn()

        monkeypatch.setattr(entry, "_take_turn", watched, raising=False)
        empty_messages = b"\x81\x80\0\0\0\0" * 400_000
        client.transport.write(empty_messages)
        await eventually_async(lambda: port.hub.counts.answers[400] >= 20_000)
    assert 0 < waiting_most <= 512 * 1024, "what one read brings, and not what the network does"
