"""Engine processes without the rest of the exchange, as many as a test likes, on one venue."""

from pathlib import Path

from engine.watch import FOLLOWING, StandbyNote, decode_note
from shared.channels import Keys
from shared.redis_client import connect
from tests.support.deadlines import eventually_async
from tests.support.processes import Service

VENUE = "engines"
KEYS = Keys(VENUE)
LEASE_TTL_MS = 400
END_DEADLINE_S = 45.0  # Far more than any death, takeover or fence takes.


class Engines:
    """Makes engines on one Redis, not started yet, and ends those that still run."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.redis_url = redis_url
        self._folder = folder
        self._made: list[Service] = []

    def make(
        self,
        label: str,
        *,
        owner: str = "",
        failpoint: str = "",
        program: str = "engine",
        lease_ttl_ms: int = LEASE_TTL_MS,
    ) -> Service:
        """Return an engine; "" is an owner of its own, `program` the module that is run."""
        (self._folder / label).mkdir(exist_ok=True)
        settings = {
            "redis_url": self.redis_url,
            "venue": VENUE,
            "lease_ttl_ms": lease_ttl_ms,
            "demo_markets": "false",
            "engine_owner": owner,
        }
        home, environ = self._folder / label / "home", {"ENGINE_FAILPOINT": failpoint}
        engine = Service(program, home, settings, label=label, environ=environ)
        self._made.append(engine)
        return engine

    def end_all(self) -> None:
        for engine in self._made:
            if engine.is_running:
                engine.kill()


def epoch(redis_url: str) -> int:
    """Return how often the venue has changed hands."""
    with connect(redis_url) as client:
        return int(client.hget(KEYS.meta, "epoch") or 0)


def delete_lease(redis_url: str) -> None:
    with connect(redis_url) as client:
        client.delete(KEYS.lease)


def journal_length(redis_url: str) -> int:
    with connect(redis_url) as client:
        return int(client.get(KEYS.n) or 0)


def note_of(redis_url: str) -> StandbyNote | None:
    """Return what the standby says of itself."""
    with connect(redis_url) as client:
        return decode_note(client.get(KEYS.standby))


async def follows(redis_url: str, owner: str) -> None:
    """Wait until this engine stands by, at the position of the venue a moment ago."""

    def is_there() -> bool:
        note = note_of(redis_url)
        return note is not None and (note.owner, note.state) == (owner, FOLLOWING)

    await eventually_async(is_there, END_DEADLINE_S)


async def ended(engine: Service) -> int:
    """Wait for the end of an engine and return its exit code."""
    await eventually_async(lambda: not engine.is_running, END_DEADLINE_S)
    assert engine.exit_code is not None, "it has ended"
    return engine.exit_code


async def changed_hands(redis_url: str, before: int) -> None:
    """Wait until a later epoch than `before` has begun."""
    await eventually_async(lambda: epoch(redis_url) > before, END_DEADLINE_S)
