"""The tickers of many markets are exact, and what is quiet costs nothing."""

from collections import Counter
from random import Random

import pytest

from history.outlet.windows import Cut, Windows
from history.projection.candles import MarketCandles, drawn
from history.projection.intervals import SECOND_NS, close_of, open_of
from history.projection.tickers import WINDOW_NS, TickerWindow, Wanted
from history.projection.views import scales_of, ticker_view
from tests.history.outlet.pencil import market_row, ticker
from tests.history.outlet.tape import START_NS, Tape
from tests.history.projection.test_candles import MARKET, trade

SCALES = scales_of(market_row("any"), 4, 4)


class Shelf:
    """Hands in what is wanted from a tape, and counts."""

    def __init__(self, tape: Tape, windows: Windows) -> None:
        self.tape, self.windows = tape, windows
        self.cuts: list[Cut] = []

    def roll(self) -> None:
        while cuts := self.windows.cuts(self.tape.watermark_ns):
            self.cuts += cuts
            for cut in cuts:
                for market in cut.markets:
                    self._hand(market, cut.wanted)

    def _hand(self, market: str, wanted: Wanted) -> None:
        until_ns = close_of(wanted.open_at_ns, wanted.interval_s)
        of_market = self.tape.trades[market]
        trades = [each for each in of_market if wanted.open_at_ns <= each.at_ns < until_ns]
        if wanted.interval_s == 1:
            self.windows.open_second(market, trades)
            return
        candles = MarketCandles(market).add(trades)
        seconds = [candle for candle in candles if candle.interval_s == 1]
        self.windows.open_minute(market, seconds)


@pytest.mark.parametrize("number", range(6))
def test_all_tickers_are_exact_and_those_that_changed_are_told(seed: int, number: int) -> None:
    tape = Tape(Random(f"{seed}-{number}"), ("A", "B", "C"))
    windows, told = Windows(), dict[str, tuple[object, ...]]()
    shelf = Shelf(tape, windows)
    for _ in range(80):
        batch = tape.batch(tape.random.choice((0, 0, 1, 2, 9)))
        windows.take(batch.candles, batch.trades)
        tape.wait()
        shelf.roll()
        changed = windows.settle(tape.watermark_ns)
        for each in changed:
            assert told.get(each.market) != each[2:]
            told[each.market] = each[2:]
        tickers = windows.tickers()
        assert [each.market for each in tickers] == sorted(tape.trades)
        for each in tickers:
            assert told[each.market] == each[2:]
            pencilled = ticker(tape.trades[each.market], tape.watermark_ns)
            assert ticker_view(each, SCALES) == pencilled


def test_a_quiet_moment_rolls_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    windows, rolled = Windows(), Counter[str]()
    for number in range(50):
        row = trade(1, START_NS + number * SECOND_NS)._replace(market=f"M{number}")
        windows.take(MarketCandles(row.market).add([row]), [row])
    original = TickerWindow.roll

    def counted(window: TickerWindow, watermark_ns: int) -> Wanted | None:
        rolled[window.market] += 1
        return original(window, watermark_ns)

    monkeypatch.setattr(TickerWindow, "roll", counted)
    first_ns = open_of(START_NS, 60) + WINDOW_NS
    for later_ns in range(100):
        assert windows.cuts(first_ns - 100 + later_ns) == []
        windows.settle(first_ns - 100 + later_ns)
    assert not rolled
    [cut] = windows.cuts(first_ns)
    assert cut.wanted == (60, open_of(START_NS, 60))
    assert set(rolled.values()) == {1}


def test_a_busy_day_moves_each_trade_a_constant_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a market that trades twice a second for some minutes, and then a day later again.
    windows, tape = Windows(), Tape(Random(1), (MARKET,))
    shelf, moved = Shelf(tape, windows), Counter[str]()
    monkeypatch.setattr(TickerWindow, "roll", counting(moved, "rolls", TickerWindow.roll))
    candles, trades = MarketCandles(MARKET), 600
    of_market = tape.trades.setdefault(MARKET, [])
    for number in range(trades):
        of_market.append(trade(number + 1, open_of(START_NS, 60) + number * SECOND_NS // 2))
        windows.take(candles.add(of_market[-1:]), of_market[-1:])
    # When the end of the window passes over them in steps of 0.3 s.
    for step in range(1_100):
        tape.watermark_ns = open_of(START_NS, 60) + WINDOW_NS + step * 3 * SECOND_NS // 10
        shelf.roll()
        windows.settle(tape.watermark_ns)
    # Then each minute and each second was asked for once, and each trade was moved out once.
    assert Counter(cut.wanted.interval_s for cut in shelf.cuts) == {60: 5, 1: 300}
    assert moved["rolls"] <= 2 * trades + 5 + 300
    assert windows.tickers()[0].trades == 0


def counting(moved: Counter[str], name: str, function: object) -> object:
    def counted(*given: object) -> object:
        moved[name] += 1
        return function(*given)  # type: ignore[operator]

    return counted


def test_what_was_not_handed_in_is_wanted_again_also_later() -> None:
    windows, candles = Windows(), MarketCandles(MARKET)
    minute_ns = open_of(START_NS, 60)
    trades = [trade(1, minute_ns, 100), trade(2, minute_ns + 1, 90)]
    windows.take(candles.add(trades), trades)
    windows.settle(minute_ns + 1)
    [cut] = windows.cuts(minute_ns + WINDOW_NS)
    assert windows.cuts(minute_ns + WINDOW_NS) == [cut]
    assert windows.tickers()[0].trades == 2, "as it was"
    assert windows.cuts(minute_ns + 2 * WINDOW_NS) == [cut]
    windows.open_minute(MARKET, [drawn(trades, minute_ns)])
    assert windows.cuts(minute_ns + 2 * WINDOW_NS) == []
    [ticker_now] = windows.settle(minute_ns + 2 * WINDOW_NS)
    assert (ticker_now.trades, ticker_now.last_ticks) == (0, 90)


def test_markets_whose_edges_lie_in_the_same_minute_are_wanted_together() -> None:
    windows = Windows()
    for name in ("A", "B"):
        row = trade(1, START_NS)._replace(market=name)
        windows.take(MarketCandles(name).add([row]), [row])
    [cut] = windows.cuts(START_NS + WINDOW_NS - 1)
    assert cut == (Wanted(60, open_of(START_NS, 60)), ("A", "B"))
