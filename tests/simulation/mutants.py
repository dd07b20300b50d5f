"""Four protocols with a hole each: a checker that finds none of them proves nothing.

The rule of this file: a mutant changes one rule of the protocol and nothing of the checks.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

import engine.store
from engine.core.changes import Rows
from engine.core.exchange import Exchange
from engine.entries import Entry
from engine.redis_link import Argument
from engine.rows import Call, Meta, load_rows
from engine.store import Commit, Store
from shared.channels import Keys
from tests.simulation.engines import CountedStandby
from tests.simulation.world import Mutant


class TornStore(Store):
    """Commits the rows and the events, and only then the position."""

    def start_commit(
        self, commit: Commit, *, first: list[tuple[Argument, ...]], ahead_max: int
    ) -> list[Entry]:
        arguments = commit.program.arguments
        _command, key, count = map(str, arguments[:3])
        assert key == self._keys.meta, "the first write of a commit is the meta row"
        self._meta = [str(text) for text in arguments[3 : 3 + int(count)]]
        del arguments[: 3 + int(count)]
        return super().start_commit(commit, first=first, ahead_max=ahead_max)

    def finish_commit(self) -> None:
        super().finish_commit()
        self._link.call("HSET", self._keys.meta, *self._meta)


class EarlyStore(Store):
    """Says what a commit holds when it is sent, not when it has succeeded."""

    def start_commit(
        self, commit: Commit, *, first: list[tuple[Argument, ...]], ahead_max: int
    ) -> list[Entry]:
        early = ("PUBLISH", self._keys.events_channel, commit.events)
        return super().start_commit(commit, first=[*first, early], ahead_max=ahead_max)


def _forget_keys(patch: pytest.MonkeyPatch) -> None:
    def forgetful(call: Call, keys: Keys, meta: Meta) -> Rows:
        return replace(load_rows(call, keys, meta), remembered_keys=[])

    patch.setattr(engine.store, "load_rows", forgetful)


class HastyStandby(CountedStandby):
    """Takes over with what it happens to know, and says that it is where the ledger is."""

    def take_over(self, meta: Meta, on_page: Callable[[], None]) -> Exchange | None:
        if self._follower is None or self._follower.position == meta.position:
            return super().take_over(meta, on_page)
        exchange = self._follower.exchange
        exchange.state.n, exchange.state.sequence = meta.position, meta.sequence
        return exchange


UNFENCED = Mutant("without both fence checks", fenced=False)
FORGETFUL = Mutant("idempotency keys forgotten on reload", patch=_forget_keys)
TORN = Mutant("position committed apart from the rows", make_store=TornStore)
HASTY = Mutant("takeover from a memory that is behind", make_standby=HastyStandby)
EARLY = Mutant("events published before their commit", make_store=EarlyStore)
MUTANTS = (UNFENCED, FORGETFUL, TORN, HASTY, EARLY)
