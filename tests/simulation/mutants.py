"""Four protocols with a hole each: a checker that finds none of them proves nothing.

The rule of this file: a mutant changes one rule of the protocol and nothing of the checks.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

import engine.store
from engine.core.changes import Rows
from engine.core.exchange import Exchange
from engine.rows import Call, Meta, Program, load_rows
from engine.store import Store
from shared.channels import Keys
from tests.simulation.engines import CountedStandby
from tests.simulation.world import Mutant


class TornStore(Store):
    """Commits the rows and the events, and only then the position."""

    def commit(self, position: int, last_sequence: int, events: bytes, program: Program) -> None:
        _command, key, count = program.arguments[:3]
        assert key == self._keys.meta, "the first write of a commit is the meta row"
        meta = program.arguments[3 : 3 + int(count)]
        del program.arguments[: 3 + int(count)]
        super().commit(position, last_sequence, events, program)
        self._link.call("HSET", self._keys.meta, *meta)


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
MUTANTS = (UNFENCED, FORGETFUL, TORN, HASTY)
