"""The benchmarks that need an exchange of their own, or the Redis of one.

The rule of this file: it makes what is measured; the engine's own module and `rialto.load` measure,
and say how it is printed. Nothing of the person's own exchange is touched.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from rialto import bench_history
from rialto.errors import RialtoError
from rialto.load.feed import bench as feed
from rialto.load.gateway import NO_LIMITS, QUICK, Size, measure
from rialto.load.history import rows as history_rows
from rialto.load.outside import bench as outside
from rialto.load.outside.figures import note_stages
from rialto.load.outside.rows import Series
from rialto.load.table import Row, lines
from rialto.throwaway import PARTS, Throwaway, run_on_throwaway

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")]
Orders = Annotated[int, typer.Option("--orders", min=0, help="Open orders in the books.")]
Keys = Annotated[int, typer.Option("--keys", min=0, help="Idempotency keys remembered.")]


def add_benches(app: typer.Typer) -> None:
    """Add the commands of this file to `rialto bench`."""
    app.command("aggregator")(aggregator_command)
    app.command("feed")(feed_command)
    app.command("gateway")(gateway_command)
    app.command("history")(history_command)
    app.command("pipeline")(pipeline_command)
    app.command("recovery")(recovery_command)
    app.command("takeover")(takeover_command)


def aggregator_command(
    captures: Annotated[
        Path | None,
        typer.Option(help="The folder of recordings of real venues; without it, simulated ones."),
    ] = None,
    as_json: AsJson = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    quick: Annotated[
        bool, typer.Option(help="A moment of each kind: that it works, not how fast it is.")
    ] = False,
    only: Annotated[
        list[outside.Scene] | None, typer.Option(help="Measure this alone; may be repeated.")
    ] = None,
) -> None:
    """Load an aggregator with venues on this machine: what a frame costs, how old it is when it is
    published and when a client has it, how many a second, and how much memory 36 streams take.
    """
    import aggregator.cli  # Here, so that other commands need not wait for it.

    size = outside.QUICK if quick else outside.Size(rounds=rounds)
    scenes = only or list(outside.Scene)
    series = Series(judges_speed=size.judges_speed)
    if outside.Scene.STAGES in scenes and captures is not None:
        note_stages(series, aggregator.cli.measure_stages(captures, size.rounds))
    if captures is None:
        series.sentences.append("Without recordings (--captures) only simulated venues were used.")
    if set(scenes) != {outside.Scene.STAGES}:
        run_on_throwaway(
            os.environ,
            lambda place: outside.measure(place, size, scenes, captures, series),
            parts=outside.PARTS,
        )
    _show(series.rows(), series.sentences, as_json=as_json)
    for definition in series.definitions if not as_json else ():
        typer.echo(definition)


def feed_command(
    as_json: AsJson = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    quick: Annotated[
        bool, typer.Option(help="A few clients of each kind: that it works, not how fast it is.")
    ] = False,
    only: Annotated[
        list[feed.Scene] | None, typer.Option(help="Measure this alone; may be repeated.")
    ] = None,
) -> None:
    """Load a broadcaster with an exchange of its own behind it: ten thousand clients, a few in a
    hurry, as many messages as it can send, clients that do not read, and all coming back at once.
    """
    size = feed.QUICK if quick else feed.Size(rounds=rounds)
    series = run_on_throwaway(
        os.environ,
        lambda place: feed.measure(place, size, only or list(feed.Scene)),
        parts=feed.PARTS,
    )
    _show(series.rows(), series.sentences, as_json=as_json)


def gateway_command(
    as_json: AsJson = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    quick: Annotated[
        bool, typer.Option(help="A few requests of each kind: that it works, not how fast it is.")
    ] = False,
) -> None:
    """Load a gateway with an exchange of its own behind it, by REST and by WebSocket, beside an
    application that does nothing.
    """
    size = QUICK if quick else Size(rounds=rounds)
    rows = run_on_throwaway(
        os.environ, lambda place: measure(place, size), parts=PARTS | {"api"}, changes=NO_LIMITS
    )
    _show(rows, (), as_json=as_json)


def history_command(
    *,
    as_json: AsJson = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 1,
    database_url: Annotated[
        str, typer.Option(help="A PostgreSQL server, which gets a database for it; else SQLite.")
    ] = "",
    trades: Annotated[
        int, typer.Option(min=1_000, help="Trades among which candles are asked for.")
    ] = bench_history.Size().candle_trades,
    quick: Annotated[
        bool, typer.Option(help="A moment of each kind: that it works, not how fast it is.")
    ] = False,
    only: Annotated[
        list[bench_history.Scene] | None,
        typer.Option(help="Measure this alone; may be repeated."),
    ] = None,
) -> None:
    """Write trades into a database of the history, alone and beside an exchange that takes 2,000
    orders a second, and ask for candles among millions of trades.
    """
    size = bench_history.Size(rounds=rounds, candle_trades=trades)
    series = history_rows.Series(judges_speed=not quick)
    scenes = only or list(bench_history.Scene)
    bench_history.measure(scenes, bench_history.QUICK if quick else size, database_url, series)
    _show(series.rows(), (), as_json=as_json)


def pipeline_command(
    as_json: AsJson = False,
    in_flight: Annotated[
        list[int] | None,
        typer.Option(min=1, max=10_000, help="Commands on their way at once; may be repeated."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 1,
    pin: Annotated[
        bool, typer.Option(help="Measure also with the engine alone on one core.")
    ] = True,
) -> None:
    """Send commands through a Redis, an engine and an archiver of their own, and wait for each
    answer.
    """
    import engine.cli  # Here, so that other commands need not wait for it.

    load = engine.cli.PipelineLoad(rounds=rounds, pin=pin)
    if in_flight:
        load = replace(load, in_flight=in_flight)
    try:
        figures = run_on_throwaway(
            os.environ,
            lambda place: engine.cli.run_pipeline(place.redis_url, place.venue, place.pids, load),
        )
    except engine.cli.ReplayError as error:
        raise RialtoError(str(error)) from None
    engine.cli.print_pipeline(figures, as_json=as_json)


def recovery_command(
    as_json: AsJson = False, orders: Orders = 100_000, keys: Keys = 1_000_000
) -> None:
    """Start an engine from the rows of a full venue."""
    import engine.cli

    figures = _on_redis(
        lambda url: engine.cli.measure_recovery(url, open_orders=orders, idempotency_keys=keys)
    )
    engine.cli.print_recovery(figures, as_json=as_json)


def takeover_command(
    as_json: AsJson = False,
    orders: Orders = 0,
    keys: Keys = 0,
    rounds: Annotated[int, typer.Option(min=1, help="How often the engine is killed.")] = 20,
) -> None:
    """Kill the engine, again and again, and wait for the first answer of its standby."""
    import engine.cli

    figures = _on_redis(
        lambda url: engine.cli.measure_takeover(
            url, rounds=rounds, open_orders=orders, idempotency_keys=keys
        )
    )
    engine.cli.print_takeover(figures, as_json=as_json)


def _show(rows: Sequence[Row], sentences: Iterable[str], *, as_json: bool) -> None:
    shown = (
        (msgspec.json.encode(row.as_dict()).decode() for row in rows) if as_json else lines(rows)
    )
    for line in shown:
        typer.echo(line)
    for sentence in sentences:
        typer.echo(sentence, err=True)


def _on_redis(measure: Callable[[str], T]) -> T:
    """Measure on a Redis of its own, with nothing else on it."""

    async def work(place: Throwaway) -> T:
        return await asyncio.to_thread(measure, place.redis_url)

    return run_on_throwaway(os.environ, work, parts=frozenset())
