"""Lists that are asked for by HTTP, of symbols and of past trades: where in them is what.

The rule of this file: a list is described, as data, and read by one function. What it lacks is a
FrameError, so that half a list is never taken for a whole one. A path such as
`priceFilter.tickSize` leads to a field; a step into a list is to the member that has this word
among its values, as in `filters.PRICE_FILTER.tickSize`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import to_ns
from aggregator.protocol.decimals import tick_text
from aggregator.protocol.notices import FrameError, Instrument, NextPage
from aggregator.protocol.reading import decoded, digits_to_ns, plain_number, rfc3339_to_ns
from aggregator.protocol.requests import Request
from aggregator.protocol.symbols import parted_symbol
from aggregator.protocol.updates import NONE, TradeUpdate, Update
from shared.messages import Side

_ANY = Decoder(Any)
_ANY_EXACT = Decoder(Any, float_hook=plain_number)  # A bare number with a point comes as text.
_SHOWN_CHARS_MAX = 200


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What is around the `rows` of a list. A `code` other than `good_code` is a complaint, whose
    text is at `reason`. At `echoes` the answer repeats words of the question: a list of something
    else is refused. `is_by_name`: the rows are an object's values. `has_bare_numbers`: ticks
    in it are numbers, and not texts, as they should be. `cursor` is the word for where a
    list goes on: the question has it too.
    """

    rows: str = ""
    is_by_name: bool = False
    has_bare_numbers: bool = False
    code: str = ""
    good_code: str | int = 0
    reason: str = ""
    echoes: Mapping[str, str] = {}
    cursor: str = ""
    cursor_at: str = ""

    def open(self, asked: str, body: bytes) -> tuple[list[object], list[NextPage]]:
        """Return the rows, and where they go on; raises FrameError. `asked` is the address of the
        first page.
        """
        answer = decoded(_ANY_EXACT if self.has_bare_numbers else _ANY, body)
        if self.code and (code := _at(answer, self.code)) != self.good_code:
            raise FrameError(f"{_at(answer, self.reason)} ({code})")
        words = dict(parse_qsl(urlsplit(asked).query))
        for path, word in self.echoes.items():
            if (told := _at(answer, path)) != words[word]:
                raise FrameError(f"The answer is about {told!r}, not about {words[word]!r}.")
        rows = _at(answer, self.rows)
        if self.is_by_name and isinstance(rows, dict):
            rows = list(rows.values())
        if not isinstance(rows, list):
            raise FrameError(f"There is no list in {body[:_SHOWN_CHARS_MAX]!r}.")
        cursor = _at(answer, self.cursor_at) if self.cursor_at else ""
        return rows, [NextPage(self._next_url(asked, cursor))] if cursor else []

    def _next_url(self, asked: str, cursor: object) -> str:
        return f"{asked}&{self.cursor}={quote(str(cursor), safe='')}"


BARE = Envelope()


