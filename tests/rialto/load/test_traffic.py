"""The requests of the generator."""

import json

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from rialto.load.plan import ORDERS_PER_BATCH, Kind, Plan
from rialto.load.traffic import MIDDLE_TICKS, REACH_TICKS, order_body, requests_of


def plan_for(kind: Kind) -> Plan:
    return Plan(
        kind=kind,
        port=8000,
        tokens=["even", "odd"],
        market="A_B",
        prefix="p",
        count=10,
        connections=1,
    )


def body_of(request: bytes) -> object:
    head, _, body = request.partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
    return json.loads(body)


def test_nobody_meets_themselves_and_prices_stay_in_reach() -> None:
    orders = [json.loads(order_body(number, "A_B")) for number in range(1_000)]
    assert {order["side"] for order in orders[::2]} == {"buy"}
    assert {order["side"] for order in orders[1::2]} == {"sell"}
    ticks = {round(float(order["price"]) * 100) for order in orders}
    assert ticks == set(range(MIDDLE_TICKS - REACH_TICKS, MIDDLE_TICKS + REACH_TICKS + 1))


def test_each_order_has_its_own_key() -> None:
    make = requests_of(plan_for(Kind.ORDER))
    requests = [make(number) for number in range(4)]
    assert [b"Idempotency-Key: p-%d\r\n" % number in requests[number] for number in range(4)]
    assert b"Bearer even" in requests[2]
    assert b"Bearer odd" in requests[3]
    assert body_of(requests[0]) == json.loads(order_body(0, "A_B"))


def test_the_orders_of_all_batches_are_different_ones() -> None:
    make = requests_of(plan_for(Kind.BATCH))
    keys: list[str] = []
    for number in range(6):
        body = body_of(make(number))
        assert isinstance(body, dict)
        commands = body["commands"]
        assert len(commands) == ORDERS_PER_BATCH
        assert len({command["side"] for command in commands}) == 1
        keys += [command["idempotency_key"] for command in commands]
    assert len(set(keys)) == len(keys)


def test_a_frame_is_one_that_a_server_reads() -> None:
    data = requests_of(plan_for(Kind.SOCKET))(7)
    stream = StreamReader()
    stream.feed_data(data)
    parser = Frame.parse(stream.read_exact, mask=True, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(parser)
    told = json.loads(done.value.value.data)
    assert (told["op"], told["id"], told["idempotency_key"]) == ("place", 7, "p-7")


def test_a_read_says_the_market() -> None:
    assert requests_of(plan_for(Kind.DEPTH))(0).startswith(b"GET /api/v1/depth?market=A_B HTTP")
