"""A day of seven rows whose every number can be worked out on a sheet of paper.

The rule of this file: text as a recording has it, so that reading is part of every test.

Orders 1 and 2 sell; 3 buys five of 2 at 100 and three of 1 at 100.05; 1 gives up two of its
remaining seven and is cancelled with five; 4 rests and gives up all that it has.
"""

from pathlib import Path

HEADER = "ordtype;uid;is_buy;qty;price;timestamp"
ROWS = (
    "new;1;False;10;100.05;2019-05-23 09:00:30.216",
    "new;2;False;5;100;2019-05-23 09:00:30.217",
    "new;3;True;8;100.05;2019-05-23 09:00:30.218",
    "modif;1;;2;;2019-05-23 09:00:30.219",
    "new;4;True;3;99.95;2019-05-23 09:00:30.220",
    "modif;4;;3;;2019-05-23 09:00:30.221",
    "cancel;1;;5;;2019-05-23 09:00:30.222",
)
EXPECTED_TRADES = """\
idx,timestamp,maker_uid,taker_uid,taker_side,price_cents,qty
2,2019-05-23 09:00:30.218,2,3,buy,10000,5
2,2019-05-23 09:00:30.218,1,3,buy,10005,3
"""
EXPECTED_BBO = """\
idx,best_bid_cents,best_ask_cents
0,,10005
1,,10000
2,,10005
4,9995,10005
5,,10005
6,,
"""


def write_day(folder: Path, rows: tuple[str, ...] = ROWS) -> Path:
    """Write the rows as a recording into a new folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "orders.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return path


def write_expectations(
    folder: Path, trades: str = EXPECTED_TRADES, bbo: str = EXPECTED_BBO
) -> None:
    (folder / "expected_trades.csv").write_text(trades)
    (folder / "expected_bbo.csv").write_text(bbo)
