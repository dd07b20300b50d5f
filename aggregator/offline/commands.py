"""`rialto venues`: the command.

The rule of this file: words for a person in, words for a person out.
"""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.offline.words import RATE_DEFAULT, SEED_DEFAULT

if TYPE_CHECKING:
    from aggregator.offline.playing import Recordings
    from aggregator.offline.server import VenuesServer

HOST_DEFAULT = "127.0.0.1"
SPEED_DEFAULT = 1.0
# Of each book; at the upper end nine pairs of four feeds take more than a core.
RATE_MIN, RATE_MAX = 0.1, 500.0


def venues_command(
    host: Annotated[str, typer.Option(help="Listen here.")] = HOST_DEFAULT,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="0 takes a free one. None: as set (venues_port)."),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=RATE_MIN, max=RATE_MAX, help="Moves of each book a second.")
    ] = RATE_DEFAULT,
    seed: Annotated[int, typer.Option(help="Another seed is another market.")] = SEED_DEFAULT,
    *,
    capture: Annotated[
        list[Path] | None,
        typer.Option(help="Play this recording where it was made; several may be given."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, help="How many times as fast as it was recorded.")
    ] = SPEED_DEFAULT,
) -> None:
    """Stand in for outside exchanges: a server that speaks each venue's own protocol.

    Set venues_address (RIALTO_VENUES_ADDRESS) to HOST:PORT, and the aggregator calls it instead.
    """
    # Here, so that other commands need not wait for them.
    import uvloop

    from aggregator.captures.reading import CaptureError
    from aggregator.offline.discovery import load_speakers
    from aggregator.offline.playing import Recordings
    from aggregator.offline.server import VenuesServer
    from shared.settings import load_settings

    door = load_settings().venues_port if port is None else port
    try:
        recordings = Recordings([str(path) for path in capture or ()], speed=speed)
        server = VenuesServer(load_speakers(), seed=seed, rate=rate, recordings=recordings)
        uvloop.run(_serve(server, host, door, recordings))
    except (CaptureError, OSError) as error:
        typer.echo(f"The venues cannot be opened at {host}:{door}: {error}", err=True)
        raise typer.Exit(1) from None


async def _serve(server: "VenuesServer", host: str, port: int, recordings: "Recordings") -> None:
    await server.start(host, port)
    typer.echo(f"Venues at {host}:{server.port}: {', '.join(server.stage.feeds)}")
    for address in recordings.addresses:
        typer.echo(f"Played from a recording: {address}")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await ended.wait()
    finally:
        await server.stop()
