"""httpx without its program of the terminal, which is 5 MB of a service that has no terminal.

The rule of this file: it imports, and nothing else. A library that can do without a package is
told, in the manner of Python's own manual, that this one is not installed; whoever uses it already
keeps it, and whoever wants it later finds it.
"""

import sys

_is_in_use = "click" in sys.modules
if not _is_in_use:
    sys.modules["click"] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    if not _is_in_use:
        del sys.modules["click"]

__all__ = ["httpx"]
