"""The log file of one child, capped in size, and how a line of it is read.

The rule of this file: a full disk loses log lines, never a service.
"""

import itertools
import json
import os
from collections import deque
from pathlib import Path

LOG_BYTES_MAX = 8 * 1024 * 1024  # About a day of a talkative service; four files of it are 32 MiB.
LOG_FILES_KEPT = 3  # Older ones: service.log.1 to service.log.3.
LINE_BYTES_MAX = 16 * 1024  # A longer line is cut in pieces, so that no child can fill our memory.
TAIL_LINES = 20  # Enough to hold the end of a traceback.
NOTABLE_LEVELS = frozenset({"warning", "error", "critical"})


class LogFile:
    """Takes the bytes of a child, keeps the last lines, writes all of them."""

    def __init__(self, path: Path, *, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._bytes_max = bytes_max
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Write the bytes and return the lines that they complete."""
        self._write(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > LINE_BYTES_MAX:
            lines.append(self._rest[:LINE_BYTES_MAX])
            self._rest = self._rest[LINE_BYTES_MAX:]
        return self._remember(lines)

    def finish(self) -> list[str]:
        """Return the unfinished last line, if there is one."""
        rest, self._rest = self._rest, b""
        return self._remember([rest] if rest else [])

    def _remember(self, lines: list[bytes]) -> list[str]:
        texts = [line.decode(errors="replace").rstrip() for line in lines]
        self.tail.extend(text for text in texts if text)
        return texts

    def _write(self, chunk: bytes) -> None:
        try:
            with self.path.open("ab") as file:
                file.write(chunk)
                size = file.tell()
            if size > self._bytes_max:
                self._rotate()
        except OSError:
            return  # The disk is full or gone; whoever must not go on without it says so itself.

    def _rotate(self) -> None:
        names = [self.path.name, *(f"{self.path.name}.{n + 1}" for n in range(LOG_FILES_KEPT))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            if self.path.with_name(newer).exists():
                os.replace(self.path.with_name(newer), self.path.with_name(older))


def notable(line: str) -> str | None:
    """Return what a person should see of a service's line: warnings and above, without the JSON."""
    fields = _fields(line)
    if fields is None or str(fields.get("level", "")).lower() not in NOTABLE_LEVELS:
        return None
    return spoken(line)


def spoken(line: str) -> str:
    """Return a log line as a person would say it: the event of a JSON line, any other as it is."""
    fields = _fields(line)
    if fields is None:
        return line.strip()
    event = fields.get("event") or fields.get("message") or ""
    hidden = {"event", "message", "level", "timestamp", "logger", "at", "service", "exception"}
    rest = " ".join(f"{key}={value}" for key, value in fields.items() if key not in hidden)
    return f"{event} {rest}".strip()


def _fields(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
