"""Dying on purpose, at a named step, for the tests that prove that dying is harmless.

The rule of this file: without ENGINE_FAILPOINT in the environment it does nothing at all.
"""

import os
import signal
from collections.abc import Callable, Mapping

VARIABLE = "ENGINE_FAILPOINT"
STEPS = ("acquired", "loaded", "read", "applied", "sent", "committed", "published")


def failpoint(environ: Mapping[str, str]) -> Callable[[str], None]:
    """Return what to call at each step; `committed:3` kills when that was done three times."""
    step, _, count = environ.get(VARIABLE, "").partition(":")
    if not step:
        return _go_on
    assert step in STEPS, f"{VARIABLE} names no step: {step}"
    left = int(count or 1)

    def at_step(name: str) -> None:
        nonlocal left
        left -= name == step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return at_step


def _go_on(_name: str) -> None:
    pass
