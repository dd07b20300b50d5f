"""The shapes of JSON texts: which keys, in which order, with values of which type.

The rule of this file: two frames of one kind have one shape, whatever their numbers.
"""

import json
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DECIMAL = re.compile(r"^\d+(\.\d+)?$")
STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def shape(value: Any) -> Any:
    """Return a value's shape; a list has that of its first element, for they are alike."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        inner = [shape(element) for element in value]
        return ("list", inner if len(inner) == 2 and inner == ["decimal"] * 2 else inner[:1])
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    if isinstance(value, int | float):
        return "number"
    if DECIMAL.match(value):
        return "decimal"
    return "time" if STAMP.match(value) else "text"


def shape_of(text: str) -> Any:
    return shape(json.loads(text))


def alike(ours: Any, theirs: Any) -> bool:
    """Say whether two shapes agree; an empty list agrees with any list."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return all(alike(*pair) for pair in zip(ours[1], theirs[1], strict=False))
    if isinstance(ours, list) and isinstance(theirs, list):
        same_keys = [key for key, _ in ours] == [key for key, _ in theirs]
        return same_keys and all(
            alike(mine, other) for (_, mine), (_, other) in zip(ours, theirs, strict=True)
        )
    return bool(ours == theirs)


def within_shape(ours: Any, theirs: Any) -> bool:
    """Say whether everything in our shape is in theirs too, where they say more than we do."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return all(within_shape(*pair) for pair in zip(ours[1], theirs[1], strict=False))
    if isinstance(ours, list) and isinstance(theirs, list):
        known = dict(theirs)
        return all(key in known and within_shape(inner, known[key]) for key, inner in ours)
    return bool(ours == theirs)


def recorded(data_dir: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a recording of a real venue."""
    with lzma.open(data_dir / "captures" / f"{name}.jsonl.xz", "rt") as lines:
        for line in lines:
            yield json.loads(line)


def frames_of(rows: Iterable[dict[str, Any]], kind: str = "recv") -> list[str]:
    return [row["data"] for row in rows if row["kind"] == kind]
