"""The rules of the house as functions: a module in, sentences about what breaks a rule out.

The rule of this file: a checker reads syntax trees and nothing else, so that each can be fed a bad
snippet. `tests/test_tidy.py` runs them over the repository and proves that each one bites.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SERVICES = ("engine", "api", "broadcaster", "aggregator", "history")
PRODUCT_ROOMS = ("shared", *SERVICES, "rialto")
ROOMS = (*PRODUCT_ROOMS, "tests", "bench")

# Who may import what of ours; the longest matching room decides. Tests and benchmarks may import
# anything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "shared": ("shared",),
    "engine.core": ("engine.core", "shared.money", "shared.messages"),
    **{service: (service, "shared") for service in SERVICES},
    # Channels know nobody; who feeds them and who reads them know channels, and not each other.
    "broadcaster.channels": ("broadcaster.channels", "shared"),
    "broadcaster.venue": ("broadcaster.venue", "broadcaster.channels", "shared"),
    "broadcaster.outside": ("broadcaster.outside", "broadcaster.channels", "shared"),
    "broadcaster.clients": ("broadcaster.clients", "broadcaster.channels", "shared"),
    "broadcaster.sockets": (
        "broadcaster.sockets",
        "broadcaster.clients",
        "broadcaster.channels",
        "shared",
    ),
    # Protocol knows nobody, a venue only the protocol; a book knows no venue and no socket.
    "aggregator.protocol": ("aggregator.protocol", "shared"),
    "aggregator.connectors": ("aggregator.connectors", "aggregator.protocol", "shared.messages"),
    "aggregator.books": ("aggregator.books", "aggregator.protocol", "shared"),
    "aggregator.merge": (
        "aggregator.merge",
        "aggregator.books",
        "aggregator.protocol",
        "shared",
    ),
    "aggregator.analysis": (
        "aggregator.analysis",
        "aggregator.books",
        "aggregator.protocol",
        "shared",
    ),
    "aggregator.metrics": ("aggregator.metrics", "shared"),
    "aggregator.captures": (
        "aggregator.captures",
        "aggregator.books",
        "aggregator.protocol",
        "aggregator.registry",
        "shared",
    ),
    "aggregator.offline": (
        "aggregator.offline",
        "aggregator.captures",
        "aggregator.protocol",
        "shared",
    ),
    "aggregator.doctor": (
        "aggregator.doctor",
        "aggregator.feed.addresses",
        "aggregator.protocol",
        "aggregator.registry",
        "shared",
    ),
    "aggregator.feed": (
        "aggregator.feed",
        "aggregator.books",
        "aggregator.captures",
        "aggregator.metrics",
        "aggregator.protocol",
        "shared",
    ),
    "aggregator.outlet": (
        "aggregator.outlet",
        "aggregator.analysis",
        "aggregator.books",
        "aggregator.merge",
        "aggregator.metrics",
        "aggregator.protocol",
        "shared",
    ),
    # The projection is pure; whoever reads or writes what it makes knows it, and not each other.
    "history.projection": ("history.projection", "shared"),
    "history.sql": ("history.sql", "history.projection", "shared"),
    "history.follow": ("history.follow", "history.projection.rows", "shared"),
    "history.queries": ("history.queries", "history.sql", "history.projection", "shared"),
    "history.outlet": ("history.outlet", "history.sql", "history.projection", "shared"),
    "history.outside": ("history.outside", "history.sql", "history.projection", "shared"),
    "history.reports": (
        "history.reports",
        "history.queries",
        "history.sql",
        "history.projection",
        "shared",
    ),
    "history.parquet": ("history.parquet", "history.sql", "history.projection", "shared"),
    "history.backup": ("history.backup", "history.sql", "history.projection", "shared"),
    "history.bench": (
        "history.bench",
        "history.follow",
        "history.queries",
        "history.sql",
        "history.projection",
        "shared",
    ),
    "history.door": ("history.door", "history.queries", "shared"),
    "rialto": ("rialto", "shared"),
    "rialto.bench": ("rialto", "shared", "engine.cli", "aggregator.cli", "history.cli"),
    "rialto.bench_history": ("rialto", "shared", "engine.cli", "history.cli"),
    "rialto.best": ("rialto", "shared", "aggregator.cli"),
    "rialto.drill": ("rialto", "shared", "history.cli"),
    "rialto.cli": ("rialto", "shared", *(f"{service}.cli" for service in SERVICES)),
}

# What the core may use beside our own: nothing that knows a clock, a socket, a file or chance.
CORE_LIBRARIES = _words("""
    __future__ abc bisect collections copy dataclasses enum functools hashlib heapq itertools
    msgspec operator re sortedcontainers struct types typing
