"""What is measured is written: all of it, and nothing of it is left behind."""

import pytest

from engine.bench.events import Stream, event_batches
from history.bench.errors import BenchError
from history.bench.run import run_klines, run_writing

TRADES = 600


def test_every_trade_of_the_events_is_in_the_database_at_the_end() -> None:
    written = run_writing("", event_batches(Stream.TRADES, TRADES))
    assert written.trades >= TRADES
    assert written.stored_trades == written.trades
    assert written.rows > 9 * written.trades
    assert 0 < written.project_ns < written.elapsed_ns


def test_candles_are_asked_for_as_often_as_it_says() -> None:
    asked = run_klines("", TRADES)
    assert asked.trades == TRADES
    assert len(asked.latencies_ns) == 400
    assert min(asked.latencies_ns) > 0


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BenchError, match="does not do what it is asked"):
        run_klines("postgresql://nobody@127.0.0.1:1/none", TRADES)
