"""Recorded messages of real exchanges, and what may happen to a message on its way.

The rule of this file: a recording is read once and never changed; chance comes with its seed.
"""

import json
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.protocol import FrameError

# What somebody may put in the place of a value.
STRANGERS = (b"null", b"[]", b"{}", b"true", b'""', b"-1", b"1e-08", b"1e999", b"9" * 30, b'"\xff"')
STRANGERS_DEEP = b"[" * 20_000


@dataclass(frozen=True)
class Row:
    at_ns: int
    kind: str
    url: str
    data: str


@lru_cache(maxsize=1)  # What a test process keeps for good slows all that come after.
def read_rows(path: Path) -> tuple[Row, ...]:
    """Return a recording; the test is skipped where there is none."""
    if not path.is_file():
        pytest.skip(f"No recording {path}.")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Row(row["at_ns"], row["kind"], row["url"], row.get("data") or "") for row in rows)


def recorded_rows(data_dir: Path, name: str) -> tuple[Row, ...]:
    return read_rows(data_dir / "captures" / f"{name}.jsonl.xz")


def recorded_frames(data_dir: Path, name: str) -> list[bytes]:
    return [row.data.encode() for row in recorded_rows(data_dir, name) if row.kind == "recv"]


def exact_json(frame: bytes) -> Any:
    """Return a frame as the standard library reads it, each number as its own text."""
    return json.loads(frame, parse_float=str, parse_int=str)


def cut_anywhere(frames: Sequence[bytes], parse: Callable[[bytes, int], object]) -> int:
    """Parse every frame cut at every byte, and return how many were refused: all of them."""
    refused = 0
    for frame in frames:
        for length in range(len(frame)):
            try:
                said = parse(frame[:length], 0)
            except FrameError:
                refused += 1
            else:
                raise AssertionError(f"{frame[:length]!r} was taken for {said!r}.")
    return refused


def mutate(frame: bytes, chance: Random) -> bytes:
    """Return a frame with one to three accidents: bytes lost, doubled, changed, or exchanged."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(frame) + 1)
        end = min(len(frame), start + chance.randint(0, 12))
        frame = chance.choice(_ACCIDENTS)(frame, start, end, chance)
    return frame


def parse_mutants(
    frames: Sequence[bytes], parse: Callable[[bytes, int], object], seed: int, rounds: int
) -> tuple[int, int]:
    """Parse broken frames, and return how many were understood and how many were refused with
    FrameError; anything else that is raised tells the seed and the frame.
    """
    chance = Random(seed)
    understood = refused = 0
    for _ in range(rounds):
        frame = mutate(chance.choice(frames), chance)
        try:
            parse(frame, 0)
            understood += 1
        except FrameError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"Seed {seed}: {frame[:2000]!r} raised {error!r}.") from error
    return understood, refused


def _lose(frame: bytes, start: int, end: int, _chance: Random) -> bytes:
    return frame[:start] + frame[end:]


def _double(frame: bytes, start: int, end: int, _chance: Random) -> bytes:
    return frame[:end] + frame[start:]


def _change(frame: bytes, start: int, end: int, chance: Random) -> bytes:
    return frame[:start] + chance.randbytes(end - start) + frame[end:]


def _replace_value(frame: bytes, start: int, _end: int, chance: Random) -> bytes:
    colon = frame.find(b":", start)
    ends = [frame.find(mark, colon) for mark in b",}"]
    end = min((end for end in ends if end > colon), default=-1)
    if colon < 0 or end < 0:
        return frame[:start]
    stranger = STRANGERS_DEEP if chance.random() < 0.01 else chance.choice(STRANGERS)
    return frame[: colon + 1] + stranger + frame[end:]


_ACCIDENTS: tuple[Callable[[bytes, int, int, Random], bytes], ...] = (
    _lose,
    _double,
    _change,
    _replace_value,
    _replace_value,
)
