"""The version guard: what wrote the data of a home, and who may open it.

The rule of this file: doubt refuses. An older Redis opens the files of a newer one as empty, so the
record is written before the first byte of data is.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from rialto.errors import RialtoError
from rialto.home import Home, disk_sentences, write_private

# Of Rialto's own files and Redis rows; raise it when an older program must not read them.
DATA_VERSION = 3
OLDEST_DATA_VERSION = 2  # What this program reads, too: it becomes our own when we first write.
FORK_VERSION = (7, 2)  # Valkey left Redis here: data up to this version means the same to both.

Version = tuple[int, int, int]


@dataclass(frozen=True)
class RedisBinary:
    """A Redis server program on this machine; `program` is "redis" or "valkey"."""

    path: Path
    program: str
    version: Version

    def __str__(self) -> str:
        return f"{self.program} {version_text(self.version)}"


class DataRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of version.json; an empty program means that no embedded Redis wrote here yet."""

    data_version: int
    home_id: str
    redis_program: str = ""
    redis_version: str = "0.0.0"


def version_text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def parse_version(text: str) -> Version:
    """Read "7.0.15"; raise ValueError for anything else."""
    major, minor, patch = text.split(".")
    return int(major), int(minor), int(patch)


def read_record(home: Home) -> DataRecord | None:
    """Return what version.json says, None where there is none; refuse data of another
    version.
    """
    try:
        data = home.version_file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RialtoError(f"{home.version_file} cannot be read: {error.strerror}.") from error
    try:
        record = msgspec.json.decode(data, type=DataRecord)
        parse_version(record.redis_version)
    except (msgspec.DecodeError, ValueError) as error:
        raise RialtoError(
            f"{home.version_file} cannot be understood ({error}): "
            "put it back from a backup, Rialto does not guess what wrote this data."
        ) from error
    if record.data_version > DATA_VERSION:
        raise RialtoError(
            f"The data in {home.folder} has version {record.data_version} and this Rialto reads "
            f"up to version {DATA_VERSION}: install the newer Rialto that wrote it."
        )
    if record.data_version < OLDEST_DATA_VERSION:
        raise RialtoError(
            f"The data in {home.folder} has version {record.data_version} and this Rialto reads "
            f"versions {OLDEST_DATA_VERSION} to {DATA_VERSION}: go on with the older Rialto that "
            "wrote it, or begin anew with `rialto reset`."
        )
    return record


def choose_binary(home: Home, binaries: list[RedisBinary]) -> RedisBinary:
    """Return the first program that may open this home's data; refuse if none may."""
    record = read_record(home)
    program, version = _written_by(home, record)
    for binary in binaries:
        if _may_open(binary, program, version):
            return binary
    found = ", ".join(f"{binary} ({binary.path})" for binary in binaries)
    writer = f"{program} {version_text(version)}"
    raise RialtoError(
        f"The data in {home.folder} was written by {writer} and only {found} is here: "
        f"install {writer} or later, an older one would open it as empty."
    )


def record_writer(home: Home, binary: RedisBinary | None) -> DataRecord:
    """Write who is about to write here (None: a Redis of somebody else's) and return the record."""
    old = read_record(home)
    record = DataRecord(
        data_version=DATA_VERSION,
        home_id=old.home_id if old else uuid4().hex,
        redis_program=old.redis_program if old else "",
        redis_version=old.redis_version if old else "0.0.0",
    )
    if binary is not None:
        record = msgspec.structs.replace(
            record, redis_program=binary.program, redis_version=version_text(binary.version)
        )
    if record != old:
        with disk_sentences(home):
            text = msgspec.json.format(msgspec.json.encode(record), indent=2).decode()
            write_private(home.version_file, text + "\n")
    return record


def _written_by(home: Home, record: DataRecord | None) -> tuple[str, Version]:
    if record is not None and record.redis_program:
        return record.redis_program, parse_version(record.redis_version)
    # Without a record the files themselves tell the oldest program that can have written them.
    if (home.redis_dir / "appendonlydir").exists():
        return "redis", (7, 0, 0)
    return "redis", (0, 0, 0)


def _may_open(binary: RedisBinary, program: str, version: Version) -> bool:
    if binary.version < version:
        return False
    return binary.program == program or version[:2] <= FORK_VERSION
