"""The optional compiled build of the core: the same source through mypyc, never required.

The rule of this file: a compiled module takes the place of the source beside it, so one that is not
of that very source must never run. Whoever starts the core asks `fault` first.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "engine" / "core"
# The book is faster as it is: its orders stay msgspec structs, whose fields the interpreter's own
# caches find sooner than compiled code does. The others of these run once, or hold data only.
LEFT_PLAIN = frozenset(
    ("__init__.py", "book.py", "sorted_keys.py", "changes.py", "restoring.py", "state_hash.py")
)
MARK = CORE / "compiled.blake2b"  # The hash of the sources that the build was made of.
# What all compiled modules share gets a name within the package: so it is found wherever that is.
PROGRAM = """
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(sys.argv[1:], group_name="engine.core.together")
setup(name="core", packages=[], ext_modules=modules, script_args=["build_ext", "--inplace"])
"""


class CompileError(Exception):
    """One sentence: why there is no compiled build."""


def fault() -> str:
    """Return why the core must not run as it lies there, in one sentence, or ""."""
    if not _built():
        return ""
    if MARK.exists() and MARK.read_text() == _hash_of_sources():
        return ""
    return (
        "The compiled core was made of other sources: `make compiled` makes it anew, "
        "`make plain` takes it away."
    )


def is_compiled() -> bool:
    return bool(_built())


def build() -> None:
    """Compile the core in place; raises CompileError."""
    remove()
    files = [str(path.relative_to(ROOT)) for path in _sources()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        remove()
        words = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["mypyc said nothing"]
        raise CompileError(f"The core cannot be compiled (is there a C compiler?): {words[0]}")
    MARK.write_text(_hash_of_sources())


def remove() -> None:
    """Take the compiled modules away; the core runs from its sources again."""
    for path in _built():
        path.unlink()
    MARK.unlink(missing_ok=True)


def _built() -> list[Path]:
    return sorted(CORE.rglob("*.so"))


def _sources() -> list[Path]:
    return [path for path in sorted(CORE.rglob("*.py")) if path.name not in LEFT_PLAIN]


def _hash_of_sources() -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in _sources():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
