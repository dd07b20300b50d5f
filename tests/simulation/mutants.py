"""Three protocols with a hole each: a checker that finds none of them proves nothing.

The rule of this file: a mutant changes one rule of the protocol and nothing of the checks.
"""

from dataclasses import replace

import pytest

import engine.store
from engine.core.changes import Rows
from engine.rows import Call, Meta, Program, load_rows
from engine.store import Store
from shared.channels import Keys
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


UNFENCED = Mutant("without both fence checks", fenced=False)
FORGETFUL = Mutant("idempotency keys forgotten on reload", patch=_forget_keys)
TORN = Mutant("position committed apart from the rows", make_store=TornStore)
MUTANTS = (UNFENCED, FORGETFUL, TORN)
