"""Whether an address can be reached: the name, the line, and whom it proves to be.

The rule of this file: each step has its own deadline and its own sentence, and nothing is sent.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from aggregator.doctor.findings import (
    Failure,
    Finding,
    Outcome,
    Step,
    line_failed,
    name_failed,
    tls_failed,
)

STEP_S_MAX = 5.0  # Where it works, none of these takes a tenth of it.
PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}
T = TypeVar("T")


def elapsed_ms(since_s: float) -> int:
    return round((time.monotonic() - since_s) * 1_000)


async def reach(url: str) -> list[Finding]:
    """Return how name, line and TLS of an address went, up to the first that did not work."""
    place = urlsplit(url)
    host, port = place.hostname or "", place.port or PORTS[place.scheme]
    done: list[Finding] = []
    try:
        await _timed(done, Step.NAME, lambda: _find(host, port))
        await _timed(done, Step.LINE, lambda: _call(host, port))
        if place.scheme in ("wss", "https"):
            await _timed(done, Step.TLS, lambda: _trust(host, port))
    except Failure as failure:
        done.append(Finding(failure.step, Outcome.FAILED, -1, str(failure)))
    return done


async def _timed(done: list[Finding], step: Step, attempt: Callable[[], Awaitable[T]]) -> None:
    begin_s = time.monotonic()
    await attempt()
    done.append(Finding(step, Outcome.OK, elapsed_ms(begin_s)))


async def _find(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(STEP_S_MAX):
            await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise name_failed(host, f"no answer within {STEP_S_MAX:g} s") from None
    except OSError as error:
        raise name_failed(host, error.strerror or str(error)) from None


async def _call(host: str, port: int) -> None:
    try:
        async with asyncio.timeout(STEP_S_MAX):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise line_failed(host, port, f"no answer within {STEP_S_MAX:g} s") from None
    except OSError as error:
        raise line_failed(host, port, error.strerror or str(error)) from None
    writer.close()


async def _trust(host: str, port: int) -> None:
    context = await asyncio.to_thread(ssl.create_default_context)
    try:
        async with asyncio.timeout(STEP_S_MAX):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        raise tls_failed(host, reason) from None
    except (OSError, TimeoutError) as error:
        raise tls_failed(host, str(error) or f"no answer within {STEP_S_MAX:g} s") from None
    writer.close()
