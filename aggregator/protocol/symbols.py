"""Pairs out of the names of symbols, as in BTCUSDT and BTC-USDT.

The rule of this file: a guess is for recordings that lack the venue's own list, and for nothing
else: a name such as BATUSD has two readings, and only the list knows for sure.
"""

from collections.abc import Mapping

from aggregator.protocol.notices import Instrument

NO_ALIASES: Mapping[str, str] = {}
# What is followed of a venue for which nothing was set.
_COINS = ("BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "LINK", "AVAX")
USUAL_IN_USDT = tuple(f"{coin}/USDT" for coin in _COINS)
USUAL_IN_USD = tuple(f"{coin}/USD" for coin in _COINS)

# What others are or were priced in. The longest that fits is it: TUSD before USD.
_QUOTES = (
    *("FDUSD", "RLUSD", "BIDR", "BKRW", "BUSD", "BVND", "DOGE", "EURI", "IDRT", "TUSD", "USD1"),
    *("USDC", "USDD", "USDE", "USDP", "USDR", "USDS", "USDT", "XUSD", "AED", "ARS", "AUD", "BNB"),
    *("BRL", "BRZ", "BTC", "CAD", "CHF", "COP", "CZK", "DAI", "DOT", "ETH", "EUR", "GBP", "IDR"),
    *("JPY", "KRW", "KZT", "MNT", "MXN", "NGN", "PAX", "PLN", "RON", "RUB", "SOL", "TRX", "TRY"),
    *("UAH", "USD", "UST", "VAI", "XRP", "ZAR"),
)
# Coins whose last letter and USD are another quote; with these, the shorter quote is it.
_ENDING_LIKE_QUOTES = (
    *("APT", "ARB", "AVAX", "BAT", "BIT", "BNB", "DOT", "DYDX", "FET", "GMT", "GMX", "GRT", "ICX"),
    *("IMX", "LIT", "MNT", "ONT", "PNUT", "QNT", "SHIB", "SNT", "SNX", "TRX", "VET", "WBT", "ZRX"),
)


def split_symbol(symbol: str) -> tuple[str, str] | None:
    """Return the base and the quote that a name seems to be of; None if it ends in no quote."""
    fits = [quote for quote in _QUOTES if symbol.endswith(quote) and symbol != quote]
    pairs = [(symbol.removesuffix(quote), quote) for quote in fits]
    known = (pair for pair in pairs if pair[0] in _ENDING_LIKE_QUOTES)
    return next(known, pairs[0] if pairs else None)


def parted_symbol(
    symbol: str, separator: str, aliases: Mapping[str, str] = NO_ALIASES
) -> Instrument | None:
    """Return what a name with one separator is of; None for any other. `aliases` are what the
    venue calls otherwise than all others do.
    """
    base, _, quote = symbol.partition(separator)
    if not (base and quote) or separator in quote:
        return None
    return Instrument(symbol, aliases.get(base, base), aliases.get(quote, quote))