class InstrumentList(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are from the row of a symbol. It is `listed_if` each of these fields has one of these
    values; a field that a row does not have says nothing against it. Of a quantity's step the
    first path that leads anywhere counts.

    With a `separator` base and quote are in the symbol alone, on both sides of it, with `aliases`
    for what the venue calls otherwise there than in its messages. Where how many decimals there
    are is told, a tick is written with so many.
    """

    envelope: Envelope = BARE
    symbol: str
    base: str = ""
    quote: str = ""
    separator: str = ""
    aliases: Mapping[str, str] = {}
    price_tick: str = ""
    price_decimals: str = ""
    quantity_steps: tuple[str, ...] = ()
    quantity_decimals: str = ""
    delivered_as: str = ""
    listed_if: Mapping[str, tuple[str, ...]] = {}

    def ask(self, url: str, weight: int = 1) -> Request:
        return Request(url, weight, partial(read_instruments, self, url))


def read_instruments(
    described: InstrumentList, asked: str, body: bytes, url: str
) -> Sequence[Update]:
    """Return the symbols that an answer lists; raises FrameError."""
    rows, more = described.envelope.open(asked, body)
    listed = [_instrument(described, row) for row in rows if _is_listed(described, row)]
    return [*(one for one in listed if one is not None), *more]


def _is_listed(described: InstrumentList, row: object) -> bool:
    return all(
        (value := _at(row, path)) is None or value in values
        for path, values in described.listed_if.items()
    )


def _instrument(described: InstrumentList, row: object) -> Instrument | None:
    ticks = (
        _tick(row, [described.price_tick], described.price_decimals),
        _tick(row, described.quantity_steps, described.quantity_decimals),
    )
    symbol, between = _needed(row, described.symbol), described.separator
    if between:
        one = parted_symbol(symbol, between, described.aliases)
        return one and Instrument(f"{one.base}{between}{one.quote}", one.base, one.quote, *ticks)
    base, quote = _needed(row, described.base), _needed(row, described.quote)
    return Instrument(symbol, base, quote, *ticks, _text(row, [described.delivered_as]))


def _tick(row: object, paths: Iterable[str], decimals_path: str) -> str:
    if not decimals_path:
        return _text(row, paths)
    decimals, told = _at(row, decimals_path), next((_at(row, path) for path in paths), None)
    if type(decimals) is not int:
        raise FrameError(f"A row of a list has no {decimals_path}.")
    return tick_text(decimals, str(told) if type(told) in (int, str) else "")


class TradeList(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are from the row of a trade; `taker_sides` are by the value of `side`. The ids of a
    venue with `counts_one_by_one` are numbers that leave no gap.
    """

    envelope: Envelope = BARE
    trade_id: str
    price: str
    quantity: str
    side: str
    taker_sides: Mapping[str | bool, Side]
    time: str
    counts_one_by_one: bool = False
    is_newest_first: bool = False

    def ask(self, url: str, symbol: str, weight: int = 1) -> Request:
        return Request(url, weight, partial(read_trades, self, url, symbol))


def read_trades(
    described: TradeList, asked: str, symbol: str, body: bytes, url: str
) -> Sequence[Update]:
    """Return the trades that an answer lists, marked as history, the oldest one first; raises
    FrameError. A quantity that is no number from 0 upwards means nothing: it is left out.
    """
    rows, _ = described.envelope.open(asked, body)
    trades = [_trade(described, symbol, row) for row in rows]
    trades = [trade for trade in trades if trade.quantity[:1].isdigit()]
    return trades[::-1] if described.is_newest_first else trades


def _trade(described: TradeList, symbol: str, row: object) -> TradeUpdate:
    trade_id, side = _at(row, described.trade_id), _at(row, described.side)
    if not isinstance(trade_id, str | int) or not isinstance(side, str | bool):
        raise FrameError("A trade has no id or no side.")
    if side not in described.taker_sides:
        raise FrameError(f"{side!r} is no side of a trade.")
    number = trade_id if described.counts_one_by_one and isinstance(trade_id, int) else NONE
    return TradeUpdate(
        symbol,
        str(trade_id),
        _needed(row, described.price),
        _needed(row, described.quantity),
        described.taker_sides[side],
        _time_ns(_at(row, described.time)),
        number,
        is_history=True,
    )


def _time_ns(told: object) -> int:
    if isinstance(told, str):
        return rfc3339_to_ns(told) if "T" in told else digits_to_ns(told)
    if not isinstance(told, int):
        raise FrameError(f"{told!r} is no time.")
    return to_ns(told)


def _needed(row: object, path: str) -> str:
    text = _text(row, [path])
    if not text:
        raise FrameError(f"A row of a list has no {path}.")
    return text


def _text(row: object, paths: Iterable[str]) -> str:
    text = next((found for path in paths if path and (found := _at(row, path))), "")
    if not isinstance(text, str):
        raise FrameError(f"{text!r} in a list is no text.")
    return text


def _at(value: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            value = next((one for one in value if _has(one, step)), None)
        else:
            return None
    return value


def _has(member: object, word: str) -> bool:
    return isinstance(member, dict) and word in member.values()
