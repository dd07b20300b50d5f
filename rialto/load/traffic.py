"""The requests of the generator as bytes. Pure.

The rule of this file: the same plan is the same traffic; an order's number says who sends it, on
which side and at what price, and its idempotency key.
"""

from collections.abc import Callable

from rialto.load.plan import ORDERS_PER_BATCH, Kind, Plan

MIDDLE_TICKS = 10_000
REACH_TICKS = 5  # Prices lie this far to both sides of the middle, so about half of them trade.
STRIDE = 7_919  # A prime, so that prices look drawn and are the same in each run.
NO_MASK = b"\x00\x00\x00\x00"  # Legal, and the bytes need not be changed to send them.

_FRAME_SHORT, _FRAME_LONG, _FRAME_BIT = 126, 65_536, 0x80
_TEXT = 0x81  # A whole message in one frame.


def requests_of(plan: Plan) -> Callable[[int], bytes]:
    """Return what makes the bytes of the request number i."""
    return _MAKERS[plan.kind](plan)


def order_body(number: int, market: str) -> bytes:
    """Return the JSON of an order; even ones buy and odd ones sell, so nobody meets themselves."""
    ticks = MIDDLE_TICKS + number * STRIDE % (2 * REACH_TICKS + 1) - REACH_TICKS
    side = "sell" if number & 1 else "buy"
    return b'{"market":"%s","side":"%s","price":"%d.%02d","quantity":"0.1"}' % (
        market.encode(),
        side.encode(),
        *divmod(ticks, 100),
    )


def key_of(plan: Plan, number: int) -> str:
    return f"{plan.prefix}-{number}"


def auth_frame(token: str) -> bytes:
    return frame(b'{"op":"auth","id":"auth","token":"%s"}' % token.encode())


def frame(text: bytes) -> bytes:
    """Return a text message as a client's frame."""
    size = len(text)
    if size < _FRAME_SHORT:
        head = bytes((_TEXT, _FRAME_BIT | size))
    else:
        assert size < _FRAME_LONG, "our messages are small"
        head = bytes((_TEXT, _FRAME_BIT | _FRAME_SHORT)) + size.to_bytes(2)
    return head + NO_MASK + text


def _orders(plan: Plan) -> Callable[[int], bytes]:
    heads = [_head(plan, "POST", "/api/v1/order", token) for token in plan.tokens]

    def make(number: int) -> bytes:
        body = order_body(number, plan.market)
        return b"%sContent-Type: application/json\r\nIdempotency-Key: %s\r\n%s" % (
            heads[number % len(heads)],
            key_of(plan, number).encode(),
            _sized(body),
        )

    return make


def _batches(plan: Plan) -> Callable[[int], bytes]:
    heads = [_head(plan, "POST", "/api/v1/order/batch", token) for token in plan.tokens]

    def make(number: int) -> bytes:
        # All of a batch are of one user, and so on one side: numbers of one parity.
        first = number * ORDERS_PER_BATCH * 2 + number % 2
        numbers = range(first, first + ORDERS_PER_BATCH * 2, 2)
        orders = b",".join(
            b'{"op":"place","idempotency_key":"%s",%s'
            % (key_of(plan, one).encode(), order_body(one, plan.market)[1:])
            for one in numbers
        )
        head = heads[number % len(heads)]
        body = b'{"commands":[%s]}' % orders
        return b"%sContent-Type: application/json\r\n%s" % (head, _sized(body))

    return make


def _frames(plan: Plan) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        return frame(
            b'{"op":"place","id":%d,"idempotency_key":"%s","body":%s}'
            % (number, key_of(plan, number).encode(), order_body(number, plan.market))
        )

    return make


def _same(plan: Plan) -> Callable[[int], bytes]:
    method, path = _SAME[plan.kind]
    end = b"Content-Length: 0\r\n\r\n" if method == "POST" else b"\r\n"
    place = path.format(market=plan.market)
    requests = [_head(plan, method, place, token) + end for token in plan.tokens]
    return lambda number: requests[number % len(requests)]


def _head(plan: Plan, method: str, path: str, token: str) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n"
        f"Authorization: Bearer {token}\r\n"
    ).encode()


def _sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


_MAKERS: dict[Kind, Callable[[Plan], Callable[[int], bytes]]] = {
    Kind.ORDER: _orders,
    Kind.BATCH: _batches,
    Kind.SOCKET: _frames,
    Kind.EMPTY: _same,
    Kind.BARE: _same,
    Kind.DEPTH: _same,
    Kind.OPEN: _same,
}
_SAME = {
    Kind.EMPTY: ("POST", "/empty"),
    Kind.BARE: ("POST", "/bare"),
    Kind.DEPTH: ("GET", "/api/v1/depth?market={market}"),
    Kind.OPEN: ("GET", "/api/v1/order/open"),
}
