"""structlog without rich and greenlet: 5 MB of every service to draw tracebacks in colours, which
`shared.logs` never asks for, and 2 MB for threads of a kind that no service has.

The rule of this file: it imports, and nothing else. A library that can do without a package is
told, in the manner of Python's own manual, that this one is not installed; whoever uses it already
keeps it, and whoever wants it later finds it.
"""

import sys

_has_rich, _has_greenlet = "rich" in sys.modules, "greenlet" in sys.modules
if not _has_rich:
    sys.modules["rich"] = None  # type: ignore[assignment]
if not _has_greenlet:
    sys.modules["greenlet"] = None  # type: ignore[assignment]
try:
    import structlog
finally:
    if not _has_rich:
        del sys.modules["rich"]
    if not _has_greenlet:
        del sys.modules["greenlet"]

__all__ = ["structlog"]
