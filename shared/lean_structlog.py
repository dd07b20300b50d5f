"""structlog without rich and greenlet: 5 MB of every service to draw tracebacks in colours, which
`shared.logs` never asks for, and 2 MB for threads of a kind that no service has.

The rule of this file: it imports, and nothing else. A library that can do without a package is
told, in the manner of Python's own manual, that this one is not installed; whoever uses it already
keeps it, and whoever wants it later finds it.
"""

import sys

_unused = {"rich", "greenlet"} - sys.modules.keys()
sys.modules |= dict.fromkeys(_unused)  # type: ignore[arg-type]
try:
    import structlog
finally:
    for _name in _unused:
        del sys.modules[_name]

__all__ = ["structlog"]
