"""The sides of simulated books, and what a subscriber to their best levels is told."""

from random import Random

import pytest

from aggregator.offline.ladder import Edge, Ladder


def test_the_best_levels_come_first() -> None:
    ladder = Ladder()
    for key, quantity in ((3, 30), (5, 50), (4, 40), (1, 10)):
        ladder.put(key, quantity)
    assert ladder.put(4, 0) == 40
    assert ladder.best(2) == [(5, 50), (3, 30)]


@pytest.mark.parametrize("says_what_falls_out", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_a_subscriber_to_the_best_levels_has_exactly_those(
    seed: int, says_what_falls_out: bool
) -> None:
    # Given a side with more or fewer levels than the subscriber sees.
    chance = Random(seed)
    depth, ladder = 10, Ladder()
    view: dict[int, int] = {}
    edge = Edge(ladder, depth)
    for _ in range(400):
        # When some levels come, change and go at once.
        changed: dict[int, int] = {}
        before: dict[int, int] = {}
        for _ in range(chance.randrange(1, 8)):
            key, quantity = chance.randrange(25), chance.choice((0, 0, 1, 2, 3))
            before.setdefault(key, ladder.put(key, quantity))
            changed[key] = quantity
        shown, fallen = edge.pass_on(changed, before)
        # Then nothing is removed that was not there,
        gone = [key for key, quantity in shown.items() if not quantity] + fallen
        assert set(gone) <= set(view)
        # and the view is right, with what fell out told or cut off.
        view.update({key: quantity for key, quantity in shown.items() if quantity})
        for key in gone if says_what_falls_out else [key for key in gone if key not in fallen]:
            del view[key]
        if not says_what_falls_out:
            view = dict(sorted(view.items(), reverse=True)[:depth])
        assert sorted(view.items(), reverse=True) == ladder.best(depth)
