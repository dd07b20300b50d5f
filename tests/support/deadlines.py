"""Waiting in tests: a condition and a deadline, never a guessed sleep.

The rule of this file: the deadline only ends a hopeless wait. A test that passes never depends on
how fast the machine is.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

DEADLINE_S = 20.0  # Generous: two busy cores are slow, and only a failing test waits this long.
PAUSE_S = 0.01  # Short against any wait worth a test, long enough to leave the core to others.


def eventually(check: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
    """Call `check` until it returns something true, and return that.

    An AssertionError counts as not yet; at the deadline the last one is raised.
    """
    end = time.monotonic() + deadline_s
    while True:
        value, fault = _try(check)
        if value:
            return value
        if time.monotonic() > end:
            raise fault or _too_late(check, deadline_s)
        time.sleep(PAUSE_S)


@overload
async def eventually_async(
    check: Callable[[], Awaitable[T | None]], deadline_s: float = DEADLINE_S
) -> T: ...
@overload
async def eventually_async(check: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T: ...
async def eventually_async(check: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Do as `eventually`, leaving the loop to others; `check` may be a coroutine function."""
    end = time.monotonic() + deadline_s
    while True:
        value, fault = await _try_async(check)
        if value:
            return value
        if time.monotonic() > end:
            raise fault or _too_late(check, deadline_s)
        await asyncio.sleep(PAUSE_S)


def _try(check: Callable[[], T | None]) -> tuple[T | None, AssertionError | None]:
    try:
        return check(), None
    except AssertionError as error:
        return None, error


async def _try_async(
    check: Callable[[], Any],
) -> tuple[Any, AssertionError | None]:
    try:
        value = check()
        return (await value if inspect.isawaitable(value) else value), None
    except AssertionError as error:
        return None, error


def _too_late(check: Callable[..., object], deadline_s: float) -> AssertionError:
    name = getattr(check, "__qualname__", repr(check))
    return AssertionError(f"{name} was still not true after {deadline_s} s")
