"""The simple exchange gives what paper says of the tiny day, and the recording of the real one."""

from pathlib import Path

from engine.replay.day import read_day
from engine.replay.expectations import read_touches, read_trades
from engine.replay.reference import Touch, Trade, play
from tests.support.tiny_day import write_day


def test_the_tiny_day_comes_to_what_the_paper_says(tmp_path: Path) -> None:
    found = play(read_day(write_day(tmp_path)).rows)
    assert found.trades == [
        Trade(2, "2", "3", "buy", 10_000, 5),
        Trade(2, "1", "3", "buy", 10_005, 3),
    ]
    assert found.touches == [
        Touch(None, 10_005),
        Touch(None, 10_000),
        Touch(None, 10_005),
        Touch(None, 10_005),
        Touch(9_995, 10_005),
        Touch(None, 10_005),
        Touch(None, None),
    ]


def test_earlier_orders_of_a_price_trade_first_and_keep_their_place_when_reduced(
    tmp_path: Path,
) -> None:
    rows = (
        "new;a;True;3;10;x",
        "new;b;True;3;10;x",
        "modif;a;;1;;x",
        "new;c;False;4;10;x",
    )
    found = play(read_day(write_day(tmp_path, rows)).rows)
    assert [(trade.maker_uid, trade.lots) for trade in found.trades] == [("a", 2), ("b", 2)]


def test_the_real_day_comes_to_what_was_recorded(data_dir: Path) -> None:
    folder = data_dir / "order_flow" / "real_session"
    day = read_day(folder / "orders.csv.gz")
    found = play(day.rows)
    assert found.trades == read_trades(folder / "expected_trades.csv", day)
    assert found.touches == read_touches(folder / "expected_bbo.csv", day)
