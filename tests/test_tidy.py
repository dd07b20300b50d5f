"""The picture of the house stays true: directions, purity, sizes, and no promise left open.

Each rule is run over the whole repository, and then shown to bite on a bad snippet.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.support import tidy
from tests.support.tidy import Module

ROOT = Path(__file__).resolve().parent.parent
TEXT_FILES = ("*.py", "*.lua", "*.md", "*.toml", "*.yml", "*.ts", "*.vue")
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "dist", "build"})

Checker = Callable[[Module], Iterator[str]]
CHECKERS: tuple[Checker, ...] = (
    tidy.import_faults,
    tidy.purity_faults,
    tidy.float_faults,
    tidy.size_faults,
    tidy.import_time_faults,
    tidy.sleep_faults,
    tidy.docstring_faults,
)


@cache
def modules() -> tuple[Module, ...]:
    paths = [path for room in tidy.ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return tuple(
        Module(PurePosixPath(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in paths
        if not SKIPPED_FOLDERS.intersection(path.parts)
    )


def text_files() -> Iterator[Path]:
    for folder in (*tidy.ROOMS, "docs", "web"):
        for pattern in TEXT_FILES:
            yield from (ROOT / folder).rglob(pattern)
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"):
        if (ROOT / name).exists():
            yield ROOT / name


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_the_house_keeps_the_rule(checker: Checker) -> None:
    faults = [fault for module in modules() for fault in checker(module)]
    assert not faults, "\n" + "\n".join(faults)


def test_no_word_promises_work_for_later() -> None:
    faults = [
        fault
        for path in text_files()
        if not SKIPPED_FOLDERS.intersection(path.parts)
        for fault in tidy.word_faults(
            PurePosixPath(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        )
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_the_tests_mirror_the_packages() -> None:
    names = frozenset(module.name for module in modules())
    tests = [module.path for module in modules() if module.room == "tests"]
    faults = [fault for path in tests for fault in tidy.mirror_faults(path, names)]
    assert not faults, "\n" + "\n".join(faults)


def test_the_rooms_that_are_checked_exist() -> None:
    rooms = {module.room for module in modules()}
    assert {"shared", "engine", "api", "broadcaster", "rialto", "tests"} <= rooms
    assert any(module.is_core for module in modules())
    assert any(module.name == "shared.money" for module in modules())


def faults_of(checker: Checker, path: str, text: str) -> list[str]:
    return list(checker(Module(PurePosixPath(path), text)))


BAD = [
    (tidy.import_faults, "api/orders.py", "from engine.core.book import Book"),
    (tidy.import_faults, "api/orders.py", "import engine"),
    (tidy.import_faults, "api/orders.py", "def late():\n    import broadcaster.channels.hub"),
    (tidy.import_faults, "broadcaster/hub.py", "from api import tokens"),
    (tidy.import_faults, "broadcaster/clients/x.py", "import broadcaster.venue.relay"),
    (tidy.import_faults, "shared/bus.py", "from rialto.home import Home"),
    (tidy.import_faults, "shared/bus.py", "from tests.support import tidy"),
    (tidy.import_faults, "engine/core/book.py", "from shared import bus"),
    (tidy.import_faults, "engine/core/book.py", "from engine.service import Service"),
    (tidy.import_faults, "engine/core/book.py", "from .. import service"),
    (tidy.import_faults, "engine/core/__init__.py", "from .. import service"),
    (tidy.import_faults, "rialto/up.py", "from engine.cli import app"),
    (tidy.import_faults, "rialto/cli.py", "from engine.service import Service"),
    (tidy.import_faults, "engine/cli.py", "from api.cli import app"),
    (tidy.purity_faults, "engine/core/book.py", "import time"),
    (tidy.purity_faults, "engine/core/book.py", "from random import random"),
    (tidy.purity_faults, "engine/core/book.py", "def f():\n    import uuid"),
    (tidy.purity_faults, "engine/core/book.py", "import redis.asyncio"),
    (tidy.purity_faults, "engine/core/book.py", "async def f(): ..."),
    (tidy.purity_faults, "engine/core/book.py", "def f(): open('x')"),
    (tidy.purity_faults, "engine/core/book.py", "KEY = hash('text')"),
    (tidy.float_faults, "engine/core/fees.py", "RATE = 0.1"),
    (tidy.float_faults, "engine/core/fees.py", "def f(a: float): ..."),
    (tidy.float_faults, "shared/money.py", "def f(a, b): return a / b"),
    (tidy.float_faults, "shared/money.py", "def f(a, b):\n    a /= b"),
    (tidy.float_faults, "shared/money.py", "def f(a): return float(a)"),
    (tidy.size_faults, "api/a.py", "def f():\n" + "    pass\n" * 50),
    (tidy.size_faults, "api/a.py", "pass\n" * 401),
    (tidy.size_faults, "api/a.py", "A = '" + "a" * 95 + "'"),
    (tidy.size_faults, "api/a.py", "def f(a, b, c, d, e, g): ..."),
    (tidy.import_time_faults, "api/a.py", "settings = Settings()"),
    (tidy.import_time_faults, "api/a.py", "r = redis.Redis()"),
    (tidy.import_time_faults, "api/a.py", "settings = load_settings()"),
    (tidy.import_time_faults, "api/a.py", "HOME = os.environ['HOME']"),
    (tidy.import_time_faults, "api/a.py", "def f(now=time.time()): ..."),
    (tidy.import_time_faults, "api/a.py", "class A:\n    now = time.time()"),
    (tidy.import_time_faults, "api/a.py", "with x: ..."),
    (tidy.import_time_faults, "api/a.py", "@register()\ndef f(): ..."),
    (tidy.import_time_faults, "api/a.py", "X = [read() for _ in A]"),
    (tidy.import_time_faults, "tests/api/test_a.py", "NOW = time.time()"),
    (tidy.import_time_faults, "tests/api/test_a.py", "SETTINGS = Settings()"),
    (tidy.sleep_faults, "tests/api/test_a.py", "def f(): time.sleep(1)"),
    (tidy.sleep_faults, "tests/api/test_a.py", "async def f(): await asyncio.sleep(0.1)"),
    (tidy.sleep_faults, "tests/conftest.py", "from time import sleep\nsleep(n)"),
    (tidy.docstring_faults, "api/a.py", "A = 1"),
]


@pytest.mark.parametrize(("checker", "path", "text"), BAD)
def test_a_rule_bites(checker: Checker, path: str, text: str) -> None:
    assert len(faults_of(checker, path, text)) == 1


GOOD = [
    (tidy.import_faults, "api/orders.py", "from shared.messages import PlaceOrder"),
    (tidy.import_faults, "api/orders.py", "from . import tokens\nimport api.tokens"),
    (tidy.import_faults, "engine/core/book.py", "from shared import messages, money"),
    (tidy.import_faults, "engine/service.py", "from engine.core.book import Book"),
    (tidy.import_faults, "rialto/cli.py", "from engine.cli import app"),
    (tidy.import_faults, "tests/api/test_a.py", "from engine.core.book import Book"),
    (tidy.purity_faults, "engine/core/book.py", "from sortedcontainers import SortedDict"),
    (tidy.purity_faults, "engine/service.py", "import time\nasync def f(): ..."),
    (tidy.float_faults, "shared/money.py", "def f(a, b): return a // b"),
    (tidy.float_faults, "api/a.py", "PAUSE_S = 0.1"),
    (tidy.size_faults, "api/a.py", "def f():\n" + "    pass\n" * 49),
    (tidy.size_faults, "api/a.py", "def f(self, a, b, c, d, e, *, g, h): ..."),
    (tidy.size_faults, "api/a.py", "pass\n" * 400),
    (tidy.import_time_faults, "api/a.py", "log = get_logger(__name__)"),
    (tidy.import_time_faults, "api/a.py", "@cache\ndef f(): return time.time()"),
    (tidy.import_time_faults, "api/a.py", "DECODER = msgspec.json.Decoder(Order)"),
    (tidy.import_time_faults, "api/a.py", "if __name__ == '__main__':\n    main()"),
    (tidy.import_time_faults, "api/__main__.py", "main()"),
    (tidy.import_time_faults, "tests/api/test_a.py", "CASES = [changed(GOOD, price=1)]"),
    (tidy.sleep_faults, "tests/api/test_a.py", "async def f(): await asyncio.sleep(0)"),
    (tidy.sleep_faults, "tests/support/deadlines.py", "def f(): time.sleep(0.1)"),
    (tidy.docstring_faults, "api/__init__.py", ""),
]


@pytest.mark.parametrize(("checker", "path", "text"), GOOD)
def test_a_rule_lets_good_work_pass(checker: Checker, path: str, text: str) -> None:
    assert faults_of(checker, path, text) == []


@pytest.mark.parametrize("word", tidy.WORDS)
def test_an_open_promise_is_found_in_any_text(word: str) -> None:
    path = PurePosixPath("docs/a.md")
    assert list(tidy.word_faults(path, f"fine\n{word}: later")) == [f"{path}:2: the word {word}"]


@pytest.mark.parametrize(
    ("test", "is_a_mirror"),
    [
        ("tests/api/test_orders.py", True),
        ("tests/api/test_orders_of_a_stranger.py", True),
        ("tests/engine/core/test_book.py", True),
        ("tests/e2e/test_anything.py", True),
        ("tests/api/test_nothing.py", False),
        ("tests/engine/test_book.py", False),
    ],
)
def test_a_test_stands_where_its_module_stands(test: str, is_a_mirror: bool) -> None:
    names = frozenset({"api.orders", "engine.core.book"})
    assert (not list(tidy.mirror_faults(PurePosixPath(test), names))) is is_a_mirror
