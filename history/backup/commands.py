"""`rialto backup`, and what `rialto restore` is made of.

The rule of this file: every failure is one sentence and exit code 1; what was done is said with its
size and time.
"""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from history.backup.backup import make_backup
from history.backup.errors import BackupError
from history.backup.manifest import Manifest
from history.backup.restoring import restore
from shared.settings import SettingsError, load_settings

Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]
BYTES_OF_MB = 1_000_000


def backup_command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder for this backup.")],
    home: Home = "",
    without_postgresql: Annotated[
        bool, typer.Option("--without-postgresql", help="Leave out databases on PostgreSQL.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Copy everything that lasts, as it is at one instant, while the exchange runs."""
    begun_s = time.monotonic()
    try:
        settings = load_settings({"home": home} if home else {})
        work = make_backup(settings, folder, with_postgresql=not without_postgresql)
        made = asyncio.run(work)
    except (BackupError, SettingsError) as error:
        raise failed(str(error)) from None
    seconds = time.monotonic() - begun_s
    if as_json:
        facts = {"folder": str(folder), "bytes": made.bytes, "seconds": seconds}
        facts |= {"writers_waited_s": made.writers_waited_s}
        facts |= {"manifest": msgspec.to_builtins(made.manifest)}
        typer.echo(msgspec.json.encode(facts).decode())
        return
    manifest = made.manifest
    typer.echo(f"backup        {folder}")
    for line in lines(manifest):
        typer.echo(line)
    typer.echo(f"size          {made.bytes / BYTES_OF_MB:.1f} MB in {seconds:.1f} s")
    typer.echo(f"writers       waited {made.writers_waited_s * 1_000:.0f} ms")
    if without_postgresql and not (manifest.users and manifest.history):
        typer.echo("Not in it: what is on PostgreSQL. Run `pg_dump --format=custom` for it now.")


def restore_into(folder: Path, home: Path, *, is_drill: bool = False) -> Manifest:
    """Restore and say so, and what a person has to do besides, or (a drill) what is not proven; a
    failure is a sentence and exit code 1.
    """
    begun_s = time.monotonic()
    try:
        manifest = restore(folder, home)
    except BackupError as error:
        raise failed(str(error)) from None
    typer.echo(f"restored      {home} in {time.monotonic() - begun_s:.1f} s")
    for line in lines(manifest):
        typer.echo(line)
    for name in ("users.dump", "history.dump"):
        if not (home / name).is_file():
            continue
        if is_drill:
            typer.echo(f"{name:<13} is whole; that PostgreSQL takes it, a drill does not prove")
        else:
            typer.echo(f"Next: pg_restore --dbname=AN_EMPTY_DATABASE {home / name}")
    return manifest


def lines(manifest: Manifest) -> list[str]:
    """Return what a backup is of, for a person."""
    behind = manifest.journal - manifest.position
    recorded = "none" if manifest.history_sequence is None else str(manifest.history_sequence)
    return [
        f"exchange      {manifest.venue}, {manifest.made_at}, rialto {manifest.program_version}",
        f"position      {manifest.position}, event {manifest.sequence}; {behind} entries waiting",
        f"archive       entry {manifest.journal_archive.number}, "
        f"event {manifest.events_archive.number}",
        f"history       {manifest.history or 'left out'}, event {recorded}",
        f"users         {manifest.users or 'left out'}",
    ]


def failed(sentence: str) -> typer.Exit:
    """Say a sentence and return the end."""
    typer.echo(sentence, err=True)
    return typer.Exit(1)
