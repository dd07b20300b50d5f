"""structlog without rich, with which it would draw tracebacks in colours: 5 MB of every service for
something that `shared.logs` never asks for.

The rule of this file: it imports, and nothing else. A library that can do without a package is
told, in the manner of Python's own manual, that this one is not installed; whoever uses it already
keeps it, and whoever wants it later finds it.
"""

import sys

_is_in_use = "rich" in sys.modules
if not _is_in_use:
    sys.modules["rich"] = None  # type: ignore[assignment]
try:
    import structlog
finally:
    if not _is_in_use:
        del sys.modules["rich"]

__all__ = ["structlog"]
