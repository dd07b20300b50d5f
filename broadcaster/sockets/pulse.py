"""What drives the cadence: real time.

The rule of this file: it sleeps until the next beat, and is woken when one comes before that.
"""

import asyncio
import time

from broadcaster.channels.cadence import Cadence

IDLE_S = 1.0  # Without any beat it still tells the cadence what time it is, for the first one.
NS_PER_S = 1_000_000_000


async def beat(cadence: Cadence) -> None:
    """Run the cadence until cancelled."""
    earlier = asyncio.Event()
    cadence.on_earlier = earlier.set
    while True:
        cadence.run(time.monotonic_ns())
        next_ns = cadence.next_ns
        pause_s = IDLE_S
        if next_ns is not None:
            pause_s = max(0, next_ns - time.monotonic_ns()) / NS_PER_S
        try:
            async with asyncio.timeout(pause_s):
                await earlier.wait()
        except TimeoutError:
            pass
        earlier.clear()
