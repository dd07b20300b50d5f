"""Which books belong together, and what their fees are."""

import pytest

from aggregator.merge import MergeOptions, consolidated_symbol


@pytest.mark.parametrize(
    ("book", "symbol"),
    [
        ("binance:spot:BTC/USDT", "BTC/USD"),
        ("kraken:spot:BTC/USD", "BTC/USD"),
        ("coinbase-exchange:spot:BTC/USDC", "BTC/USDC"),
        ("kraken:spot:USDT/USD", "USDT/USD"),
        ("bybit:linear:BTC/USDT", "linear:BTC/USD"),
        ("binance:inverse:BTC/USD", "binance:inverse:BTC/USD"),
    ],
)
def test_a_book_is_consolidated_by_kind_of_market_and_pair(book: str, symbol: str) -> None:
    assert consolidated_symbol(book, {"USDT": "USD"}) == symbol


def test_a_feed_that_is_not_named_takes_nothing() -> None:
    options = MergeOptions(taker_fees_ppm={"binance:spot": 1000})
    assert options.taker_fee_ppm("binance:spot:BTC/USDT") == 1000
    assert options.taker_fee_ppm("binance:linear:BTC/USDT") == 0
