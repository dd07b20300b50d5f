"""What is said of candles is what REST answers, in order, and only when something has changed."""

from random import Random

import pytest

from history.outlet.klines import STEPS_MAX, Klines
from history.projection.candles import MarketCandles
from history.projection.intervals import NAMES, SECOND_NS, open_of
from history.projection.rows import CandleRow
from history.projection.views import kline_view, scales_of
from shared.rest.history import Kline
from tests.history.outlet.pencil import kline, market_row
from tests.history.outlet.tape import START_NS, Tape
from tests.history.projection.test_candles import MARKET, trade

SCALES = scales_of(market_row("any"), 4, 4)


def of_second(said: list[CandleRow]) -> list[CandleRow]:
    return [candle for candle in said if candle.interval_s == 1]


@pytest.mark.parametrize("number", range(6))
def test_whatever_happens_what_is_said_is_what_a_person_reckons(seed: int, number: int) -> None:
    tape = Tape(Random(f"{seed}-{number}"), ("A", "B"))
    klines, newest = Klines(), dict[tuple[str, int], Kline]()
    klines.begin(tape.watermark_ns)
    for _ in range(60):
        batch = tape.batch(tape.random.choice((0, 0, 1, 1, 2, 9)))
        tape.wait()
        for candle in klines.turn(batch.candles, tape.watermark_ns):
            key = candle.market, candle.interval_s
            shown = kline_view(candle, SCALES, tape.watermark_ns)
            before = newest.get(key)
            if before is not None:
                assert shown != before, "something has changed"
                if shown.open_at_ns != before.open_at_ns:
                    assert before.is_closed, "a candle is closed before the next one is said"
                    assert shown.open_at_ns >= before.close_at_ns
            newest[key] = shown
            trades, name = tape.trades[candle.market], NAMES[candle.interval_s]
            assert shown == kline(trades, candle.open_at_ns, name, tape.watermark_ns)
        for (_, interval_s), shown in newest.items():
            assert shown.open_at_ns == open_of(tape.watermark_ns, interval_s)
        assert {market for market, _ in newest} == tape.trades.keys()


def test_a_candle_is_said_once_more_when_it_closes_and_then_the_next_one() -> None:
    klines, candles = Klines(), MarketCandles(MARKET)
    second_ns = open_of(START_NS, 1)
    changed = candles.add([trade(1, second_ns + 5)])
    assert of_second(klines.turn(changed, second_ns + 5)) == [changed[0]]
    assert klines.turn([], second_ns + SECOND_NS - 1) == []
    closed, opened = of_second(klines.turn([], second_ns + SECOND_NS))
    assert closed == changed[0]
    assert opened.open_at_ns == second_ns + SECOND_NS
    assert opened.trades == 0


def test_a_trade_at_a_boundary_belongs_to_what_begins() -> None:
    klines, candles = Klines(), MarketCandles(MARKET)
    second_ns = open_of(START_NS, 1)
    klines.turn(candles.add([trade(1, second_ns)]), second_ns)
    changed = candles.add([trade(2, second_ns + SECOND_NS)])
    closed, drawn = of_second(klines.turn(changed, second_ns + SECOND_NS))
    assert (closed.trades, closed.last_trade_id) == (1, 1)
    assert (drawn.trades, drawn.first_trade_id) == (1, 2)


@pytest.mark.parametrize("seconds", [STEPS_MAX - 1, STEPS_MAX, STEPS_MAX + 1, 10**6])
def test_of_a_long_time_the_last_candles_are_said(seconds: int) -> None:
    klines, candles = Klines(), MarketCandles(MARKET)
    second_ns = open_of(START_NS, 1)
    klines.turn(candles.add([trade(1, second_ns)]), second_ns)
    closed, *steps = of_second(klines.turn([], second_ns + seconds * SECOND_NS))
    assert closed.open_at_ns == second_ns
    assert len(steps) == min(seconds, STEPS_MAX)
    assert steps[-1].open_at_ns == second_ns + seconds * SECOND_NS
    assert {candle.close_ticks for candle in steps} == {closed.close_ticks}


def test_of_trades_long_ago_the_last_close_is_right() -> None:
    klines, candles = Klines(), MarketCandles(MARKET)
    at_ns = open_of(START_NS, 1)
    trades = [trade(1, at_ns, 100), trade(2, at_ns + 5 * SECOND_NS, 90)]
    said = of_second(klines.turn(candles.add(trades), at_ns + 100 * SECOND_NS))
    assert [candle.close_ticks for candle in said] == [100] + [90] * STEPS_MAX


def test_a_trade_that_comes_late_sets_right_what_was_said() -> None:
    klines, candles = Klines(), MarketCandles(MARKET)
    at_ns = open_of(START_NS, 1)
    watermark_ns = at_ns + 4 * SECOND_NS
    klines.turn(candles.add([trade(1, at_ns, 100)]), watermark_ns)
    # The clock of Redis was ahead, and is set back.
    late = candles.add([trade(2, at_ns + 2 * SECOND_NS, 90)])
    said = of_second(klines.turn(late, watermark_ns))
    assert [(candle.open_at_ns, candle.close_ticks, candle.trades) for candle in said] == [
        (at_ns + 2 * SECOND_NS, 90, 1),
        (at_ns + 3 * SECOND_NS, 90, 0),
        (at_ns + 4 * SECOND_NS, 90, 0),
    ]
    *_, newest = of_second(klines.turn([], watermark_ns + SECOND_NS))
    assert (newest.open_at_ns, newest.close_ticks) == (watermark_ns + SECOND_NS, 90)


def test_a_quiet_moment_looks_at_no_market(monkeypatch: pytest.MonkeyPatch) -> None:
    klines = Klines()
    second_ns = open_of(START_NS, 1)
    for number in range(100):
        candles = MarketCandles(f"M{number}")
        row = trade(1, second_ns)._replace(market=candles.market)
        klines.turn(candles.add([row]), second_ns)
    looked: list[int] = []

    def look(*_: object) -> list[CandleRow]:
        looked.append(1)
        return []

    monkeypatch.setattr("history.outlet.klines._moved", look)
    klines.turn([], second_ns + SECOND_NS - 1)
    assert not looked
    klines.turn([], second_ns + SECOND_NS)
    assert len(looked) == 100, "one interval has ended"
