"""A recorded day of orders, read from its file.

The rule of this file: prices are decimal text and become integers here, on a grid that the file
itself fits; a row that cannot be understood is refused by its line.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine.core.rules import is_client_text
from engine.replay.errors import ReplayError
from shared.messages import Side
from shared.money import AMOUNT_LIMIT, SCALE_MAX, AmountError, parse_decimal

COLUMNS = ("ordtype", "uid", "is_buy", "qty", "price")
FIRST_LINE = 2  # The header is line 1.
PRICE_SCALE_MIN = 2  # Expectations are in cents, so there are at least these.
TICK_UNITS = 5  # 0.05, the exchange's own tick; a day that does not fit it has ticks of one unit.
GZIP_MAGIC = b"\x1f\x8b"
FILE_SIZE_MAX = 1024**3  # A day has about 1.5 MB; more than this in memory is a mistake.
_SIDES = {"True": Side.BUY, "False": Side.SELL}


class Kind(StrEnum):
    NEW = "new"
    CANCEL = "cancel"
    MODIF = "modif"


class Row(NamedTuple):
    """One row; `side` and `price_units` mean something in a new order only.

    `lots` is the quantity of a new order, what a cancel found remaining on the real exchange, or by
    how much a modif reduces.
    """

    kind: Kind
    uid: str
    side: Side
    lots: int
    price_units: int


@dataclass(frozen=True, slots=True)
class Day:
    """All rows in order; prices are in units of 10**-price_scale and multiples of `price_tick`."""

    rows: list[Row]
    price_scale: int
    price_tick: int


def read_day(path: Path) -> Day:
    """Return the day in a CSV file, compressed by gzip or not; raises ReplayError."""
    reader = csv.DictReader(io.StringIO(_read_text(path)), delimiter=";")
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ReplayError(f"{path} is no recording of orders: it has no column {missing[0]}.")
    table = list(reader)
    scale = max((_decimals(fields) for fields in table), default=0)
    scale = min(max(scale, PRICE_SCALE_MIN), SCALE_MAX)
    rows = list(_rows(path, table, scale))
    if not rows:
        raise ReplayError(f"{path} has no orders in it.")
    fits = scale == PRICE_SCALE_MIN and all(row.price_units % TICK_UNITS == 0 for row in rows)
    return Day(rows, scale, TICK_UNITS if fits else 1)


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if data.startswith(GZIP_MAGIC):
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(FILE_SIZE_MAX + 1)
        if len(data) > FILE_SIZE_MAX:
            raise ReplayError(f"{path} is larger than a day can be.")
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ReplayError(f"{path} cannot be read: {error}.") from error


def _decimals(fields: dict[str, str]) -> int:
    return len((fields["price"] or "").partition(".")[2].rstrip("0"))


def _rows(path: Path, table: list[dict[str, str]], scale: int) -> Iterator[Row]:
    for line, fields in enumerate(table, FIRST_LINE):
        try:
            yield _row(fields, scale)
        except (KeyError, ValueError, TypeError) as error:
            raise ReplayError(f"{path}, line {line} cannot be understood: {error}.") from error


def _row(fields: dict[str, str], scale: int) -> Row:
    kind, uid, lots = Kind(fields["ordtype"]), fields["uid"], parse_decimal(fields["qty"], 0)
    if not is_client_text(uid):
        raise ValueError(f"the order id {uid!r} is none")
    if kind is Kind.CANCEL:
        return Row(kind, uid, Side.BUY, lots, 0)
    if not lots:
        raise ValueError("the quantity is zero")
    if kind is Kind.MODIF:
        return Row(kind, uid, Side.BUY, lots, 0)
    price_units = parse_decimal(fields["price"], scale)
    if not price_units or price_units * lots >= AMOUNT_LIMIT:
        raise AmountError("INVALID_PRICE", "the price is zero or too large")
    return Row(kind, uid, _SIDES[fields["is_buy"]], lots, price_units)
