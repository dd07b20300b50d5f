"""The tables of codes, on the page and in the document, are those of what is said.

The codes are read from the sources, so one that is new and undescribed is found, and so is one that
is described and never said.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared.feed.contract.codes import CLOSE_CODES, DOOR_CODES, ERROR_CODES

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
PRIVATE_CLOSES = range(4400, 4500)
STANDARD_CLOSES = range(1007, 1016)
CLOSES_OF_THE_PROTOCOL = {1007, 1009}  # Sent by whoever reads the frames, without our asking.
OF_A_SESSION = ("broadcaster/clients", "broadcaster/channels", "broadcaster/venue/feed.py")
OF_A_TOKEN = ("shared/tokens.py", "shared/claims.py", "broadcaster/__main__.py")


def trees(*places: str) -> Iterator[ast.Module]:
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield ast.parse(file.read_text(encoding="utf-8"))


def codes_in(*places: str) -> set[str]:
    """Return the texts of these sources that look like a code."""
    return {
        node.value
        for tree in trees(*places)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    }


def closes_in(*places: str) -> set[int]:
    """Return the numbers with names of these sources that are close codes of a server."""
    return {
        node.value.value
        for tree in trees(*places)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, int)
        and (node.value.value in PRIVATE_CLOSES or node.value.value in STANDARD_CLOSES)
    }


def refusals_in(*places: str) -> set[str]:
    """Return the codes with which these sources refuse a connection."""
    return {
        node.args[1].value
        for tree in trees(*places)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Refusal"
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    }


def test_every_error_code_is_described_and_every_described_one_is_said() -> None:
    assert codes_in(*OF_A_SESSION, *OF_A_TOKEN) == set(ERROR_CODES)


def test_every_close_code_is_described_and_every_described_one_is_sent() -> None:
    sent = closes_in("broadcaster/clients", "broadcaster/sockets")
    assert sent | CLOSES_OF_THE_PROTOCOL == set(CLOSE_CODES)


def test_every_refusal_at_the_door_is_described_and_every_described_one_is_said() -> None:
    assert refusals_in("broadcaster/sockets") == set(DOOR_CODES)
