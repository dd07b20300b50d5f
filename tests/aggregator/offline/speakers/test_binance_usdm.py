"""Simulated Binance futures are held against recorded frames and the rule of their chain."""

import itertools
import json
from pathlib import Path

import pytest

from tests.support.offline_stage import Caller
from tests.support.shapes import alike, frames_of, recorded, shape_of

NAMES = "streams=btcusdt@depth@0ms/btcusdt@trade/btcusdt@bookTicker/btcusdt@aggTrade"
DEPTH_URL = "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"


def _kind(text: str) -> str:
    return str(json.loads(text)["stream"]).partition("@")[2]


def test_frames_have_the_shape_of_recorded_ones(data_dir: Path) -> None:
    rows = list(recorded(data_dir, "binance-usdm-btcusdt"))
    real = {
        _kind(text): shape_of(text)
        for text in frames_of(rows)
        if '"b":[],' not in text and '"a":[]' not in text
    }
    caller = Caller("binance:linear", f"/public/stream?{NAMES}")
    caller.wait(5_000)
    ours = {_kind(frame.text): shape_of(frame.text) for frame in caller.frames}
    assert set(real) == set(ours)
    for kind, seen in real.items():
        assert alike(ours[kind], seen), kind
    (snapshot,) = frames_of(rows, "http")
    assert alike(shape_of(caller.ask(DEPTH_URL).body), shape_of(snapshot))


def test_a_socket_brings_nothing_of_the_other_class() -> None:
    # Given both classes of sockets, asked for the same four streams.
    kinds = {}
    for name in ("public", "market"):
        caller = Caller("binance:linear", f"/{name}/stream?{NAMES}")
        kinds[name] = {_kind(frame.text) for frame in caller.wait(5_000)}
    # Then each brings its own and says nothing of the others.
    assert kinds == {"public": {"depth@0ms", "trade", "bookTicker"}, "market": {"aggTrade"}}


@pytest.mark.parametrize("interval", ["@0ms", "@100ms", ""])
def test_each_event_names_the_one_before_it_and_a_snapshot_joins(interval: str) -> None:
    caller = Caller("binance:linear", f"/public/stream?streams=btcusdt@depth{interval}")
    caller.wait(600)
    snapshot = json.loads(caller.ask(DEPTH_URL).body)["lastUpdateId"]
    caller.wait(4_000)
    events = [json.loads(frame.text)["data"] for frame in caller.frames]
    for before, event in itertools.pairwise(events):
        assert event["pu"] == before["u"] < event["U"] <= event["u"]
    kept = next(event for event in events if event["u"] >= snapshot)
    assert kept["U"] <= snapshot <= kept["u"] or kept["pu"] == snapshot
    # The numbers are counted over all books, so those of one leave gaps.
    assert any(event["U"] > event["pu"] + 1 for event in events)
