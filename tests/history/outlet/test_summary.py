"""`tickers` tells of everybody in turn, and is never longer than a message may be."""

import msgspec

from history.outlet.summary import INTERVAL_NS, INTERVAL_S, Summary
from history.projection.tickers import Ticker
from history.projection.views import Scales, scales_of, ticker_view
from shared.feed.history import LiveTickers
from shared.publishing import DATA_BYTES_MAX
from tests.history.outlet.pencil import market_row
from tests.history.outlet.tape import START_NS

SCALES = scales_of(market_row("any"), 4, 4)


def ticker(market: str) -> Ticker:
    return Ticker(market, START_NS, 100, 120, 90, 110, 7, 385, 3, 2, 100, 5, 7, 99, 4)


def scales(_market: str) -> Scales:
    return SCALES


def taken(summary: Summary, at_ns: int, now_s: float = 0.0) -> LiveTickers | None:
    data = summary.take(41, at_ns, ticker, scales, now_s=now_s)
    assert data is None or len(data) <= DATA_BYTES_MAX
    return None if data is None else msgspec.json.decode(data, type=LiveTickers)


def names(said: LiveTickers | None) -> list[str]:
    assert said is not None
    return [each.market for each in said.tickers]


def test_all_markets_are_in_it_by_name_when_one_has_changed() -> None:
    summary = Summary()
    for market in ("C", "A", "B"):
        summary.note(market)
    said = taken(summary, START_NS)
    assert said == LiveTickers(
        [ticker_view(ticker(each), SCALES) for each in "ABC"], 41, START_NS, 0
    )
    summary.note("B")
    assert names(taken(summary, START_NS + INTERVAL_NS)) == ["A", "B", "C"]


def test_without_a_change_and_too_soon_nothing_is_said() -> None:
    summary = Summary()
    # The first message, from which who listens knows that there is nothing yet.
    assert taken(summary, START_NS) == LiveTickers([], 41, START_NS, 0)
    assert taken(summary, START_NS + INTERVAL_NS) is None
    summary.note("A")
    assert taken(summary, START_NS + INTERVAL_NS - 1) is None
    assert names(taken(summary, START_NS + INTERVAL_NS)) == ["A"]
    assert taken(summary, START_NS + 2 * INTERVAL_NS) is None
    summary.note("A")
    assert names(taken(summary, START_NS + 2 * INTERVAL_NS)) == ["A"]
    summary.note("A")
    assert taken(summary, START_NS + 3 * INTERVAL_NS - 1) is None
    assert names(taken(summary, START_NS + 3 * INTERVAL_NS)) == ["A"]


def test_it_is_said_too_while_the_watermark_stands_still() -> None:
    """As it does for as long as the clock of Redis was set back by."""
    summary = Summary()
    summary.note("A")
    assert names(taken(summary, START_NS, 7.0)) == ["A"]
    summary.note("A")
    assert taken(summary, START_NS, 7.0 + INTERVAL_S - 0.001) is None
    assert names(taken(summary, START_NS, 7.0 + INTERVAL_S)) == ["A"]


def test_of_more_than_fit_everybody_has_a_turn() -> None:
    summary, markets = Summary(), [f"M{number:04}" for number in range(500)]
    for market in markets:
        summary.note(market)
    told: list[str] = []
    for turn in range(10):
        summary.note("M0000")
        said = taken(summary, START_NS + turn * INTERVAL_NS)
        told += names(said)
        assert said is not None
        assert said.left_out == len(markets) - len(said.tickers)
        assert len(said.tickers) > 100
        if turn == 4:
            assert set(told) == set(markets)


def test_what_has_changed_comes_before_what_has_not() -> None:
    summary = Summary(bytes_max=1_800)
    for number in range(9):
        summary.note(f"M{number}")
    for turn in range(20):
        taken(summary, START_NS + turn * INTERVAL_NS)
    summary.note("M7")
    said = names(taken(summary, START_NS + 99 * INTERVAL_NS))
    assert "M7" in said
    assert 1 < len(said) < 9
