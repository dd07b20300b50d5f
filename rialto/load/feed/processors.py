"""Who has used the processors.

The rule of this file: the machine is shared, also with programs that are none of ours, and a figure
that they have spoilt must be seen to be spoilt.
"""

import time
from collections.abc import Mapping

import psutil

OTHERS = "others"


class Processors:
    """Reads what processes use, in percent of one core, from now on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._began_s, self._before_s = time.monotonic(), self._spent_s()

    def shares(self) -> dict[str, float]:
        """Return the share of each process; `others` is all else on the machine."""
        elapsed_s, after_s = time.monotonic() - self._began_s, self._spent_s()
        shares = {
            name: (after_s[name] - before_s) / elapsed_s * 100
            for name, before_s in self._before_s.items()
        }
        ours = sum(share for name, share in shares.items() if name != OTHERS)
        return {**shares, OTHERS: max(shares[OTHERS] - ours, 0.0)}

    def _spent_s(self) -> dict[str, float]:
        spent = {}
        for name, process in self._processes.items():
            times = process.cpu_times()
            spent[name] = float(times.user + times.system)
        machine = psutil.cpu_times()
        spent[OTHERS] = float(sum(machine) - machine.idle - getattr(machine, "iowait", 0.0))
        return spent
