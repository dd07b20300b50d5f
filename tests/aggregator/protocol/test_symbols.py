"""Pairs out of names."""

import pytest

from aggregator.protocol import Instrument, parted_symbol, split_symbol


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BTCUSDC", ("BTC", "USDC")),
        ("BTCUSD", ("BTC", "USD")),
        ("BTCTUSD", ("BTC", "TUSD")),
        ("TUSDUSDT", ("TUSD", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("1000PEPEUSDT", ("1000PEPE", "USDT")),
        ("SHIBDOGE", ("SHIB", "DOGE")),
        ("DOGEUSDT", ("DOGE", "USDT")),
        ("BTCBKRW", ("BTC", "BKRW")),
        ("LUNAUST", ("LUNA", "UST")),
        ("BTCBRZ", ("BTC", "BRZ")),
        ("BTCBUSD", ("BTC", "BUSD")),
    ],
)
def test_the_longest_quote_that_fits_is_it(symbol: str, pair: tuple[str, str]) -> None:
    assert split_symbol(symbol) == pair


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BNBUSD", ("BNB", "USD")),
        ("DOTUSD", ("DOT", "USD")),
        ("AVAXUSD", ("AVAX", "USD")),
        ("BATUSD", ("BAT", "USD")),
        ("BNBBUSD", ("BNB", "BUSD")),
    ],
)
def test_a_coin_that_is_known_is_not_cut_for_a_longer_quote(
    symbol: str, pair: tuple[str, str]
) -> None:
    assert split_symbol(symbol) == pair


@pytest.mark.parametrize("symbol", ["", "USDT", "BTC-PERPETUAL", "btcusdt", "BTCUSDT_261225"])
def test_a_name_without_a_quote_behind_a_base_tells_nothing(symbol: str) -> None:
    assert split_symbol(symbol) is None


def test_a_name_with_one_separator_has_two_sides() -> None:
    assert parted_symbol("BTC-USD", "-") == Instrument("BTC-USD", "BTC", "USD")
    for name in ("BTCUSD", "BTC-", "-USD", "BTC-USD-PERP", ""):
        assert parted_symbol(name, "-") is None


def test_what_a_venue_calls_otherwise_is_called_as_all_others_do() -> None:
    aliases = {"XBT": "BTC"}
    assert parted_symbol("XBT/USD", "/", aliases) == Instrument("XBT/USD", "BTC", "USD")
    assert parted_symbol("ETH/XBT", "/", aliases) == Instrument("ETH/XBT", "ETH", "BTC")
