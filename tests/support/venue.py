"""A venue on a real Redis, driven from the test's own thread: journal commands, take turns, look.

The rule of this file: it uses the engine's real parts; only the waiting is taken out.
"""

from collections.abc import Callable, Iterable

import msgspec
import redis

from engine.core.exchange import Limits
from engine.demo import demo_commands
from engine.pulse import Pulse
from engine.redis_link import RedisLink
from engine.service import EngineOptions, EngineService
from engine.standby import Standby
from engine.store import Lease, Store
from shared.channels import Keys, result_field
from shared.messages import Applied, Command
from shared.redis_client import connect
from shared.wire import WIRE_VERSION, CommandResult, Envelope, decode, decode_batch, encode

BACKLOG_MAX = 100_000
LEASE_TTL_MS = 300


def as_bytes(value: object) -> bytes:
    """Return what Redis answered, which is bytes here, whatever its types allow."""
    assert isinstance(value, bytes)
    return value


class Venue:
    """One venue of a Redis; `engine` makes engines for it, which the test lets work and die."""

    def __init__(self, url: str, name: str = "test") -> None:
        self.url = url
        self.keys = Keys(name)
        self.redis: redis.Redis = connect(url)
        self._link = RedisLink(url)
        self._link.open()

    def close(self) -> None:
        self._link.close()
        self.redis.close()

    def journal(self, *commands: Command, gateway: str = "") -> int:
        """Append commands to the journal and return the number of the first."""
        envelopes = [
            Envelope(WIRE_VERSION, gateway, request_id, msgspec.Raw(encode(command)))
            for request_id, command in enumerate(commands, start=1)
        ]
        return self.journal_bytes(*map(encode, envelopes))

    def journal_bytes(self, *payloads: bytes) -> int:
        """Append raw payloads, whatever they are."""
        keys = [self.keys.n, self.keys.journal, self.keys.meta]
        answer = self._link.run("enqueue", keys, [BACKLOG_MAX, *payloads])
        assert isinstance(answer, list)
        assert answer[0], f"the journal refused: {answer}"
        return int(answer[0])

    def seed(self) -> None:
        self.journal(*demo_commands())

    def engine(
        self,
        *,
        owner: str = "engine",
        batch_max: int = 512,
        at_step: Callable[[str], None] = lambda name: None,
        limits: Limits | None = None,
        standby: Standby | None = None,
        pulse: Pulse | None = None,
    ) -> "WorkingEngine":
        options = EngineOptions(LEASE_TTL_MS, batch_max, 1_000, limits or Limits())
        engine = WorkingEngine(self, owner)
        engine.service = EngineService(
            engine.store,
            self.keys,
            options,
            should_stop=engine.is_idle,
            at_step=at_step,
            standby=standby,
            pulse=pulse,
        )
        return engine

    def result(self, account_id: int, key: str) -> CommandResult | None:
        row = self.redis.hget(self.keys.results, result_field(account_id, key))
        return decode(row, CommandResult) if isinstance(row, bytes) else None

    def events(self) -> list[Applied]:
        """Return everything that was ever committed and is not trimmed."""
        return [applied for batch in self.batches() for applied in decode_batch(batch)]

    def batches(self) -> Iterable[bytes]:
        entries = self._link.call("XRANGE", self.keys.events, "-", "+")
        assert isinstance(entries, list)
        return [fields[1] for _, fields in entries]

    def meta(self, name: str) -> str:
        value = self.redis.hget(self.keys.meta, name)
        return value.decode() if isinstance(value, bytes) else ""


class WorkingEngine:
    """An engine that has not begun yet; `run_until_idle` lets it work off the journal and stop."""

    service: EngineService

    def __init__(self, venue: Venue, owner: str) -> None:
        self.venue = venue
        self.link = RedisLink(venue.url)
        self.link.open()
        self.store = Store(self.link, venue.keys, Lease(owner, LEASE_TTL_MS))
        self._looks_left = 1_000

    def run_until_idle(self) -> "WorkingEngine":
        """Run it until the journal is worked off or the venue is halted; raises what it raises."""
        try:
            self.service.run()
        finally:
            self.link.close()
        return self

    def die_at(self) -> Exception:
        """Run it, expecting it to die of a bug, and count the death as the service would."""
        try:
            self.service.run()
        except Exception as error:  # noqa: BLE001 - the outermost loop of this engine.
            self.service.count_death()
            return error
        finally:
            self.link.close()
        raise AssertionError("the engine was to die and did not")

    def is_idle(self) -> bool:
        self._looks_left -= 1
        assert self._looks_left, "the engine does not come to an end"
        if not self.store.epoch:
            return False
        if self.venue.meta("halt"):
            return True
        position = int(self.venue.meta("position") or 0)
        return position >= int(self.venue.redis.get(self.venue.keys.n) or 0)
