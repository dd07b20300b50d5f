"""What is shown of a candle and of a ticker is exact decimal text."""

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import msgspec
import pytest

from history.projection.candles import drawn, filled
from history.projection.intervals import SECOND_NS, open_of
from history.projection.tickers import WINDOW_NS, Ticker
from history.projection.views import Scales, change_ppm, kline_view, ticker_view
from tests.history.projection.test_candles import START_NS, trade

# Prices of 0.05, lots of 0.001 base; quote in hundredths.
SCALES = Scales(price_scale=2, price_tick=5, lot_atoms=10, base_scale=4, quote_scale=2)
OPEN_NS = open_of(START_NS, 60)


def ticker(**given: int | None) -> Ticker:
    start = Ticker("M", START_NS, 100, 120, 90, 110, 7, 385, 3, 2, 100, 5, 7, 99, 4)
    return start._replace(**given)  # type: ignore[arg-type]


def test_a_candle_is_shown_in_the_texts_of_its_market() -> None:
    row = drawn([trade(7, OPEN_NS, 100, 3), trade(8, OPEN_NS + 1, 90, 2, "sell")], OPEN_NS, 60)
    assert msgspec.to_builtins(kline_view(row, SCALES, OPEN_NS)) == {
        "open_at_ns": OPEN_NS,
        "close_at_ns": OPEN_NS + 60 * SECOND_NS,
        "open": "5",
        "high": "5",
        "low": "4.5",
        "close": "4.5",
        "volume": "0.005",
        "quote_volume": "4.8",
        "trades": 2,
        "taker_buy_volume": "0.003",
        "taker_buy_quote_volume": "3",
        "first_trade_id": 7,
        "last_trade_id": 8,
        "is_closed": False,
    }


@pytest.mark.parametrize(("later_ns", "is_closed"), [(-1, False), (0, True), (1, True)])
def test_a_candle_is_closed_when_the_watermark_is_at_its_end(
    later_ns: int, is_closed: bool
) -> None:
    row = drawn([trade(1, OPEN_NS)], OPEN_NS, 60)
    view = kline_view(row, SCALES, OPEN_NS + 60 * SECOND_NS + later_ns)
    assert view.is_closed is is_closed


def test_an_interval_without_trades_has_no_trade_ids() -> None:
    row = drawn([trade(1, OPEN_NS)], OPEN_NS, 60)
    until_ns = OPEN_NS + 120 * SECOND_NS
    _, empty = filled([row], None, from_ns=OPEN_NS, until_ns=until_ns)
    view = kline_view(empty, SCALES, until_ns)
    assert (view.open, view.volume, view.trades) == ("5", "0", 0)
    assert (view.first_trade_id, view.last_trade_id) == (None, None)


def test_a_ticker_is_shown_in_the_texts_of_its_market() -> None:
    assert msgspec.to_builtins(ticker_view(ticker(), SCALES)) == {
        "market": "M",
        "open_at_ns": START_NS - WINDOW_NS,
        "close_at_ns": START_NS,
        "open_price": "5",
        "high_price": "6",
        "low_price": "4.5",
        "last_price": "5.5",
        "last_quantity": "0.004",
        "previous_close": "4.95",
        "change": "0.5",
        "change_ppm": 100_000,
        "average_price": "550",
        "volume": "0.007",
        "quote_volume": "3.85",
        "taker_buy_volume": "0.002",
        "taker_buy_quote_volume": "1",
        "trades": 3,
        "first_trade_id": 5,
        "last_trade_id": 7,
    }


def test_a_ticker_without_trades_has_neither_average_nor_ids() -> None:
    quiet = ticker(trades=0, volume_lots=0, quote_atoms=0, previous_close_ticks=None)
    view = ticker_view(quiet, SCALES)
    assert (view.average_price, view.previous_close) == (None, None)
    assert (view.first_trade_id, view.last_trade_id) == (None, None)


@pytest.mark.parametrize(
    ("first", "last", "ppm"),
    [(3, 4, 333_333), (3, 2, -333_333), (3, 3, 0), (7, 9, 285_714), (1, 3, 2_000_000)],
)
def test_a_change_is_cut_off_toward_zero(first: int, last: int, ppm: int) -> None:
    assert change_ppm(ticker(open_ticks=first, last_ticks=last)) == ppm


@pytest.mark.parametrize(
    # Prices have two decimals; 4,001 hundredths for 8 are 5.00125 each.
    ("lots", "atoms", "average"),
    [(4, 2_001, "5.0025"), (8, 4_001, "5.0013"), (3, 1_600, "5.3333"), (3, 1_700, "5.6667")],
)
def test_an_average_has_two_decimals_more_than_a_price(lots: int, atoms: int, average: str) -> None:
    scales = SCALES._replace(lot_atoms=1, base_scale=0)
    assert ticker_view(ticker(volume_lots=lots, quote_atoms=atoms), scales).average_price == average


def test_an_average_is_rounded_half_up(seed: int) -> None:
    random = Random(seed)
    for _ in range(500):
        lots, atoms = random.randint(1, 10_000), random.randint(1, 10**9)
        shown = ticker_view(ticker(volume_lots=lots, quote_atoms=atoms), SCALES).average_price
        exact = Decimal(atoms) / 100 / (Decimal(lots) * 10 / 10_000)
        assert Decimal(str(shown)) == exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)
