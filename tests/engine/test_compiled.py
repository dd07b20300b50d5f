"""A compiled core runs only if it is of the sources beside it, and does just what they do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import compiled

ROOT = Path(__file__).parents[2]
COMPILE_DEADLINE_S = 600  # The C compiler alone takes a minute of a whole core.


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A core of one source, with a compiled module that is of it."""
    core = tmp_path / "engine" / "core"
    core.mkdir(parents=True)
    (core / "trading.py").write_text("A = 1\n")
    (core / "trading.cpython-311.so").write_bytes(b"machine code")
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    monkeypatch.setattr(compiled, "CORE", core)
    monkeypatch.setattr(compiled, "MARK", core / "mark")
    (core / "mark").write_text(compiled._hash_of_sources())
    return core


def test_a_build_of_these_sources_may_run(core: Path) -> None:
    assert compiled.is_compiled()
    assert compiled.fault() == ""


def test_a_build_of_other_sources_may_not_run(core: Path) -> None:
    (core / "trading.py").write_text("A = 2\n")
    assert "made of other sources" in compiled.fault()


def test_a_build_that_says_nothing_of_its_sources_may_not_run(core: Path) -> None:
    (core / "mark").unlink()
    assert "made of other sources" in compiled.fault()


def test_without_a_build_the_sources_run(core: Path) -> None:
    compiled.remove()
    assert not compiled.is_compiled()
    assert compiled.fault() == ""


def test_an_engine_beside_a_stale_build_says_so_and_ends(
    core: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.__main__ import EXIT_CONFIGURATION, main

    (core / "trading.py").write_text("A = 2\n")
    monkeypatch.setenv("RIALTO_REDIS_URL", "redis://127.0.0.1:1/0")
    assert main([]) == EXIT_CONFIGURATION
    assert "`make compiled` makes it anew" in capsys.readouterr().err


@pytest.mark.timeout(COMPILE_DEADLINE_S)
@pytest.mark.skipif(shutil.which("cc") is None, reason="There is no C compiler.")
def test_the_compiled_core_gives_the_same_state_and_events(tmp_path: Path) -> None:
    for room in ("engine", "shared"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("*.so"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program = """
import json
from engine import compiled
from engine.bench import core
from engine.core import trading
figures = core.run(3_000)
print(json.dumps([figures.state_hash, figures.events_bytes, trading.__file__.endswith(".so")]))
"""
    plain = _run(tmp_path, program)
    _run(tmp_path, "from engine import compiled; compiled.build(); assert compiled.fault() == ''")
    built = _run(tmp_path, program)
    # An installed package is found by its name alone, and so must all of it be.
    assert list(tmp_path.glob("*.so")) == []
    assert plain.endswith("false]\n")
    assert built == plain.replace("false", "true")


def _run(folder: Path, program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout
