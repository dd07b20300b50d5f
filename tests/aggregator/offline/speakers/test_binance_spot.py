"""Simulated Binance spot is held against recorded frames, and its books against its own touches."""

import json
from pathlib import Path

import pytest

from tests.support.offline_stage import Caller
from tests.support.shapes import alike, frames_of, recorded, shape_of

STREAMS = "/stream?streams=btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker"
DEPTH_URL = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000"


def _kind(text: str) -> str:
    stream = str(json.loads(text)["stream"])
    return stream.partition("@")[2]


def test_frames_have_the_shape_of_recorded_ones(data_dir: Path) -> None:
    # Given a recording of the real venue.
    rows = list(recorded(data_dir, "binance-spot-btcusdt"))
    # An event may be of one side only: the first one of both is taken.
    real = {
        _kind(text): shape_of(text)
        for text in frames_of(rows)
        if '"b":[],' not in text and '"a":[]' not in text
    }
    # When ours is asked for the same.
    caller = Caller("binance:spot", STREAMS)
    caller.wait(5_000)
    ours = {_kind(frame.text): shape_of(frame.text) for frame in caller.frames}
    # Then every kind came, in the same shape; so did the snapshot.
    assert set(real) == set(ours)
    for kind, seen in real.items():
        assert alike(ours[kind], seen), kind
    (snapshot,) = frames_of(rows, "http")
    assert alike(shape_of(caller.ask(DEPTH_URL).body), shape_of(snapshot))


@pytest.mark.parametrize("interval", ["@100ms", ""])
def test_the_book_from_a_snapshot_agrees_with_every_touch(interval: str) -> None:
    # Given a subscriber that asks for a snapshot while the stream already runs.
    caller = Caller("binance:spot", STREAMS.replace("@100ms", interval))
    caller.wait(700)
    snapshot = json.loads(caller.ask(DEPTH_URL).body)
    caller.wait(12_000)
    sides = {name[0]: dict(snapshot[name]) for name in ("bids", "asks")}
    last, touches, checked = snapshot["lastUpdateId"], [], 0
    for frame in caller.frames:
        data = json.loads(frame.text)["data"]
        if "U" not in data:
            touches += [data] if "B" in data else []
            continue
        if data["u"] <= last:
            continue
        # Then each event joins the one before it,
        assert data["U"] <= last + 1 <= data["u"]
        last = data["u"]
        for name, side in sides.items():
            side.update(data[name])
        # and the best bid and ask are those that the venue told at this number.
        told = [touch for touch in touches if touch["u"] <= last]
        if told:
            assert _touch(sides) == [told[-1][name] for name in "bBaA"]
            checked += 1
    assert checked > 5


def _touch(sides: dict[str, dict[str, str]]) -> list[str]:
    present = {
        name: {price: quantity for price, quantity in side.items() if float(quantity)}
        for name, side in sides.items()
    }
    bid, ask = max(present["b"], key=float), min(present["a"], key=float)
    return [bid, present["b"][bid], ask, present["a"][ask]]


def test_a_snapshot_can_be_too_old_when_it_is_wished_for() -> None:
    # Given a stream that has begun.
    caller = Caller("binance:spot", STREAMS)
    caller.wait(1_000)
    first = min(json.loads(f.text)["data"].get("U", 10**18) for f in caller.frames)
    # When one snapshot shall be too old.
    caller.faults.moods.old_snapshots = 1
    # Then one is, and the next one is not.
    assert json.loads(caller.ask(DEPTH_URL).body)["lastUpdateId"] < first - 1
    assert json.loads(caller.ask(DEPTH_URL).body)["lastUpdateId"] >= first


def test_streams_can_be_taken_and_left_by_message() -> None:
    caller = Caller("binance:spot", "/ws")
    said = caller.say('{"method":"SUBSCRIBE","params":["ethusdt@trade","nocoin@trade"],"id":7}')
    # An unknown stream is taken without a word.
    assert [json.loads(frame.text) for frame in said] == [{"result": None, "id": 7}]
    assert {json.loads(frame.text)["s"] for frame in caller.wait(5_000)} == {"ETHUSDT"}
    caller.say('{"method":"UNSUBSCRIBE","params":["ethusdt@trade"],"id":8}')
    assert not caller.wait(5_000)


@pytest.mark.parametrize("text", ["no JSON", '{"method":"DANCE","id":1}'])
def test_what_is_not_understood_is_answered_with_an_error(text: str) -> None:
    caller = Caller("binance:spot", "/ws")
    assert "error" in json.loads(caller.say(text)[0].text)


def test_an_unknown_symbol_is_refused_by_http() -> None:
    caller = Caller("binance:spot", "/ws")
    answer = caller.ask(DEPTH_URL.replace("BTCUSDT", "NOCOIN"))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, -1121)


def test_twenty_levels_can_be_had_whole() -> None:
    caller = Caller("binance:spot", "/stream?streams=btcusdt@depth20@100ms")
    frames = [json.loads(frame.text)["data"] for frame in caller.wait(2_000)]
    assert {(len(data["bids"]), len(data["asks"])) for data in frames} == {(20, 20)}
    assert list(frames[0]) == ["lastUpdateId", "bids", "asks"]


def test_a_shutdown_is_announced() -> None:
    caller = Caller("binance:spot", STREAMS)
    (frame,) = caller.session.goodbye(caller.now_ns)
    assert json.loads(frame.text)["stream"] == "!serverShutdown"
