"""Tickers as they are answered. Pure.

The rule of this file: the integers of `history.projection.tickers`, written as decimal text; the
two ratios are rounded here, by the rules that `TickerView` names.
"""

from history.projection.tickers import WINDOW_NS, Ticker
from history.queries.catalog import MarketTexts
from shared.money import PPM, format_decimal
from shared.rest.history import TickerView

AVERAGE_DECIMALS = 2  # More than a price has.


def ticker_view(ticker: Ticker, texts: MarketTexts, last_lots: int) -> TickerView:
    """Return a ticker; `last_lots` is the quantity of the market's last trade."""
    price, quantity, quote = texts.price, texts.quantity, texts.quote
    change_ticks = ticker.last_ticks - ticker.open_ticks
    previous = ticker.previous_close_ticks
    return TickerView(
        market=ticker.market,
        open_at_ns=ticker.at_ns - WINDOW_NS,
        close_at_ns=ticker.at_ns,
        open_price=price(ticker.open_ticks),
        high_price=price(ticker.high_ticks),
        low_price=price(ticker.low_ticks),
        last_price=price(ticker.last_ticks),
        last_quantity=quantity(last_lots),
        previous_close=None if previous is None else price(previous),
        change=price(change_ticks),
        change_ppm=change_ppm(change_ticks, ticker.open_ticks),
        average_price=average_price(ticker, texts),
        volume=quantity(ticker.volume_lots),
        quote_volume=quote(ticker.quote_atoms),
        taker_buy_volume=quantity(ticker.taker_buy_lots),
        taker_buy_quote_volume=quote(ticker.taker_buy_quote_atoms),
        trades=ticker.trades,
        first_trade_id=ticker.first_trade_id or None,
        last_trade_id=ticker.last_trade_id or None,
    )


def change_ppm(change_ticks: int, open_ticks: int) -> int:
    """Return a change in parts per million, rounded toward zero."""
    size_ppm = abs(change_ticks) * PPM // open_ticks
    return size_ppm if change_ticks >= 0 else -size_ppm


def average_price(ticker: Ticker, texts: MarketTexts) -> str | None:
    """Return quote volume by volume, rounded half up; None without trades."""
    if not ticker.volume_lots:
        return None
    scale = texts.market.price_scale + AVERAGE_DECIMALS
    # Both in units of their asset, the result in units of 10**-scale.
    above: int = ticker.quote_atoms * 10 ** (texts.base_scale + scale)
    below: int = ticker.volume_lots * texts.market.lot_atoms * 10**texts.quote_scale
    return format_decimal((2 * above + below) // (2 * below), scale)
