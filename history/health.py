"""How the recorder does, in words and numbers.

The rule of this file: shapes and arithmetic; what is said here is what an operator reads first.
"""

from msgspec import Struct

from history.follow.state import State
from history.follow.watermark import Moment
from history.projection.rows import CursorRow

NS_PER_S = 1_000_000_000
DATABASE_AWAY = "database_away"
# Some ten seconds of writing. Whoever is further behind has fallen out of step.
LAG_EVENTS_MAX = 200_000


class Health(Struct, frozen=True, kw_only=True):
    """`state` is starting, stream, archive, missing, redis_away or database_away, since `since_s`
    (Unix); `reason` is one sentence while something is waited for, else "".

    The lag is counted to the last entry of the venue that was seen: in events, and in seconds of
    journal time. `is_caught_up`: it was in step once since it began.
    """

    state: str
    reason: str
    since_s: float
    is_caught_up: bool
    sequence: int
    watermark_ns: int
    lag_events: int
    lag_s: float


class Lag(Struct, frozen=True):
    """How far a cursor is behind a venue."""

    events: int
    seconds: float


def lag_of(cursor: CursorRow, moment: Moment | None) -> Lag:
    """Return the lag, none as long as the venue was not seen."""
    if moment is None or moment.sequence <= cursor.sequence:
        return Lag(0, 0.0)
    return Lag(moment.sequence - cursor.sequence, (moment.at_ns - cursor.at_ns) / NS_PER_S)


class DatabaseState:
    """Whether the database takes what is written; `reason` is "" while it does."""

    def __init__(self) -> None:
        self.reason = ""
        self.since_s = 0.0


def described(following: State, database: DatabaseState) -> tuple[str, str, float]:
    """Return state, reason and since when: the database comes first, for it holds up the rest."""
    if database.reason:
        return DATABASE_AWAY, database.reason, database.since_s
    return following.name.value, following.reason, following.since_s


def is_ready(health: Health) -> bool:
    """Whether it records, and is not far behind."""
    return health.is_caught_up and not health.reason and health.lag_events <= LAG_EVENTS_MAX
