"""Redis as the engine uses it, in memory: a few commands, and the scripts written again in Python.

The rule of this file: it does what the Lua scripts do, line by line; `test_model_redis` compares
the two on a real Redis. Its clock is told, never read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from redis.exceptions import ResponseError

EVERYTHING = 2**62

Argument = str | bytes | int
Response = object


def to_bytes(value: Argument) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def unpacked(data: bytes) -> list[bytes]:
    """Return the strings of a msgpack list, which need not be text, as Redis' own codec does."""
    count, at = _counted(data, 0, 0x90, 0xDC)
    texts = []
    for _ in range(count):
        size, at = _counted(data, at, 0xA0, 0xDA)
        texts.append(data[at : at + size])
        at += size
    return texts


def _counted(data: bytes, at: int, short: int, wide: int) -> tuple[int, int]:
    """Return the number in the head at `at`, of a list or a string, and where the head ends."""
    head = data[at]
    if head == 0xD9:
        return data[at + 1], at + 2
    if head in (wide, wide + 1):
        end = at + 1 + 2 * (head - wide + 1)
        return int.from_bytes(data[at + 1 : end], "big"), end
    assert short <= head < short + 32, f"no string or list begins with {head:#x}"
    return head - short, at + 1


class ModelRedis:
    """One server. `fenced` False takes both guards out of the commit, for a mutant."""

    def __init__(self, *, fenced: bool = True) -> None:
        self.fenced = fenced
        self.now_us = 1_000_000
        self.strings: dict[str, bytes] = {}
        self.hashes: dict[str, dict[bytes, bytes]] = {}
        self.streams: dict[str, list[tuple[int, list[bytes]]]] = {}
        self.lists: dict[str, list[bytes]] = {}
        self.expires_us: dict[str, int] = {}
        self._changes = 0
        self.published: list[tuple[str, bytes]] = []
        self._scripts: dict[str, Callable[[list[str], list[bytes]], Response]] = {
            "acquire": self._acquire,
            "release": self._release,
            "beat": self._beat,
            "attempt": self._attempt,
            "halt": self._halt,
            "commit": self._commit,
            "enqueue": self._enqueue,
            "skip": self._skip,
            "resume": self._resume,
            "cursor": self._cursor,
            "doubt": self._doubt,
            "look": self._look,
            "page": self._page,
        }
        self._commands: dict[str, Callable[..., Response]] = {
            "DEL": self._del,
            "GET": lambda key: self._get(key.decode()),
            "HGET": lambda key, field: self._hash(key).get(field),
            "HMGET": lambda key, *fields: [self._hash(key).get(field) for field in fields],
            "HGETALL": lambda key: self._flat(key),
            "HSCAN": lambda key, *_: [b"0", self._flat(key)],
            "HSET": self._hset,
            "HDEL": self._hdel,
            "LPUSH": self._lpush,
            "LTRIM": self._ltrim,
            "PUBLISH": lambda channel, data: self.published.append((channel.decode(), data)),
            "XRANGE": self._xrange,
            "XREAD": self._xread,
            "XREVRANGE": self._newest,
            "XTRIM": self._xtrim,
        }

    def call(self, *arguments: Argument) -> Response:
        name, *rest = arguments
        return self._commands[str(name)](*map(to_bytes, rest))

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Response:
        return self._scripts[script](list(keys), [to_bytes(value) for value in arguments])

    # ---- scripts ----

    def _acquire(self, keys: list[str], args: list[bytes]) -> int:
        holder = self._get(keys[1])
        if holder and holder != args[0]:
            return 0
        epoch = self._count(keys[0], b"epoch")
        row = self.hashes[keys[0]]
        row[b"owner"] = args[0]
        if row.get(b"program") != args[2]:
            row[b"program"], row[b"program_at"] = args[2], row.get(b"position", b"0")
        self._lease(keys[1], args[0], args[1])
        return epoch

    def _release(self, keys: list[str], args: list[bytes]) -> int:
        if self._field(keys[0], b"epoch") != args[1] or self._get(keys[1]) != args[0]:
            return 0
        self.hashes.pop(keys[2], None)
        del self.strings[keys[1]]
        return 1

    def _beat(self, keys: list[str], args: list[bytes]) -> int:
        epoch = self._field(keys[0], b"epoch")
        if epoch is None or epoch != args[2]:
            return 0
        self._lease(keys[1], args[0], args[1])
        sequence = self._field(keys[0], b"sequence") or b"0"
        self.published.append((args[3].decode(), epoch + b" " + sequence))
        lifts = self._field(keys[0], b"lifts") or b"0"
        return 2 if self._field(keys[0], b"halt") or lifts != args[4] else 1

    def _attempt(self, keys: list[str], args: list[bytes]) -> int:
        if self._field(keys[0], b"epoch") != args[0]:
            return 0
        if self._field(keys[1], b"n") != args[1]:
            self.hashes[keys[1]] = {b"n": args[1], b"count": b"0"}
        return self._count(keys[1], b"count")

    def _halt(self, keys: list[str], args: list[bytes]) -> int:
        if self._field(keys[0], b"epoch") != args[0]:
            return 0
        self._hset(keys[0].encode(), b"halt", args[1], b"halted_n", args[2])
        return 1

    def _commit(self, keys: list[str], args: list[bytes]) -> bytes:
        epoch, position = (self._field(keys[0], name) for name in (b"epoch", b"position"))
        if self.fenced and epoch != args[2]:
            raise ResponseError(f"FENCED by epoch {epoch!r}")
        if self.fenced and (position or b"0") != args[3]:
            raise ResponseError(f"FENCED at position {position!r}")
        self._lease(keys[1], args[0], args[1])
        self._xadd(keys[2], int(args[4]), [b"e", args[5]])
        program, i = unpacked(args[6]), 0
        while i < len(program):
            command, key, count = program[i].decode(), program[i + 1], int(program[i + 2])
            self._commands[command](key, *program[i + 3 : i + 3 + count])
            i += 3 + count
        if self._get(keys[3]) is not None:
            self._changes += 1
            self._xadd(keys[4], self._changes, [b"f", args[3], b"w", args[6]])
        return b"OK"

    def _enqueue(self, keys: list[str], args: list[bytes]) -> list[bytes | int]:
        halt = self._field(keys[2], b"halt")
        if halt:
            return [0, b"HALTED", halt]
        n = int(self.strings.get(keys[0], b"0"))
        backlog = n - int(self._field(keys[2], b"position") or b"0")
        if backlog + len(args) - 1 > int(args[0]):
            return [0, b"BUSY", backlog]
        clock = to_bytes(self.now_us)
        for number, payload in enumerate(args[1:], n + 1):
            self._xadd(keys[1], number, [b"t", clock, b"b", payload])
        self.strings[keys[0]] = to_bytes(n + len(args) - 1)
        return [n + 1, clock]

    def _skip(self, keys: list[str], args: list[bytes]) -> int:
        if not self._field(keys[2], b"halt") or self._field(keys[2], b"halted_n") != args[0]:
            return 0
        position = int(self._field(keys[2], b"position") or b"0")
        n = int(self.strings.get(keys[0], b"0"))
        if int(args[0]) != position + 1 or int(args[0]) > n:
            return 0
        self._xadd(keys[1], n + 1, [b"t", to_bytes(self.now_us), b"b", args[1]])
        self.strings[keys[0]] = to_bytes(n + 1)
        self.hashes.pop(keys[3], None)
        self._hdel(keys[2].encode(), b"halt", b"halted_n")
        self._count(keys[2], b"lifts")
        return n + 1

    def _resume(self, keys: list[str], _args: list[bytes]) -> int:
        if not self._field(keys[0], b"halt"):
            return 0
        self.hashes.pop(keys[1], None)
        self._hdel(keys[0].encode(), b"halt", b"halted_n")
        self._count(keys[0], b"lifts")
        return 1

    def _cursor(self, keys: list[str], args: list[bytes]) -> int:
        self.strings[keys[0]] = args[0]
        if len(args) > 1:
            self.expires_us[keys[0]] = self.now_us + int(args[1]) * 1_000
        return 1

    def _doubt(self, keys: list[str], args: list[bytes]) -> int:
        if self._field(keys[0], b"halt"):
            return 0
        self.hashes.setdefault(keys[0], {})[b"halt"] = args[0]
        self._hdel(keys[0].encode(), b"halted_n")
        return 1

    def _state(self, key: str) -> list[Response]:
        return [self._field(key, b"position") or b"0", self._field(key, b"chain") or b""]

    def _page(self, keys: list[str], _args: list[bytes]) -> list[Response]:
        rows = self._hash(keys[1].encode())
        return [*self._state(keys[0]), len(rows), [b"0", self._flat(keys[1].encode())]]

    def _look(self, keys: list[str], args: list[bytes]) -> list[Response]:
        return [*self._state(keys[0]), [self._field(keys[1], name) for name in args]]

    # ---- commands ----

    def _del(self, key: bytes) -> int:
        self.expires_us.pop(key.decode(), None)
        return int(self.strings.pop(key.decode(), None) is not None)

    def _newest(self, key: bytes, *_words: bytes) -> Response:
        return [(b"%d-0" % n, fields) for n, fields in self.streams.get(key.decode(), [])[-1:]]

    def _xtrim(self, key: bytes, _minid: bytes, first: bytes) -> int:
        stream = self.streams.get(key.decode(), [])
        kept = bisect_left(stream, int(first[:-2]), key=lambda entry: entry[0])
        del stream[:kept]
        return kept

    def _get(self, key: str) -> bytes | None:
        if self.expires_us.get(key, self.now_us + 1) <= self.now_us:
            self.strings.pop(key, None)
            self.expires_us.pop(key, None)
        return self.strings.get(key)

    def _lease(self, key: str, owner: bytes, ttl_ms: bytes) -> None:
        self.strings[key] = owner
        self.expires_us[key] = self.now_us + int(ttl_ms) * 1_000

    def _field(self, key: str, field: bytes) -> bytes | None:
        return self.hashes.get(key, {}).get(field)

    def _count(self, key: str, field: bytes) -> int:
        row = self.hashes.setdefault(key, {})
        row[field] = to_bytes(int(row.get(field, b"0")) + 1)
        return int(row[field])

    def _hash(self, key: bytes) -> dict[bytes, bytes]:
        return self.hashes.get(key.decode(), {})

    def _flat(self, key: bytes) -> list[bytes]:
        return [part for pair in self._hash(key).items() for part in pair]

    def _hset(self, key: bytes, *pairs: bytes) -> None:
        row = self.hashes.setdefault(key.decode(), {})
        row.update(zip(pairs[::2], pairs[1::2], strict=True))

    def _hdel(self, key: bytes, *fields: bytes) -> None:
        for field in fields:
            self._hash(key).pop(field, None)

    def _lpush(self, key: bytes, *values: bytes) -> None:
        self.lists[key.decode()] = [*values[::-1], *self.lists.get(key.decode(), [])]

    def _ltrim(self, key: bytes, first: bytes, last: bytes) -> None:
        self.lists[key.decode()] = self.lists[key.decode()][int(first) : int(last) + 1]

    def _xadd(self, key: str, number: int, fields: list[bytes]) -> None:
        stream = self.streams.setdefault(key, [])
        if stream and number <= stream[-1][0]:
            raise ResponseError("ERR The ID specified in XADD is equal or smaller")
        stream.append((number, fields))

    def _after(self, key: bytes, number: int, count: int) -> list[tuple[bytes, list[bytes]]]:
        stream = self.streams.get(key.decode(), [])
        first = bisect_right(stream, number, key=lambda entry: entry[0])
        return [(b"%d-0" % n, fields) for n, fields in stream[first : first + count]]

    def _xrange(self, key: bytes, start: bytes, _end: bytes, *count: bytes) -> Response:
        number = int(start[1:-2]) if start.startswith(b"(") else -1
        return self._after(
            key, number, int(count[1]) if count else len(self.streams.get(key.decode(), []))
        )

    def _xread(self, *words: bytes) -> Response:
        key, position = words[-2:]
        entries = self._after(key, int(position[:-2]), int(words[1]))
        return [[key, entries]] if entries else None
