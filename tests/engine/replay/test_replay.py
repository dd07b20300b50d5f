"""Days through the real pipeline: Redis, the engine as a process, and the bus."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from engine.replay.replay import prepare, replay
from engine.replay.report import Report
from tests.support.processes import running_service
from tests.support.tiny_day import EXPECTED_TRADES, ROWS, write_day, write_expectations

VENUE = "replayed"


@pytest.fixture
def engine_url(each_redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis of every version, with an engine at work on it."""
    settings = {"redis_url": each_redis_url, "venue": VENUE, "demo_markets": "false"}
    with running_service("engine", tmp_path / "home", settings):
        yield each_redis_url


@pytest.fixture
def first_engine_url(redis_url: str, tmp_path: Path) -> Iterator[str]:
    settings = {"redis_url": redis_url, "venue": VENUE, "demo_markets": "false"}
    with running_service("engine", tmp_path / "home", settings):
        yield redis_url


def run(orders: Path, url: str, in_flight: int = 128) -> Report:
    return asyncio.run(replay(prepare(orders), url, VENUE, in_flight=in_flight))


def test_a_tiny_day_comes_out_as_on_paper(engine_url: str, tmp_path: Path) -> None:
    orders = write_day(tmp_path / "day")
    write_expectations(tmp_path / "day")
    report = run(orders, engine_url)
    assert report.ok, report
    assert (report.trades, report.volume) == (2, 8)
    assert (report.cancels_checked, report.bbo_checked, report.open_orders) == (1, 7, 0)
    assert report.conserved
    assert "expected_trades.csv" in report.expected_from


def test_the_number_in_flight_changes_no_state(redis_url: str, tmp_path: Path) -> None:
    orders = write_day(tmp_path / "day")
    hashes = set()
    for in_flight in (1, 3, 128):
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        settings = {"redis_url": redis_url, "venue": VENUE, "demo_markets": "false"}
        with running_service("engine", tmp_path / f"home-{in_flight}", settings):
            hashes.add(run(orders, redis_url, in_flight).state_hash)
    assert len(hashes) == 1


def test_a_wrong_cancel_quantity_is_counted(first_engine_url: str, tmp_path: Path) -> None:
    rows = (*ROWS[:-1], ROWS[-1].replace(";5;", ";6;"))
    report = run(write_day(tmp_path / "day", rows), first_engine_url)
    assert not report.ok
    assert (report.cancels_checked, report.cancel_mismatches) == (1, 1)
    assert (report.trade_mismatches, report.bbo_mismatches, report.conserved) == (0, 0, True)


def test_a_cancel_of_nothing_is_counted_and_told(first_engine_url: str, tmp_path: Path) -> None:
    report = run(write_day(tmp_path / "day", (*ROWS, "cancel;99;;1;;x")), first_engine_url)
    assert not report.ok
    assert report.cancel_mismatches == 1
    assert report.refused == {"UNKNOWN_ORDER": 1}


def test_an_order_left_open_is_counted(first_engine_url: str, tmp_path: Path) -> None:
    report = run(write_day(tmp_path / "day", ROWS[:-1]), first_engine_url)
    assert (report.ok, report.open_orders, report.conserved) == (False, 1, True)
    assert report.broken == []


@pytest.mark.parametrize(
    ("trades", "wrong"),
    [
        (EXPECTED_TRADES.replace(",5\n", ",4\n"), 1),
        (EXPECTED_TRADES.replace("2,3,buy", "1,3,buy"), 1),
        (EXPECTED_TRADES.replace("buy", "sell"), 2),
        (EXPECTED_TRADES + "6,x,1,2,buy,10005,1\n", 1),
    ],
)
def test_an_expected_trade_that_did_not_happen_is_counted(
    first_engine_url: str, tmp_path: Path, trades: str, wrong: int
) -> None:
    orders = write_day(tmp_path / "day")
    write_expectations(tmp_path / "day", trades=trades)
    report = run(orders, first_engine_url)
    assert (report.ok, report.trade_mismatches, report.bbo_mismatches) == (False, wrong, 0)
