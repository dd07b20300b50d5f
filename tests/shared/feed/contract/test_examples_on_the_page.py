"""docs/PROTOCOL.md shows every example as it stands, and nothing else of that look."""

import json
import re
import zlib
from pathlib import Path

import pytest

from shared.feed.contract.catalogue import channels_table
from shared.feed.contract.codes import close_table, door_table, error_table
from shared.feed.contract.examples import EXAMPLES
from shared.feed.markets import DepthDelta

PAGE = Path(__file__).resolve().parents[4] / "docs" / "PROTOCOL.md"


def section() -> str:
    """Return the section on the WebSocket."""
    return PAGE.read_text(encoding="utf-8").partition("\n## WebSocket\n")[2].partition("\n## ")[0]


def lines() -> list[str]:
    """Return the lines of its JSON blocks."""
    blocks = section().split("```json\n")[1:]
    return [line for block in blocks for line in block.partition("\n```")[0].splitlines()]


def as_shown(message: dict[str, object]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_every_message_has_its_examples_on_the_page(kind: type) -> None:
    missing = [
        as_shown(message)
        for message in EXAMPLES[kind].values()
        if lines().count(as_shown(message)) != 1
    ]
    assert not missing, "\n".join(missing)


def test_the_page_shows_no_message_that_is_no_example() -> None:
    known = {as_shown(message) for examples in EXAMPLES.values() for message in examples.values()}
    assert set(lines()) <= known


@pytest.mark.parametrize("table", [channels_table, error_table, close_table, door_table])
def test_a_table_of_the_page_is_made_from_the_data(table: object) -> None:
    assert callable(table)
    assert f"\n\n{table()}\n" in section(), f"the page is to say:\n{table()}"


def test_the_worked_checksum_can_be_recomputed_in_the_line_that_the_page_shows() -> None:
    (line,) = [line for line in section().splitlines() if "zlib.crc32(" in line]
    found = re.search(r'zlib\.crc32\(b"([^"]+)"\).*# (\d+)$', line)
    assert found is not None
    (delta,) = EXAMPLES[DepthDelta].values()
    assert zlib.crc32(found[1].encode()) == int(found[2]) == delta["crc32"]


def test_every_reference_inside_the_page_leads_to_a_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", section())) <= anchors
