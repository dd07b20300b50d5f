"""Thousands of seeded runs of the pipeline keep the promise, and five broken protocols do not.

The rule of this file: a failing seed is named in the failure; run it alone with
`pytest tests/simulation --sim-seeds 1 --sim-first-seed <seed>`.
"""

from collections import Counter

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.world import Mutant, run_seed

SEEDS = 2_000
PARTS = 10  # So that a slow machine shows progress and no part runs into the time limit.
MUTANT_SEEDS_MAX = 300  # The rarest mutant fails about one seed in six.
FIGURES_MIN = 100  # In each part; a run without trouble proves nothing.


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_or_done_twice_in_any_order_of_things(
    part: int, request: pytest.FixtureRequest
) -> None:
    # The options are unknown when pytest was started from above this folder.
    seeds = int(request.config.getoption("--sim-seeds", SEEDS))
    first = int(request.config.getoption("--sim-first-seed", 0))
    figures: Counter[str] = Counter()
    mine = range(first + part, first + seeds, PARTS)
    for seed in mine:
        figures.update(vars(run_seed(seed)))
    if len(mine) >= SEEDS // PARTS:
        assert min(figures.values()) > FIGURES_MIN, figures


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_protocol_with_a_hole_is_caught(mutant: Mutant) -> None:
    for seed in range(MUTANT_SEEDS_MAX):
        try:
            run_seed(seed, mutant)
        except AssertionError:
            return
    pytest.fail(f"{MUTANT_SEEDS_MAX} seeds did not catch the protocol {mutant.name}.")


def test_a_seed_always_gives_the_same_run() -> None:
    assert run_seed(11) == run_seed(11)
