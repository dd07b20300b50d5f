"""`rialto restore`, and with `--drill` the proof that a backup can be restored.

The rule of this file: a drill works in a folder of its own, which goes with it; it asks the very
commands that a person would, and says no unless each says yes.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

import history.cli
from rialto.embedded_redis import find_redis_binaries, make_embedded_redis
from rialto.errors import RialtoError
from rialto.home import Home, open_home, prepare
from rialto.services import module_argv, redis_spec
from rialto.throwaway import running
from rialto.versions import choose_binary
from shared.channels import Keys
from shared.home import history_database
from shared.settings import Settings, load_settings

COMMAND_DEADLINE_S = 24 * 3_600.0  # To carry out an archive of years takes hours.


def restore_command(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    home: Annotated[
        str, typer.Option("--home", help="A new or empty folder (RIALTO_HOME, or .rialto).")
    ] = "",
    drill: Annotated[
        bool, typer.Option("--drill", help="Only try it, in a temporary folder, and prove it.")
    ] = False,
) -> None:
    """Make a new home of a backup, for `rialto up` to go on from there."""
    try:
        _restore(folder, home, drill=drill)
    except history.cli.BackupError as error:
        raise RialtoError(str(error)) from None


def _restore(folder: Path, home: str, *, drill: bool) -> None:
    settings = load_settings({"home": home} if home else {})
    if not drill:
        history.cli.restore_into(folder, open_home(settings.home).folder)
        return
    with tempfile.TemporaryDirectory(prefix="rialto-drill-", ignore_cleanup_errors=True) as place:
        run_drill(folder, open_home(Path(place) / "home"), settings, os.environ)
    typer.echo("This backup can be restored.")


def run_drill(folder: Path, home: Home, settings: Settings, environ: Mapping[str, str]) -> None:
    """Restore into `home`, start Redis on it, and compare everything; raises RialtoError."""
    manifest = history.cli.restore_into(folder, home.folder, is_drill=True)
    begun_s = time.monotonic()
    binary = choose_binary(home, find_redis_binaries(environ))
    prepare(home)
    redis = make_embedded_redis(home, binary)
    settings = msgspec.structs.replace(settings, venue=manifest.venue)

    async def work() -> None:
        async with running(redis_spec(redis), home):
            _say("redis", begun_s)
            await _prove(home, redis.url, settings, environ, manifest)

    asyncio.run(work())


async def _prove(
    home: Home, redis_url: str, settings: Settings, environ: Mapping[str, str], manifest: Any
) -> None:
    keys = Keys(manifest.venue)
    await history.cli.check_redis(redis_url, keys, manifest)
    environ = {
        **environ,
        "RIALTO_HOME": str(home.folder),
        "RIALTO_REDIS_URL": redis_url,
        "RIALTO_VENUE": manifest.venue,
    }
    archive = str(home.folder / "archive")
    if manifest.events_archive.number:
        await _ask("verify", ("verify", archive, "--json"), environ)
    await _ask("proof", ("engine", "proof", "--json"), environ)
    if history_database(home.folder).is_file() and manifest.history_sequence is not None:
        begun_s, again = time.monotonic(), home.logs_dir / "again"
        again.mkdir()
        rows = await history.cli.compare_history(
            home.folder,
            redis_url,
            keys,
            again,
        )
        _say("history", begun_s, f", {rows} rows are what the events make")


async def _ask(name: str, words: tuple[str, ...], environ: Mapping[str, str]) -> None:
    begun_s = time.monotonic()
    done = await asyncio.to_thread(
        subprocess.run,
        module_argv("rialto", *words),
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=COMMAND_DEADLINE_S,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise RialtoError(f"`rialto {' '.join(words)}` says no to this backup: {said}")
    _say(name, begun_s)


def _say(name: str, begun_s: float, more: str = "") -> None:
    sys.stdout.write(f"{name:<13} proven in {time.monotonic() - begun_s:.1f} s{more}\n")
