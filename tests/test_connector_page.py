"""docs/ADD_A_CONNECTOR.md, followed to the letter: its code, its recording and its tests."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from aggregator import connectors
from aggregator.books.desk import DeskOptions
from aggregator.captures.replay import Replay
from aggregator.registry import load_connectors

PAGE = Path(__file__).resolve().parent.parent / "docs" / "ADD_A_CONNECTOR.md"
BLOCK = re.compile(r"^```(?P<kind>[a-z ]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
GATE = "aggregator.connectors.gate"


def blocks(kind: str) -> list[str]:
    found = [
        block["text"] for block in BLOCK.finditer(PAGE.read_text("utf-8")) if block["kind"] == kind
    ]
    assert found, f"{PAGE.name} has no block of {kind}"
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the page's connector, which is gone again afterwards."""
    (tmp_path / "gate.py").write_text("\n\n".join(blocks("python")), "utf-8")
    yield tmp_path
    sys.modules.pop(GATE, None)
    if hasattr(connectors, "gate"):
        monkeypatch.delattr(connectors, "gate")


def test_the_page_s_recording_is_proven_as_the_page_says(folder: Path) -> None:
    recording = folder / "gate.jsonl"
    recording.write_text(blocks("jsonl")[0], "utf-8")
    replay = Replay(load_connectors((folder,)), DeskOptions(guess_symbols=True))
    replay.run([str(recording)], lambda progress: None)
    assert not replay.notes
    (report,) = replay.tally.books
    expected = json.loads(blocks("json")[0])
    assert {name: getattr(report, name) for name in expected} == expected
    assert replay.tally.is_proven


def test_the_page_s_tests_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_connectors((folder,))
    monkeypatch.setattr(connectors, "gate", sys.modules[GATE], raising=False)
    module = ModuleType("page_tests")
    exec(compile(blocks("python test")[0], str(PAGE), "exec"), module.__dict__)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()


def test_the_page_s_manifest_says_all_that_is_asked_of_every_venue(folder: Path) -> None:
    _, manifest = load_connectors((folder,))["gate:spot"]
    assert manifest.taker_fee_ppm
    assert manifest.from_documents_alone


def test_two_files_of_one_feed_are_refused(folder: Path) -> None:
    (folder / "gate_again.py").write_text((folder / "gate.py").read_text("utf-8"), "utf-8")
    with pytest.raises(TypeError, match="Two connectors are gate:spot"):
        load_connectors((folder,))
    sys.modules.pop(f"{GATE}_again", None)
