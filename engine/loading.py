"""Loading the rows of a venue whose engine goes on committing meanwhile.

The rule of this file: what it returns is true at one position, or it raises `Torn`. While somebody
asks for it, each commit also leaves its writes in the stream of changes. A row that was read in the
middle of it all is as it was at the beginning, or a later commit has written it; so the changes,
laid over what was read, are the rows at the position of the last of them. They are absolute, so it
does no harm to lay one over a row that has it already.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator

from engine.core.changes import Rows
from engine.redis_link import Argument, RedisLink
from engine.rows import DATA_VERSION, Meta, load_meta, load_rows
from shared.channels import Keys

WANTED_MS = 5_000  # A loader that died costs the commits no more than this.
WANT_EVERY_S = 1.0
LOOK_EVERY_PAGES = 8  # How often the changes are fetched, so that they take no memory in Redis.
CHANGES_PAGE = 64  # Of at most a few MB each.
LOOKS_MAX = 1_000  # At the end: a commit takes far longer than a look at it.
# What broken rows lead to while they are decoded, built from and checked.
BROKEN = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
_STR8, _STR16, _STR32, _ARRAY16, _ARRAY32 = 0xD9, 0xDA, 0xDB, 0xDC, 0xDD
_SIZES = {_STR8: 1, _STR16: 2, _STR32: 4, _ARRAY16: 2, _ARRAY32: 4}


@contextlib.contextmanager
def many_objects() -> Iterator[None]:
    """Make millions of objects without the garbage collector, which would look at each of them
    again and again: none is garbage, and they have no cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


Raw = dict[str, dict[bytes, bytes]]


class Torn(Exception):
    """There is no picture: another loader took its changes, or the engine is of another version."""


def unpack_program(data: bytes) -> list[bytes]:
    """Return the strings of a packed `Program`, which is a msgpack list of raw strings."""
    count, at = _length(data, 0, 0x90, 0x0F)
    texts = []
    for _ in range(count):
        size, at = _length(data, at, 0xA0, 0x1F)
        texts.append(data[at : at + size])
        at += size
    return texts


def _length(data: bytes, at: int, fixed: int, mask: int) -> tuple[int, int]:
    head = data[at]
    if head & ~mask == fixed:
        return head & mask, at + 1
    size = _SIZES[head]
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


class Loader:
    """Loads one venue once; `on_page` is called now and then, for whoever has a lease to keep."""

    def __init__(
        self, link: RedisLink, keys: Keys, on_page: Callable[[], None] = lambda: None
    ) -> None:
        self._link = link
        self._keys = keys
        self._on_page = on_page
        self._read: Raw = {}
        self._changed: dict[str, dict[bytes, bytes | None]] = {}
        self._position = 0
        self._last_id = "0-0"
        self._pages = 0
        self._want_due_s = 0.0

    @property
    def position(self) -> int:
        """How far the picture is, 0 before it is begun."""
        return self._position

    def load(self) -> tuple[Meta, Rows]:
        """Return the venue at one position; raises Torn when it has to be tried again."""
        self._want()
        self._last_id = self._newest_id()
        meta = load_meta(self._call, self._keys)
        if meta.version > DATA_VERSION:
            raise Torn("A newer Rialto has written the rows.")
        self._position = meta.position
        rows = load_rows(self._call, self._keys, meta)
        self._catch_up()
        self._link.call("DEL", self._keys.changes_wanted)
        if self._position == meta.position:
            return meta, rows
        meta = load_meta(self._recall, self._keys)
        assert meta.position == self._position, "the last change says how far the venue is"
        return meta, load_rows(self._recall, self._keys, meta)

    def _call(self, *arguments: Argument) -> object:
        """Read from Redis and remember what was read."""
        self._on_page()
        self._pages += 1
        if self._pages % LOOK_EVERY_PAGES == 0:
            self._want()
            self._take_changes()
        response = self._link.call(*arguments)
        assert isinstance(response, list), "rows are read from hashes only"
        flat = response[1] if arguments[0] == "HSCAN" else response
        self._read.setdefault(str(arguments[1]), {}).update(_pairs(flat))
        return response

    def _recall(self, *arguments: Argument) -> object:
        """Answer from what was read, and has changed since."""
        self._on_page()
        key = str(arguments[1])
        rows = dict(self._read.get(key, {}))
        for name, value in self._changed.get(key, {}).items():
            if value is None:
                rows.pop(name, None)
            else:
                rows[name] = value
        flat = [part for row in rows.items() for part in row]
        return [b"0", flat] if arguments[0] == "HSCAN" else flat

    def _want(self) -> None:
        if time.monotonic() >= self._want_due_s:
            self._link.run("cursor", [self._keys.changes_wanted], ["1", WANTED_MS])
            self._want_due_s = time.monotonic() + WANT_EVERY_S

    def _newest_id(self) -> str:
        newest = self._link.call("XREVRANGE", self._keys.changes, "+", "-", "COUNT", 1)
        assert isinstance(newest, list), "XREVRANGE answers with a list"
        return newest[0][0].decode() if newest else "0-0"

    def _catch_up(self) -> None:
        for _ in range(LOOKS_MAX):
            response = self._link.call("HGET", self._keys.meta, "position")
            position = int(response) if isinstance(response, bytes) else 0
            self._take_changes()
            if self._position >= position:
                return
        raise Torn("The commits leave no changes behind.")

    def _take_changes(self) -> None:
        while True:
            response = self._link.call(
                "XREAD", "COUNT", CHANGES_PAGE, "STREAMS", self._keys.changes, self._last_id
            )
            if response is None:
                return
            assert isinstance(response, list), "XREAD answers with a list of streams"
            for name, (_f, begun_at, _w, program) in response[0][1]:
                self._last_id = name.decode()
                self._take(int(begun_at), program)
            self._link.call("XTRIM", self._keys.changes, "MINID", self._last_id)

    def _take(self, begun_at: int, program: bytes) -> None:
        if begun_at < self._position:
            return  # Committed before we began to read; the rows have it.
        if begun_at > self._position:
            raise Torn(f"The changes behind position {self._position} are gone.")
        texts = iter(unpack_program(program))
        for command in texts:
            key, count = next(texts).decode(), int(next(texts))
            self._lay_over(command, key, [next(texts) for _ in range(count)])
        row = self._changed[self._keys.meta][b"position"]
        assert row is not None, "a commit writes how far the venue is"
        self._position = int(row)

    def _lay_over(self, command: bytes, key: str, arguments: list[bytes]) -> None:
        rows = self._changed.setdefault(key, {})
        if command == b"HSET":
            rows.update(_pairs(arguments))
        elif command == b"HDEL":
            rows.update(dict.fromkeys(arguments))


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