""")
# Built-in functions that do I/O or whose answer differs from one process to the next.
CORE_FORBIDDEN_CALLS = frozenset({"open", "print", "input", "hash", "id", "exec", "eval"})

FUNCTION_LINES_MAX = 50
MODULE_LINES_MAX = 400
LINE_CHARS_MAX = 100
POSITIONAL_PARAMETERS_MAX = 5

OUTSIDE = _words("asyncio open os random redis secrets socket subprocess time uuid")
# These are run, not imported: each is the composition root of a program.
COMPOSITION_ROOTS = ("__main__.py", "migrations/env.py")

# Work that importing may do: declare. The last word of the called name decides. A constructor (a
# name in capitals and small letters) declares too, unless it is one of those that own something.
IMPORT_TIME_CALLS = _words("""
    _words
    add_typer array auto bytes cache callback cast chain command compile contextmanager
    dataclass dataclass_transform describe dict encode example field filter fixture format
    fromkeys frozenset getLogger get_logger given initialize int invariant isinstance items
    join keys len list lru_cache map mark max min namedtuple overload override parametrize
    parent partial precondition query product range removeprefix repeat replace resolve rule set
    settings sorted split str sum timedelta tuple type values with_name wraps zip
""")
IMPORT_TIME_OWNERS = _words("""
    AsyncClient Client Console Event Exchange FastAPI Lock Popen Process ProcessPoolExecutor
    Queue Redis RedisServer Semaphore Settings StrictRedis Thread ThreadPoolExecutor
