"""What time it is.

The rule of this file: waits are measured on the one clock, which never jumps; what is written down
has the other, which is everybody's.
"""

import time


class Clock:
    """The machine's clocks; tests have others."""

    def monotonic_s(self) -> float:
        """Return seconds since whenever."""
        return time.monotonic()

    def unix_ns(self) -> int:
        """Return the time of day."""
        return time.time_ns()
