"""From what was heard of a book to the rows that are written.

The rule of this file: pure. A trade is of the moment when it was received, so that candles are
exact of what was received and never change again. Where a number is missing there is a gap: the
candle that it begins in and the one that it ends in say so.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from history.outside.hearing import Heard
from history.outside.scaling import QUOTE_DECIMALS, text_of, units_of
from history.projection.candles import MarketCandles
from history.projection.rows import CandleRow, TradeRow

Row = dict[str, Any]


class Newest(NamedTuple):
    """How far a book is recorded: its newest trade, and its newest candles with their gaps."""

    sequence: int
    at_ns: int
    candles: tuple[tuple[CandleRow, int], ...] = ()


class BookRows(NamedTuple):
    """What comes of some trades; `newest` is how far the book is with them."""

    trades: list[Row]
    candles: list[Row]
    gaps: list[Row]
    newest: Newest


def rows_of(book: str, heard: Sequence[Heard], before: Newest) -> BookRows:
    """Return the rows of trades, oldest first; those that are recorded already are passed over."""
    run = _Run(book, before)
    for each in heard:
        if each.sequence > run.sequence:
            run.take(each)
    return run.rows()


class _Run:
    def __init__(self, book: str, before: Newest) -> None:
        self._book = book
        self.sequence, self._at_ns = before.sequence, before.at_ns
        self._candles = MarketCandles(book, (candle for candle, _ in before.candles))
        self._missed = {candle.interval_s: missed for candle, missed in before.candles}
        self._changed: dict[tuple[int, int], tuple[CandleRow, int]] = {}
        self._trades: list[Row] = []
        self._gaps: list[Row] = []

    def take(self, heard: Heard) -> None:
        trade = heard.trade
        price, quantity = units_of(trade.price), units_of(trade.quantity)
        if price is None or quantity is None:
            return  # It is no trade that can be counted: its number is missing from now on.
        at_ns = max(self._at_ns, heard.at_ns)  # This machine's clock may have been put back.
        is_gap = heard.sequence != self.sequence + 1
        if is_gap:
            self._note_gap(heard.sequence, at_ns)
        row = _trade_row(self._book, heard, at_ns, price, quantity)
        opened = {interval_s: row.open_at_ns for interval_s, row in self._candles.newest.items()}
        for candle in self._candles.add([row]):
            interval_s = candle.interval_s
            if opened.get(interval_s) != candle.open_at_ns:
                self._missed[interval_s] = int(is_gap)
            self._change(candle)
        self.sequence, self._at_ns = heard.sequence, at_ns
        self._trades.append(_stored(self._book, heard, at_ns))

    def rows(self) -> BookRows:
        candles = [_candle_row(candle, missed) for candle, missed in self._changed.values()]
        newest = tuple(
            (candle, self._missed[candle.interval_s]) for candle in self._candles.newest.values()
        )
        return BookRows(
            self._trades, candles, self._gaps, Newest(self.sequence, self._at_ns, newest)
        )

    def _note_gap(self, until_sequence: int, until_ns: int) -> None:
        for interval_s, candle in self._candles.newest.items():
            self._missed[interval_s] += 1
            self._change(candle)
        gap = {"book": self._book, "until_sequence": until_sequence}
        self._gaps.append({**gap, "from_ns": self._at_ns, "until_ns": until_ns})

    def _change(self, candle: CandleRow) -> None:
        interval_s = candle.interval_s
        self._changed[interval_s, candle.open_at_ns] = candle, self._missed[interval_s]


def _trade_row(book: str, heard: Heard, at_ns: int, price: int, quantity: int) -> TradeRow:
    side = heard.trade.taker_side.value
    amounts = price, quantity, price * quantity
    number = heard.sequence
    return TradeRow(book, number, at_ns, number, number, *amounts, side, 0, 0, 0, 0, 0, 0)


def _stored(book: str, heard: Heard, at_ns: int) -> Row:
    trade = heard.trade
    return {
        "book": book,
        "sequence": heard.sequence,
        "at_ns": at_ns,
        "trade_id": trade.trade_id,
        "price": trade.price,
        "quantity": trade.quantity,
        "taker_side": trade.taker_side.value,
        "venue_at_ns": trade.venue_at_ns,
        "is_recovered": trade.is_recovered,
    }


def _candle_row(candle: CandleRow, missed: int) -> Row:
    return {
        "book": candle.market,
        "interval_s": candle.interval_s,
        "open_at_ns": candle.open_at_ns,
        "open": text_of(candle.open_ticks),
        "high": text_of(candle.high_ticks),
        "low": text_of(candle.low_ticks),
        "close": text_of(candle.close_ticks),
        "volume": text_of(candle.volume_lots),
        "quote_volume": text_of(candle.quote_atoms, QUOTE_DECIMALS),
        "trades": candle.trades,
        "taker_buy_volume": text_of(candle.taker_buy_lots),
        "taker_buy_quote_volume": text_of(candle.taker_buy_quote_atoms, QUOTE_DECIMALS),
        "gaps": missed,
    }


def read_candle(row: Any) -> tuple[CandleRow, int]:
    """Return a stored candle as the projection has it, and its gaps."""
    candle = CandleRow(
        row.book,
        row.interval_s,
        row.open_at_ns,
        _units(row.open),
        _units(row.high),
        _units(row.low),
        _units(row.close),
        _units(row.volume),
        _units(row.quote_volume, QUOTE_DECIMALS),
        row.trades,
        _units(row.taker_buy_volume),
        _units(row.taker_buy_quote_volume, QUOTE_DECIMALS),
        0,
        0,
    )
    return candle, row.gaps


def _units(text: str, decimals: int = 18) -> int:
    units = units_of(text, decimals)
    assert units is not None, f"{text} was not written by this program"
    return units
