"""A standby in the test's own thread: each turn follows what is committed, nothing waits.

The rule of this file: it is the real standby; only the audit runs in this process, or not at all.
"""

from pathlib import Path

from engine.audit import Finding, SnapshotPlace, examine
from engine.core.exchange import Exchange, Limits
from engine.redis_link import RedisLink
from engine.standby import Standby, StandbyOptions
from engine.watch import Watch
from tests.support.venue import Venue

OWNER = "engine"  # That of the engines of a `Venue`, which would wait a lease for another one.
NO_WAIT_S = 0.0


class InlineAudit:
    """Audits on the spot; `findings` are all of them."""

    def __init__(self) -> None:
        self._found: Finding | None = None
        self.findings: list[Finding] = []

    def start(self, exchange: Exchange, chain: bytes, place: SnapshotPlace | None) -> None:
        self._found = examine(exchange, chain, place)
        self.findings.append(self._found)

    def result(self) -> Finding | None:
        found, self._found = self._found, None
        return found

    def stop(self) -> None:
        self._found = None


class WatchingStandby:
    """A standby of a venue, on a connection of its own."""

    def __init__(
        self, venue: Venue, *, snapshots: Path | None = None, limits: Limits | None = None
    ) -> None:
        self.link = RedisLink(venue.url)
        self.link.open()
        self.watch = Watch(self.link, venue.keys)
        self.audit = InlineAudit()
        options = StandbyOptions(
            owner=OWNER,
            limits=limits or Limits(),
            snapshot_folder=snapshots,
            snapshot_every_s=0.0,
            snapshots_kept=2,
        )
        self.standby = Standby(
            self.link, self.watch, options, self.audit, should_stop=lambda: False
        )

    def close(self) -> None:
        self.standby.close()
        self.link.close()

    def turns(self, count: int = 3) -> None:
        """Take a few turns; the first of them loads."""
        for _ in range(count):
            self.standby.turn(NO_WAIT_S)