""")

WORDS = tuple(first + second for first, second in (("TO", "DO"), ("FIX", "ME"), ("XX", "X")))
SLEEPERS = frozenset({"sleep", "time.sleep", "asyncio.sleep"})


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        return self.path.parts[0]

    @property
    def is_core(self) -> bool:
        return within(self.name, "engine.core")

    def fault(self, node: ast.stmt | ast.expr | ast.arg, sentence: str) -> str:
        return f"{self.path}:{node.lineno}: {sentence}"


def within(name: str, package: str) -> bool:
    """Say whether a dotted name is this package or something in it."""
    return name == package or name.startswith(package + ".")


def imported_names(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import of the file in full: `from a import b` is `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            yield from ((node, f"{source}.{alias.name}") for alias in node.names)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = module.path.name == "__init__.py"
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def import_faults(module: Module) -> Iterator[str]:
    """Services never import each other, and the ground floor imports nobody."""
    rooms = [room for room in MAY_IMPORT if within(module.name, room)]
    if not rooms:
        return
    allowed = MAY_IMPORT[max(rooms, key=len)]
    for node, name in imported_names(module):
        ours = name.partition(".")[0] in ROOMS
        if ours and not any(within(name, package) for package in allowed):
            yield module.fault(node, f"{module.name} may not import {name}")


def purity_faults(module: Module) -> Iterator[str]:
    """The core has no clock, socket, random, log, file or await."""
    if not module.is_core:
        return
    for node, name in imported_names(module):
        top = name.partition(".")[0]
        if top not in ROOMS and top not in CORE_LIBRARIES:
            yield module.fault(node, f"the core may not import {name}")
    for inner in ast.walk(module.tree):
        if isinstance(inner, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith):
            yield module.fault(inner, "the core does not wait")
        if isinstance(inner, ast.Call) and dotted(inner.func) in CORE_FORBIDDEN_CALLS:
            yield module.fault(inner, f"the core may not call {dotted(inner.func)}()")


def float_faults(module: Module) -> Iterator[str]:
    """Where money is reckoned there is no float and no division that makes one."""
    if not module.is_core and module.name != "shared.money":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield module.fault(node, f"the float {node.value}")
        if isinstance(node, ast.Name) and node.id == "float":
            yield module.fault(node, "the type float")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield module.fault(node, "a true division; use // or divmod and say how it rounds")


def size_faults(module: Module) -> Iterator[str]:
    """A function fits on a screen, a module in an evening."""
    lines = module.text.splitlines()
    if len(lines) > MODULE_LINES_MAX:
        yield f"{module.path}: {len(lines)} lines, at most {MODULE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARS_MAX:
            yield f"{module.path}:{number}: {len(line)} characters, at most {LINE_CHARS_MAX}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_faults(module, node)


def _function_faults(
    module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[str]:
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    if length > FUNCTION_LINES_MAX:
        sentence = f"{function.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
        yield module.fault(function, sentence)
    # A test or a fixture asks for its fixtures by name: those are no parameters that one mixes up.
    if module.room == "tests" and not function.name.startswith("_"):
        return
    positional = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    count = len(positional) - (positional[:1] in (["self"], ["cls"]))
    if count > POSITIONAL_PARAMETERS_MAX:
        sentence = f"{function.name} has {count} parameters before keyword-only ones"
        yield module.fault(function, f"{sentence}, at most {POSITIONAL_PARAMETERS_MAX}")


def import_time_faults(module: Module) -> Iterator[str]:
    """Importing a module does nothing: no I/O, no clock, no environment, nothing started."""
    if str(module.path).endswith(COMPOSITION_ROOTS):
        return
    for node in executed_at_import(module.tree):
        if isinstance(node, ast.For | ast.While | ast.With):
            yield module.fault(node, f"a {type(node).__name__.lower()} block at import")
        if isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
            yield module.fault(node, "the environment is read at import")
        if isinstance(node, ast.Call) and not _declares(node, module.room):
            yield module.fault(node, f"{dotted(node.func)}() is called at import")


def executed_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every node that importing runs: all but the bodies of functions and the main guard."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.Lambda) or _is_main_guard(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Annotations declare as well, so only decorators and defaults are looked at.
            waiting += node.decorator_list + node.args.defaults
            waiting += [default for default in node.args.kw_defaults if default]
        else:
            waiting += ast.iter_child_nodes(node)


def _is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _declares(call: ast.Call, room: str) -> bool:
    full_name = dotted(call.func)
    name = full_name.rpartition(".")[2]
    if name in IMPORT_TIME_OWNERS:
        return False
    if room == "tests":
        # A table of cases is built at import; only what reaches outside is refused there.
        return full_name.partition(".")[0] not in OUTSIDE
    return name in IMPORT_TIME_CALLS or name.lstrip("_")[:1].isupper()


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute, the plain name for a name, and a mark for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return f"<{type(node).__name__.lower()}>"


def sleep_faults(module: Module) -> Iterator[str]:
    """A test waits for a condition with a deadline; `sleep(0)` only lets others run."""
    if module.room != "tests" or within(module.name, "tests.support"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func) in SLEEPERS:
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and first.value == 0):
                yield module.fault(node, "a sleep; use tests.support.deadlines")


def docstring_faults(module: Module) -> Iterator[str]:
    """Each file says at its head what it is."""
    if module.text.strip() and not ast.get_docstring(module.tree):
        yield f"{module.path}:1: no docstring says what this file is"


def word_faults(path: PurePosixPath, text: str) -> Iterator[str]:
    """A promise left open is no design."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in WORDS:
            if word in line:
                yield f"{path}:{number}: the word {word}"


def mirror_faults(test: PurePosixPath, modules: frozenset[str]) -> Iterator[str]:
    """tests/api/test_orders.py tests api/orders.py; test_orders_of_a_kind.py may stand by it."""
    room = test.parts[1]
    if len(test.parts) < 3 or room not in PRODUCT_ROOMS or not test.name.startswith("test_"):
        return
    package = ".".join(test.parts[1:-1])
    words = test.stem.removeprefix("test_").split("_")
    names = {"_".join(words[: count + 1]) for count in range(len(words))}
    if not any(f"{package}.{name}" in modules for name in names):
        yield f"{test}: mirrors no module of {package}; what cuts across goes into tests/e2e"
