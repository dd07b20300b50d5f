"""Candles and tickers by hand: from the list of trades, with decimals and calendars.

The rule of this file: it shares nothing with what it judges but the shapes of the answers. It is
slow, and plain.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from history.projection.rows import AssetRow, MarketRow, TradeRow
from shared.rest.history import Kline, TickerView

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
LENGTHS_S = {
    "1s": 1,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "1h": 3_600,
    "4h": 14_400,
    "1d": 86_400,
    "1w": 604_800,
}
# Prices count in 0.05, quantities in 0.01; a tick of a lot is 0.0005 of the quote.
TICK, LOT, ATOM = Decimal("0.05"), Decimal("0.01"), Decimal("0.0001")
ATOMS_PER_TICK_LOT = 5
ASSETS = [AssetRow("BASE", 4, 1), AssetRow("INR", 4, 1)]


def market_row(name: str) -> MarketRow:
    return MarketRow(name, "BASE", "INR", 2, 5, 100, ATOMS_PER_TICK_LOT, "received", "{}", 1)


def plain(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def opened_ns(at_ns: int, interval: str) -> int:
    """When the interval began, by the calendar."""
    moment = datetime.fromtimestamp(at_ns // SECOND_NS, UTC)
    midnight = moment.replace(hour=0, minute=0, second=0)
    if interval == "1w":
        begin = midnight - timedelta(days=midnight.weekday())
    elif interval == "1d":
        begin = midnight
    else:
        passed_s = int((moment - midnight).total_seconds())
        begin = midnight + timedelta(seconds=passed_s // LENGTHS_S[interval] * LENGTHS_S[interval])
    return int(begin.timestamp()) * SECOND_NS


class Sums:
    """What trades add up to."""

    def __init__(self, trades: Sequence[TradeRow]) -> None:
        bought = [each for each in trades if each.taker_side == "buy"]
        self.volume = sum((each.quantity_lots * LOT for each in trades), Decimal(0))
        self.quote = sum((each.quote_atoms * ATOM for each in trades), Decimal(0))
        self.bought = sum((each.quantity_lots * LOT for each in bought), Decimal(0))
        self.bought_quote = sum((each.quote_atoms * ATOM for each in bought), Decimal(0))


def kline(
    trades: Sequence[TradeRow], open_at_ns: int, interval: str, watermark_ns: int
) -> Kline | None:
    """The candle of a market that began then; None before its first trade."""
    close_at_ns = open_at_ns + LENGTHS_S[interval] * SECOND_NS
    before = [each for each in trades if each.at_ns < open_at_ns]
    within = [each for each in trades if open_at_ns <= each.at_ns < close_at_ns]
    if not before and not within:
        return None
    prices = [each.price_ticks * TICK for each in within or before[-1:]]
    sums = Sums(within)
    return Kline(
        open_at_ns=open_at_ns,
        close_at_ns=close_at_ns,
        open=plain(prices[0]),
        high=plain(max(prices)),
        low=plain(min(prices)),
        close=plain(prices[-1]),
        volume=plain(sums.volume),
        quote_volume=plain(sums.quote),
        trades=len(within),
        taker_buy_volume=plain(sums.bought),
        taker_buy_quote_volume=plain(sums.bought_quote),
        first_trade_id=within[0].trade_id if within else None,
        last_trade_id=within[-1].trade_id if within else None,
        is_closed=close_at_ns <= watermark_ns,
    )


def ticker(trades: Sequence[TradeRow], watermark_ns: int) -> TickerView:
    """The ticker of a market that has traded."""
    before = [each for each in trades if each.at_ns <= watermark_ns - DAY_NS]
    within = [each for each in trades if watermark_ns - DAY_NS < each.at_ns <= watermark_ns]
    prices = [each.price_ticks * TICK for each in within or before[-1:]]
    change = prices[-1] - prices[0]
    sums = Sums(within)
    average = None
    if within:
        average = plain((sums.quote / sums.volume).quantize(Decimal("0.0001"), ROUND_HALF_UP))
    return TickerView(
        market=trades[0].market,
        open_at_ns=watermark_ns - DAY_NS,
        close_at_ns=watermark_ns,
        open_price=plain(prices[0]),
        high_price=plain(max(prices)),
        low_price=plain(min(prices)),
        last_price=plain(prices[-1]),
        last_quantity=plain(trades[-1].quantity_lots * LOT),
        previous_close=plain(before[-1].price_ticks * TICK) if before else None,
        change=plain(change),
        change_ppm=int(change * 1_000_000 / prices[0]),
        average_price=average,
        volume=plain(sums.volume),
        quote_volume=plain(sums.quote),
        taker_buy_volume=plain(sums.bought),
        taker_buy_quote_volume=plain(sums.bought_quote),
        trades=len(within),
        first_trade_id=within[0].trade_id if within else None,
        last_trade_id=within[-1].trade_id if within else None,
    )
