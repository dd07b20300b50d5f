"""Simulated Coinbase Advanced Trade is held against the recorded one."""

import json
from pathlib import Path

import pytest

from tests.support.offline_stage import Caller
from tests.support.shapes import alike, frames_of, recorded, shape_of, within_shape

KINDS = ("l2_data", "market_trades", "heartbeats", "subscriptions")
LEVEL2 = '{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"level2"}'
TRADES = '{"type":"subscribe","product_ids":["BTC-USD"],"channel":"market_trades"}'
HEARTBEATS = '{"type":"subscribe","channel":"heartbeats"}'


def _kind(text: str) -> tuple[str, ...]:
    body = json.loads(text)
    return (body["channel"], *(event.get("type", "") for event in body["events"]))


@pytest.fixture
def caller() -> Caller:
    return Caller("coinbase:spot")


def test_frames_have_the_shape_of_recorded_ones(data_dir: Path, caller: Caller) -> None:
    # Given a recording of the real venue.
    rows = list(recorded(data_dir, "coinbase-advanced-trade"))
    texts = [text for text in frames_of(rows) if _kind(text)[0] in KINDS]
    real = {_kind(text): shape_of(text) for text in texts if "subscriptions" not in text[:30]}
    # When ours is asked for the same.
    for text in (LEVEL2, TRADES, HEARTBEATS):
        caller.say(text)
    caller.wait(20_000)
    ours = {_kind(frame.text): shape_of(frame.text) for frame in caller.frames}
    # Then every kind came, in the same shape.
    assert set(real) <= set(ours)
    assert len(real) == 5
    for kind, seen in real.items():
        assert alike(ours[kind], seen), kind


def test_products_are_listed_as_the_venue_does(data_dir: Path, caller: Caller) -> None:
    url = "https://api.coinbase.com/api/v3/brokerage/market/products"
    (answer,) = [row for row in recorded(data_dir, "coinbase-advanced-trade") if row["url"] == url]
    assert within_shape(shape_of(caller.ask(url).body), shape_of(answer["data"]))


def test_all_frames_of_a_connection_are_counted_together(caller: Caller) -> None:
    for text in (LEVEL2, TRADES, HEARTBEATS):
        caller.say(text)
    caller.wait(5_000)
    numbers = [json.loads(frame.text)["sequence_num"] for frame in caller.frames]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 100


def test_a_dropped_frame_leaves_a_gap_in_the_count(caller: Caller) -> None:
    caller.say(LEVEL2)
    caller.faults.drops = 1
    frames = caller.wait(1_000)
    numbers = [json.loads(frame.text)["sequence_num"] for frame in frames]
    assert numbers[0] == 4  # After two snapshots and the answer, which are 0, 1 and 2.
    assert numbers == list(range(4, 4 + len(numbers)))


def test_the_side_of_a_trade_is_the_makers(caller: Caller) -> None:
    caller.say(TRADES)
    frames = [json.loads(frame.text) for frame in caller.wait(10_000)]
    told = {
        int(trade["trade_id"]): trade["side"]
        for frame in frames
        for trade in frame["events"][0]["trades"]
    }
    fills = [fill for fill in caller.market("BTC-USD").tape if fill.number in told]
    assert len(fills) == len(told) > 10
    assert all(told[fill.number] == ("SELL" if fill.is_buy else "BUY") for fill in fills)


def test_what_is_asked_for_in_usdc_is_told_of_in_usd(caller: Caller) -> None:
    answers = caller.say(TRADES.replace("BTC-USD", "BTC-USDC"))
    assert json.loads(answers[0].text)["events"][0]["trades"][0]["product_id"] == "BTC-USD"
    assert json.loads(answers[1].text)["events"] == [
        {"subscriptions": {"market_trades": ["BTC-USDC"]}}
    ]


@pytest.mark.parametrize(
    ("said", "asked_for_heartbeats", "ends_after_ms"),
    [((), False, 6_000), ((LEVEL2,), False, 77_000), ((LEVEL2, HEARTBEATS), True, None)],
)
def test_a_connection_without_heartbeats_is_ended(
    caller: Caller, said: tuple[str, ...], asked_for_heartbeats: bool, ends_after_ms: int | None
) -> None:
    # Given a market that does not move, and a connection that has asked for this.
    for text in said:
        caller.say(text)
    caller.faults.is_frozen = True
    # When time passes.
    if ends_after_ms is not None:
        caller.wait(ends_after_ms - 3_000)
        assert caller.session.close is None
    caller.wait(90_000 if ends_after_ms is None else 4_000)
    # Then it is ended in good order, unless it has heartbeats.
    close = caller.session.close
    assert (close is None) is asked_for_heartbeats
    assert close is None or close.code == 1000


def test_an_unknown_product_is_refused(caller: Caller) -> None:
    answers = caller.say(LEVEL2.replace("ETH-USD", "ETH-NOK"))
    assert json.loads(answers[0].text)["type"] == "error"
    assert not caller.wait(1_000)
