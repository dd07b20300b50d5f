"""What the supervisor knows of a service before it runs: how to start it, see it ready, and stop
it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from rialto.logfiles import notable
from rialto.probes import Probe, alive

STOP_DEADLINE_S = 10.0  # An engine's last batch and a gateway's open requests end well within it.
START_DEADLINE_S = 30.0  # After this a service that is not ready is spoken of; nothing is killed.


async def nothing() -> None:
    """Most services have nothing to note before they start."""


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """One service. Lower `stop_rank` stops first; equal ranks stop together.

    A service starts, and starts again, only while all that it `needs` are ready. A `vital` one
    that dies before it was ever ready ends the run, because nothing can work without it.
    """

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    before_start: Callable[[], Awaitable[None]] = nothing
    ready: Probe = alive
    needs: tuple[str, ...] = ()
    stop_rank: int = 0
    vital: bool = False
    address: str = ""
    notable: Callable[[str], str | None] = notable
    start_deadline_s: float = START_DEADLINE_S
    stop_deadline_s: float = STOP_DEADLINE_S
