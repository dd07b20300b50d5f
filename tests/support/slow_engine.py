"""The engine service with an exchange that takes seconds for one command.

The rule of this file: it is the real service, and it is really busy, so that whatever else it has
to do must get the processor from it.
"""

import sys
import time
from typing import Any

from engine.__main__ import main
from engine.core.exchange import Exchange
from shared.messages import Command, Deposit, Event

REFERENCE = "slow"  # Of the deposit that takes long; repetitions of it do not.
WORK_S = 2.5


def make_slow() -> None:
    """Let the first deposit with this reference take so long."""
    sound, is_done = Exchange.apply, False

    def apply(self: Exchange, command: Command, **where: Any) -> list[Event]:
        nonlocal is_done
        if isinstance(command, Deposit) and command.reference == REFERENCE and not is_done:
            is_done = True
            end_s = time.monotonic() + WORK_S
            while time.monotonic() < end_s:
                pass
        return sound(self, command, **where)

    setattr(Exchange, "apply", apply)  # noqa: B010 - mypy knows it as a method.


if __name__ == "__main__":
    make_slow()
    sys.exit(main(sys.argv[1:]))
