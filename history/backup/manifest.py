"""What a backup says of itself: manifest.json.

The rule of this file: facts that were read at the instant of the backup, or proven after it; the
hashes of files are in SHA256SUMS.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from history.backup.errors import BackupError

MANIFEST = "manifest.json"
FORMAT = 1  # Raise it when an older program must not restore what a newer one has made.


class ArchiveEnd(Struct, frozen=True, kw_only=True):
    """Where the archive of one kind ends: its last record and the hash over all, as in Redis."""

    number: int = 0
    chain: str = ""


class Manifest(Struct, frozen=True, kw_only=True):
    """Of which exchange and instant it is, and how far each part is.

    `journal` is the last number that was given to an accepted command, `position` how many of them
    were carried out, `sequence` the last event. `history_sequence` is None where there was no
    history. `users` and `history` are sqlite, postgresql (a dump by pg_dump) or "" (not in it).
    """

    format: int
    made_at: str
    program_version: str
    venue: str
    data_version: int
    redis_program: str
    redis_version: str
    position: int
    sequence: int
    journal: int
    at_ns: int
    journal_archive: ArchiveEnd
    events_archive: ArchiveEnd
    users: str
    history: str
    history_sequence: int | None = None
    seconds: float = 0.0


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as it is written, for a person to read, too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Read it; raises BackupError, also for one of a later format."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{path} cannot be read ({error}).") from error
    if manifest.format > FORMAT:
        raise BackupError(
            f"{path} was written by a newer Rialto ({manifest.program_version}): restore it with "
            "that one."
        )
    return manifest
