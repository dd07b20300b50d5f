"""Simulated Bybit is held against recorded Bybit, and against the rules of its books."""

import json
from pathlib import Path

import pytest

from tests.support.offline_stage import Caller
from tests.support.shapes import alike, frames_of, recorded, shape_of

MARKETS = ("spot", "linear")


def _kind(text: str) -> tuple[object, ...]:
    body = json.loads(text)
    topic = str(body.get("topic", "")).partition(".")[0]
    data = body.get("data")
    sides = [bool(data.get(side)) for side in "ba"] if isinstance(data, dict) else []
    return (topic, body.get("type"), body.get("op"), body.get("success"), *sides)


def _subscribe(*topics: str) -> str:
    return json.dumps({"op": "subscribe", "args": topics})


@pytest.mark.parametrize("market_type", MARKETS)
def test_frames_have_the_shape_of_recorded_ones(data_dir: Path, market_type: str) -> None:
    # Given a recording of the real venue: books, trades and what was answered.
    rows = [
        row
        for row in recorded(data_dir, "bybit-v5-linear-and-spot")
        if row["url"].endswith(f"/public/{market_type}")
    ]
    kinds = ("orderbook", "publicTrade", "")
    real = {_kind(text): shape_of(text) for text in frames_of(rows) if _kind(text)[0] in kinds}
    # When ours is asked for the same.
    caller = Caller(f"bybit:{market_type}", f"/v5/public/{market_type}")
    caller.say(_subscribe("orderbook.200.BTCUSDT", "publicTrade.BTCUSDT"))
    caller.wait(60_000)
    ours = {_kind(frame.text): shape_of(frame.text) for frame in caller.frames}
    # Then every kind came, in the same shape and with its fields in the same order.
    assert set(real) <= set(ours)
    assert len(real) >= 5
    for kind, seen in real.items():
        assert alike(ours[kind], seen), kind


@pytest.mark.parametrize("market_type", MARKETS)
@pytest.mark.parametrize("depth", [50, 200, 1_000])
def test_a_book_has_its_depth_after_every_message(market_type: str, depth: int) -> None:
    # Given a subscriber who applies what is said and cuts nothing off.
    caller = Caller(f"bybit:{market_type}", f"/v5/public/{market_type}")
    caller.say(_subscribe(f"orderbook.{depth}.BTCUSDT"))
    caller.wait(15_000)
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    numbers: list[int] = []
    for frame in caller.frames[1:]:
        data = json.loads(frame.text)["data"]
        numbers.append(data["u"])
        for name, side in sides.items():
            for price, size in data[name]:
                if size == "0":
                    # Then nothing is removed that is not there,
                    del side[price]
                else:
                    side[price] = size
            # and each side always has exactly its depth.
            assert len(side) == depth
    # And the numbers go up one by one.
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) > 100


def test_the_touch_is_repeated_under_the_same_number_when_nothing_moves() -> None:
    # Given a subscriber to one level, and a market that has come to rest.
    caller = Caller("bybit:spot", "/v5/public/spot")
    caller.say(_subscribe("orderbook.1.ETHUSDT"))
    caller.wait(2_000)
    caller.faults.is_frozen = True
    last = json.loads(caller.frames[-1].text)
    # When seven seconds pass.
    repeats = [json.loads(frame.text) for frame in caller.wait(7_000)]
    # Then the same snapshot comes again, with the same number.
    assert len(repeats) == 2
    assert {repeat["data"]["u"] for repeat in repeats} == {last["data"]["u"]}
    assert {repeat["type"] for repeat in repeats} == {"snapshot"}


def test_a_request_with_one_bad_topic_is_refused_whole() -> None:
    caller = Caller("bybit:linear", "/v5/public/linear")
    for bad in ("orderbook.51.BTCUSDT", "orderbook.50.NOCOIN", "nothing.BTCUSDT"):
        answers = caller.say(_subscribe("orderbook.50.BTCUSDT", bad))
        assert [json.loads(frame.text)["success"] for frame in answers] == [False]
        assert bad in json.loads(answers[0].text)["ret_msg"]
    assert not caller.wait(1_000)


def test_spot_takes_ten_topics_at_once_and_not_eleven() -> None:
    caller = Caller("bybit:spot", "/v5/public/spot")
    pairs = [f"{base}{quote}" for base in ("BTC", "ETH", "SOL") for quote in ("USDT", "USDC")]
    topics = [f"{kind}.{pair}" for pair in pairs for kind in ("publicTrade", "orderbook.50")]
    assert not json.loads(caller.say(_subscribe(*topics[:11]))[0].text)["success"]
    assert json.loads(caller.say(_subscribe(*topics[:10]))[0].text)["success"]


def test_a_ping_is_answered_in_the_venues_own_way() -> None:
    caller = Caller("bybit:spot", "/v5/public/spot")
    said = json.loads(caller.say('{"op":"ping"}')[0].text)
    assert (said["op"], said["ret_msg"], said["success"]) == ("ping", "pong", True)


def test_the_latest_trades_are_those_of_the_stream() -> None:
    # Given the trades that a subscriber has seen.
    caller = Caller("bybit:linear", "/v5/public/linear")
    caller.say(_subscribe("publicTrade.BTCUSDT"))
    frames = [json.loads(frame.text) for frame in caller.wait(10_000)]
    seen = [trade["i"] for frame in frames for trade in frame["data"]]
    # Then HTTP lists the same ones, the newest first.
    url = "https://api.bybit.com/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000"
    listed = [row["execId"] for row in json.loads(caller.ask(url).body)["result"]["list"]]
    assert listed[: len(seen)] == seen[::-1]
    assert len(seen) > 10
