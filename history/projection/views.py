"""Candles and tickers as everybody is shown them: over REST, in a file, and live.

The rule of this file: one function for each shape, so that the same row is the same text wherever
it is shown. Numbers become decimal text here, exactly; the one that is rounded, `average_price`, is
rounded half up, and `change_ppm` is cut off toward zero.
"""

from typing import Any, NamedTuple

from history.projection.intervals import close_of
from history.projection.rows import CandleRow, MarketRow
from history.projection.tickers import WINDOW_NS, Ticker
from shared.money import PPM, format_decimal
from shared.rest.history import Kline, TickerView

AVERAGE_DECIMALS = 2  # More than a price has.


class Scales(NamedTuple):
    """What the integers of a market are counted in."""

    price_scale: int
    price_tick: int
    lot_atoms: int
    base_scale: int
    quote_scale: int

    def price(self, ticks: int) -> str:
        return format_decimal(ticks * self.price_tick, self.price_scale)

    def quantity(self, lots: int) -> str:
        return format_decimal(lots * self.lot_atoms, self.base_scale)

    def quote(self, atoms: int) -> str:
        return format_decimal(atoms, self.quote_scale)


def scales_of(market: MarketRow, base_scale: int, quote_scale: int) -> Scales:
    return Scales(market.price_scale, market.price_tick, market.lot_atoms, base_scale, quote_scale)


def kline_fields(candle: CandleRow, scales: Scales, watermark_ns: int) -> dict[str, Any]:
    """Return the fields of a `Kline`, for what is one and more."""
    close_at_ns = close_of(candle.open_at_ns, candle.interval_s)
    is_empty = not candle.trades
    return {
        "open_at_ns": candle.open_at_ns,
        "close_at_ns": close_at_ns,
        "open": scales.price(candle.open_ticks),
        "high": scales.price(candle.high_ticks),
        "low": scales.price(candle.low_ticks),
        "close": scales.price(candle.close_ticks),
        "volume": scales.quantity(candle.volume_lots),
        "quote_volume": scales.quote(candle.quote_atoms),
        "trades": candle.trades,
        "taker_buy_volume": scales.quantity(candle.taker_buy_lots),
        "taker_buy_quote_volume": scales.quote(candle.taker_buy_quote_atoms),
        "first_trade_id": None if is_empty else candle.first_trade_id,
        "last_trade_id": None if is_empty else candle.last_trade_id,
        "is_closed": close_at_ns <= watermark_ns,
    }


def kline_view(candle: CandleRow, scales: Scales, watermark_ns: int) -> Kline:
    """Return a candle, stored or made by `filled`, as it is shown at a watermark."""
    return Kline(**kline_fields(candle, scales, watermark_ns))


def ticker_fields(ticker: Ticker, scales: Scales) -> dict[str, Any]:
    """Return the fields of a `TickerView`, for what is one and more."""
    is_empty = not ticker.trades
    previous = ticker.previous_close_ticks
    return {
        "market": ticker.market,
        "open_at_ns": ticker.at_ns - WINDOW_NS,
        "close_at_ns": ticker.at_ns,
        "open_price": scales.price(ticker.open_ticks),
        "high_price": scales.price(ticker.high_ticks),
        "low_price": scales.price(ticker.low_ticks),
        "last_price": scales.price(ticker.last_ticks),
        "last_quantity": scales.quantity(ticker.last_lots),
        "previous_close": None if previous is None else scales.price(previous),
        "change": scales.price(ticker.last_ticks - ticker.open_ticks),
        "change_ppm": change_ppm(ticker),
        "average_price": average_price(ticker, scales),
        "volume": scales.quantity(ticker.volume_lots),
        "quote_volume": scales.quote(ticker.quote_atoms),
        "taker_buy_volume": scales.quantity(ticker.taker_buy_lots),
        "taker_buy_quote_volume": scales.quote(ticker.taker_buy_quote_atoms),
        "trades": ticker.trades,
        "first_trade_id": None if is_empty else ticker.first_trade_id,
        "last_trade_id": None if is_empty else ticker.last_trade_id,
    }


def ticker_view(ticker: Ticker, scales: Scales) -> TickerView:
    return TickerView(**ticker_fields(ticker, scales))


def change_ppm(ticker: Ticker) -> int:
    """Return the change in parts per million of the first price, cut off toward zero."""
    change = ticker.last_ticks - ticker.open_ticks
    parts = abs(change) * PPM // ticker.open_ticks
    return parts if change >= 0 else -parts


def average_price(ticker: Ticker, scales: Scales) -> str | None:
    """Return quote volume by volume, rounded half up; None without trades."""
    if not ticker.trades:
        return None
    decimals = scales.price_scale + AVERAGE_DECIMALS
    quote = ticker.quote_atoms * 10 ** (scales.base_scale + decimals)
    base = ticker.volume_lots * scales.lot_atoms * 10**scales.quote_scale
    return format_decimal((2 * quote + base) // (2 * base), decimals)
