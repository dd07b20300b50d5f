"""The generator's process: a plan on standard input, what came of it in the file that is named.

The rule of this file: exit code 1 and one sentence when the measurement could not be made.
"""

import asyncio
import gc
import selectors
import sys
from pathlib import Path

import msgspec
import uvloop

from rialto.load.generator import generate
from rialto.load.lanes import LoadError
from rialto.load.plan import Plan


def _precise_loop() -> asyncio.AbstractEventLoop:
    # epoll counts milliseconds; select keeps the microseconds that the times of sending need.
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> int:
    """Carry out the plan; return the exit code."""
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    gc.disable()  # It ends before its garbage counts, and its pauses are not the gateway's.
    factory = _precise_loop if plan.rate_per_s else uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            outcome = runner.run(generate(plan))
    except (LoadError, TimeoutError, OSError) as error:
        sys.stderr.write(f"{error or 'The gateway did not answer.'}\n")
        return 1
    Path(sys.argv[1]).write_bytes(msgspec.msgpack.encode(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
