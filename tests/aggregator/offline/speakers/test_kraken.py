"""Simulated Kraken is held against recorded Kraken, and its checksums against their definition."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.support.offline_stage import Caller
from tests.support.shapes import alike, frames_of, recorded, shape_of

BOOK = '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":%d}}'
TRADES = '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}'


def _kind(text: str) -> tuple[object, ...]:
    body = json.loads(text)
    sides = [bool(row.get(side)) for row in body.get("data", ()) for side in ("bids", "asks")]
    return (*(body.get(name) for name in ("channel", "type", "method", "success")), *sides)


def test_frames_have_the_shape_of_recorded_ones(data_dir: Path) -> None:
    # Given a recording of the real venue, one frame of each kind.
    rows = list(recorded(data_dir, "kraken-spot-btcusd-depth10"))
    real = {_kind(text): shape_of(text) for text in frames_of(rows)}
    # When ours is told what the real one was, then goes on, and then stands still.
    caller = Caller("kraken:spot", "/v2")
    for text in (TRADES, *frames_of(rows, "send")):
        caller.say(text)
    caller.wait(5_000)
    caller.faults.is_frozen = True
    caller.wait(2_500)
    for text in frames_of(rows, "send"):
        caller.say(text.replace("subscribe", "unsubscribe"))
    # Then every kind that was recorded came from ours too, in the same shape.
    ours = {_kind(frame.text): shape_of(frame.text) for frame in caller.frames}
    assert set(real) <= set(ours)
    assert len(real) >= 7
    for kind, seen in real.items():
        assert alike(ours[kind], seen), kind


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


@pytest.mark.parametrize("depth", [10, 25, 100])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_checksum_is_that_of_the_book_one_has(depth: int, seed: int) -> None:
    # Given a subscriber who keeps texts, applies and cuts off as the documents say.
    caller = Caller("kraken:spot", "/v2", seed=seed)
    caller.say(BOOK % depth)
    caller.wait(30_000)
    sides: dict[str, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}
    checked = 0
    for frame in caller.frames:
        body = json.loads(frame.text, parse_float=str, parse_int=str)
        for data in body.get("data", ()) if body.get("channel") == "book" else ():
            _apply(sides, data, depth)
            asks = sorted(sides["asks"].items())[:10]
            bids = sorted(sides["bids"].items(), reverse=True)[:10]
            text = "".join(_digits(p) + _digits(q) for _, (p, q) in asks + bids)
            # Then each checksum is that of the book so far.
            assert crc32(text.encode()) == int(data["checksum"])
            checked += 1
    assert checked > 150
    # And the book is the market's.
    market = caller.market("BTC/USD")
    assert [int(_digits(p)) for _, (p, _) in sorted(sides["asks"].items())] == [
        -key for key, _ in market.asks.best(depth)
    ]


def _apply(sides: dict[str, dict[Decimal, tuple[str, str]]], data: Any, depth: int) -> None:
    for name, side in sides.items():
        for level in data[name]:
            if Decimal(level["qty"]):
                side[Decimal(level["price"])] = (level["price"], level["qty"])
            else:
                side.pop(Decimal(level["price"]), None)
        kept = sorted(side.items(), reverse=name == "bids")[:depth]
        side.clear()
        side.update(kept)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (BOOK % 27, "Subscription depth not supported"),
        (BOOK.replace("BTC/USD", "BTC/EUR") % 10, "Currency pair not supported BTC/EUR"),
    ],
)
def test_a_refusal_comes_while_heartbeats_go_on(message: str, reason: str) -> None:
    # Given a connection that has trades.
    caller = Caller("kraken:spot", "/v2")
    caller.say(TRADES)
    caller.faults.is_frozen = True
    # When it asks for what there is not.
    answers = caller.say(message)
    # Then it is told so, and the connection goes on living.
    assert [json.loads(frame.text)["success"] for frame in answers] == [False]
    assert json.loads(answers[0].text)["error"] == reason
    assert '{"channel":"heartbeat"}' in [frame.text for frame in caller.wait(3_000)]


def test_a_wrong_checksum_comes_once_when_it_is_wished_for() -> None:
    # Given two subscribers to the same seed, one of which gets a wrong checksum.
    right, wrong = Caller("kraken:spot", "/v2"), Caller("kraken:spot", "/v2")
    wrong.faults.wrong_checksums = 1
    for caller in (right, wrong):
        caller.say(BOOK % 10)
        caller.wait(3_000)
    # Then exactly one frame differs.
    pairs = list(zip(right.frames, wrong.frames, strict=True))
    assert sum(one != other for one, other in pairs) == 1
