"""`rialto bench history`: what the history can take, and how soon it answers.

The rule of this file: it brings together who makes events (the engine), who writes them (the
history), and an exchange of its own around both; it measures nothing itself.
"""

import os
from enum import StrEnum
from typing import NamedTuple

from rialto.embedded_redis import choose_port
from rialto.errors import RialtoError
from rialto.load.history.bench import PARTS, Load, measure_beside
from rialto.load.history.rows import Series
from rialto.throwaway import run_on_throwaway

OPENING = 2_003  # Commands that begin the venue of a stream: two assets, a market, and funds.
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Scene(StrEnum):
    """What can be measured alone."""

    ALONE = "alone"
    BESIDE = "beside"
    KLINES = "klines"


class Size(NamedTuple):
    """How much is measured."""

    rounds: int = 1
    trades: int = 200_000
    day_trades: int = 50_000
    backlog: int = 100_000
    seconds: float = 60.0
    candle_trades: int = 10_000_000


QUICK = Size(trades=2_000, day_trades=500, backlog=2_000, seconds=2.0, candle_trades=5_000)


def measure(scenes: list[Scene], size: Size, url: str, series: Series) -> None:
    """Measure what is asked for; raises RialtoError when it cannot be finished."""
    import history.cli  # Here, so that other commands need not wait for it.

    try:
        for _ in range(size.rounds):
            for scene in scenes:
                _SCENES[scene](size, url, series)
    except history.cli.BenchError as error:
        raise RialtoError(str(error)) from None


def _measure_alone(size: Size, url: str, series: Series) -> None:
    import engine.cli
    import history.cli

    for stream in engine.cli.Stream:
        trades = size.trades if stream is engine.cli.Stream.TRADES else size.day_trades
        written = history.cli.run_writing(url, engine.cli.event_batches(stream, trades))
        series.note_alone(
            _kind_of(url),
            stream.value,
            per_s=written.trades_per_s,
            per_cpu_s=written.trades_per_cpu_s,
            grown=written.grown_bytes,
            lost=written.trades - written.stored_trades,
        )


def _measure_beside(size: Size, url: str, series: Series) -> None:
    import engine.cli
    import history.cli

    load = Load(opening=OPENING, backlog=size.backlog, seconds=size.seconds)
    commands = engine.cli.commands_of(engine.cli.Stream.TRADES)
    with history.cli.own_database(url) as own:
        seen = run_on_throwaway(
            os.environ,
            lambda place: measure_beside(place, commands, load),
            parts=PARTS,
            changes={"history_port": choose_port(), "history_database_url": own},
        )
    series.note_beside(_kind_of(url), seen)


def _measure_klines(size: Size, url: str, series: Series) -> None:
    import history.cli

    asked = history.cli.run_klines(url, size.candle_trades)
    series.note_klines(_kind_of(url), asked.trades, asked.latencies_ns)


def _kind_of(url: str) -> str:
    return POSTGRESQL if url.startswith("postgresql") else SQLITE


_SCENES = {
    Scene.ALONE: _measure_alone,
    Scene.BESIDE: _measure_beside,
    Scene.KLINES: _measure_klines,
}
