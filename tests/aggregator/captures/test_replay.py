"""Replays of files: their pace, their parts, and what is told on the way."""

import time
from pathlib import Path

import msgspec
import pytest

from aggregator.books.desk import DeskOptions
from aggregator.captures import replay
from aggregator.captures.replay import Pace, Replay
from aggregator.captures.rows import Row, RowKind, encode_row
from aggregator.protocol import NS_A_S
from aggregator.registry import load_connectors


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_ns = 5

    def monotonic_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS_A_S)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("aggregator.captures.replay.time.monotonic_ns", clock.monotonic_ns)
    monkeypatch.setattr("aggregator.captures.replay.time.sleep", clock.sleep)
    return clock


@pytest.mark.parametrize(("speed", "took_s"), [(1, 30), (10, 3)])
def test_rows_come_when_they_came_then(clock: Clock, speed: int, took_s: int) -> None:
    pace, began_ns = Pace(speed), clock.now_ns
    for second in (100, 101, 107, 130):
        pace.wait(second * NS_A_S)

    assert clock.now_ns - began_ns == took_s * NS_A_S


def test_a_row_that_takes_long_makes_no_later_one_late(clock: Clock) -> None:
    pace, began_ns = Pace(1), clock.now_ns
    pace.wait(100 * NS_A_S)
    clock.now_ns += 7 * NS_A_S
    pace.wait(101 * NS_A_S)
    assert clock.now_ns - began_ns == 7 * NS_A_S

    pace.wait(110 * NS_A_S)
    assert clock.now_ns - began_ns == 10 * NS_A_S


def test_as_fast_as_it_goes_waits_for_nothing(clock: Clock) -> None:
    pace = Pace(replay.AS_FAST_AS_IT_GOES)
    pace.wait(0)
    pace.wait(10**6 * NS_A_S)

    assert clock.now_ns == 5


def test_what_was_dropped_or_is_of_nobody_is_told(tmp_path: Path) -> None:
    rows = [
        Row(1, RowKind.CONNECT, "wss://somebody.test"),
        Row(2, RowKind.RECV, "wss://somebody.test", "{}", dropped=3),
        Row(3, RowKind.RECV, "wss://somebody.test", "{}"),
    ]
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"".join(map(encode_row, rows)))
    run = Replay(load_connectors(), DeskOptions(guess_symbols=True))
    seen: list[int] = []

    run.run([str(file)], lambda progress: seen.append(progress.row))

    assert seen == [1, 2, 3]
    assert run.tally.books == []
    assert run.notes == [
        "No connector is for wss://somebody.test: 2 messages were passed over.",
        "The recorder had no room for 3 rows.",
    ]


def test_trades_that_are_missing_in_a_recording_are_told(tmp_path: Path) -> None:
    url = "wss://stream.binance.com:9443/stream"
    frames = [
        f'{{"stream":"btcusdt@trade","data":{{"e":"trade","s":"BTCUSDT","t":{number},'
        f'"p":"100","q":"1","T":1700000000000,"m":false}}}}'
        for number in (7, 8, 11, 12)
    ]
    rows = [Row(at_ns, RowKind.RECV, url, frame) for at_ns, frame in enumerate(frames, 1)]
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"".join(map(encode_row, rows)))
    run = Replay(load_connectors(), DeskOptions(guess_symbols=True))

    run.run([str(file)], lambda progress: None)

    (book,) = run.tally.books
    assert book.trades == 4
    assert run.notes == ["binance:spot:BTC/USDT: 2 trades are missing between others."]


def test_symbols_that_say_no_pair_are_named(tmp_path: Path) -> None:
    url = "wss://ws.kraken.com/v2"
    frames = [
        f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol}","bids":[],"asks":[],'
        f'"checksum":0,"timestamp":"2026-08-01T02:53:53Z"}}]}}'
        for symbol in ("BTCUSD", "A/B/C", "BTCUSD", "BTC/USD")
    ]
    rows = [Row(at_ns, RowKind.RECV, url, frame) for at_ns, frame in enumerate(frames, 1)]
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"".join(map(encode_row, rows)))
    run = Replay(load_connectors(), DeskOptions(guess_symbols=True))

    run.run([str(file)], lambda progress: None)

    assert [book.book for book in run.tally.books] == ["kraken:spot:BTC/USD"]
    assert run.notes == [
        "kraken:spot: 3 messages were passed over: no pair of their own is known of A/B/C, BTCUSD."
    ]


def test_a_replay_waits_on_the_real_clock() -> None:
    pace, began_s = Pace(10), time.monotonic()
    pace.wait(0)
    pace.wait(NS_A_S // 2)

    assert time.monotonic() - began_s >= 0.05


def test_what_may_be_of_two_feeds_is_passed_over_and_both_are_named(tmp_path: Path) -> None:
    url = "wss://ws.kraken.com/v2"
    connector, manifest = load_connectors()["kraken:spot"]
    other = msgspec.structs.replace(manifest, venue="other")
    connectors = {"kraken:spot": (connector, manifest), "other:spot": (connector, other)}
    file = tmp_path / "day.jsonl"
    file.write_bytes(encode_row(Row(1, RowKind.RECV, url, "{}")) * 3)

    replay = Replay(connectors, DeskOptions(guess_symbols=True))
    replay.run([str(file)], lambda _progress: None)

    assert replay.notes == [
        f"kraken:spot and other:spot are both at {url}, and the recording does not say which of "
        "them it was: 3 messages were passed over."
    ]
