"""Tickers in words: what is rounded, and what there is without a trade."""

import pytest

from history.projection.tickers import WINDOW_NS, Ticker
from history.queries.catalog import MarketTexts
from history.queries.tickers import average_price, change_ppm, ticker_view
from shared.messages import FeeAsset, Market

AT_NS = 1_795_392_000_000_000_000
# Prices of two decimals, a tick of 0.05; lots of one share.
TEXTS = MarketTexts(Market("TATA_INR", "TATA", "INR", 2, 5, 1, 5, FeeAsset.QUOTE), 0, 2)
TRADED = Ticker("TATA_INR", AT_NS, 100, 130, 90, 110, 3, 1_600, 2, 1, 500, 7, 8, 95)


def test_a_ticker_is_written_in_the_words_of_its_market() -> None:
    view = ticker_view(TRADED, TEXTS, 2)
    assert (view.open_at_ns, view.close_at_ns) == (AT_NS - WINDOW_NS, AT_NS)
    prices = view.open_price, view.high_price, view.low_price, view.last_price
    assert prices == ("5", "6.5", "4.5", "5.5")
    assert (view.previous_close, view.change, view.change_ppm) == ("4.75", "0.5", 100_000)
    assert (view.volume, view.quote_volume, view.last_quantity) == ("3", "16", "2")
    assert (view.taker_buy_volume, view.taker_buy_quote_volume) == ("1", "5")
    assert (view.trades, view.first_trade_id, view.last_trade_id) == (2, 7, 8)
    assert view.average_price == "5.3333"


def test_without_a_trade_in_the_window_it_is_the_last_price_and_nothing() -> None:
    quiet = Ticker("TATA_INR", AT_NS, 95, 95, 95, 95, 0, 0, 0, 0, 0, 0, 0, 95)
    view = ticker_view(quiet, TEXTS, 2)
    assert {view.open_price, view.high_price, view.low_price, view.last_price} == {"4.75"}
    assert (view.previous_close, view.change, view.change_ppm) == ("4.75", "0", 0)
    assert (view.volume, view.trades, view.average_price) == ("0", 0, None)
    assert (view.first_trade_id, view.last_trade_id) == (None, None)


def test_the_first_trade_of_all_has_no_close_before_it() -> None:
    assert ticker_view(TRADED._replace(previous_close_ticks=None), TEXTS, 2).previous_close is None


@pytest.mark.parametrize(
    ("change", "opened", "ppm"), [(1, 3, 333_333), (-1, 3, -333_333), (2, 1, 2_000_000), (0, 9, 0)]
)
def test_a_change_is_rounded_toward_zero(change: int, opened: int, ppm: int) -> None:
    assert change_ppm(change, opened) == ppm


@pytest.mark.parametrize(
    # 4,001 atoms for 8 shares are 5.00125 each.
    ("lots", "atoms", "average"),
    [(4, 2_001, "5.0025"), (8, 4_001, "5.0013"), (3, 1_600, "5.3333"), (3, 1_700, "5.6667")],
)
def test_an_average_is_rounded_half_up(lots: int, atoms: int, average: str) -> None:
    assert average_price(TRADED._replace(volume_lots=lots, quote_atoms=atoms), TEXTS) == average
