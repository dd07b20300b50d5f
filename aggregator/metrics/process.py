"""What the process takes of memory and processor.

The rule of this file: the only one of the room that asks the system, once a reading.
"""

import psutil


class ProcessGauges:
    """Read it about once a second: the share of a processor is of the time between readings."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # The first answer is of no time at all.

    def read(self) -> dict[str, int]:
        """Return bytes, descriptors, and thousandths of one processor."""
        with self._process.oneshot():
            memory = self._process.memory_info()
            return {
                "resident_memory_bytes": memory.rss,
                "virtual_memory_bytes": memory.vms,
                "cpu_permille": round(self._process.cpu_percent() * 10),
                "open_descriptors": self._process.num_fds(),
            }
