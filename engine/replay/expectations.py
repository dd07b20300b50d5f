"""What others found the day to come to: the expectation files that lie beside a recording.

The rule of this file: prices there are in cents, and come out in the units of the day.
"""

import csv
from pathlib import Path

from engine.replay.day import PRICE_SCALE_MIN, Day
from engine.replay.errors import ReplayError
from engine.replay.reference import Touch, Trade
from shared.money import parse_decimal

TRADES_FILE = "expected_trades.csv"
TOUCHES_FILE = "expected_bbo.csv"
FIRST_LINE = 2


def expectation_file(named: Path | None, orders: Path, usual_name: str) -> Path | None:
    """Return the file that was named, or the usual one beside the orders if it is there."""
    beside = orders.with_name(usual_name)
    return named or (beside if beside.is_file() else None)


def read_trades(path: Path, day: Day) -> list[Trade]:
    """Return the expected trades in order; raises ReplayError."""
    trades = []
    for line, fields in enumerate(_table(path), FIRST_LINE):
        try:
            trades.append(
                Trade(
                    int(fields["idx"]),
                    fields["maker_uid"],
                    fields["taker_uid"],
                    fields["taker_side"],
                    _units(fields["price_cents"], day),
                    int(fields["qty"]),
                )
            )
        except (KeyError, ValueError, TypeError) as error:
            raise _fault(path, line, error) from error
    return trades


def read_touches(path: Path, day: Day) -> list[Touch]:
    """Return the expected touch after each row of the day (longer if the file speaks of more).

    The file names the rows that changed it. Raises ReplayError.
    """
    touches: list[Touch] = []
    last = Touch(None, None)
    for line, fields in enumerate(_table(path), FIRST_LINE):
        try:
            row, bid, ask = int(fields["idx"]), fields["best_bid_cents"], fields["best_ask_cents"]
            if row < len(touches):
                raise ValueError("the rows are not in order")
            touches += [last] * (row - len(touches))
            last = Touch(_units(bid, day) if bid else None, _units(ask, day) if ask else None)
        except (KeyError, ValueError, TypeError) as error:
            raise _fault(path, line, error) from error
        touches.append(last)
    return touches + [last] * (len(day.rows) - len(touches))


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayError(f"{path} cannot be read: {error}.") from error


def _units(cents: str, day: Day) -> int:
    return parse_decimal(cents, day.price_scale - PRICE_SCALE_MIN)


def _fault(path: Path, line: int, error: Exception) -> ReplayError:
    return ReplayError(f"{path}, line {line} cannot be understood: {error}.")
