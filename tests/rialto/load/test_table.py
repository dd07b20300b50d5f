"""The table of figures and goals."""

import pytest

from rialto.load.table import Goal, Row, lines


def row(*rounds: float, goal: Goal = Goal.NONE, limit: float = 0) -> Row:
    return Row(what="orders", unit="/s", rounds=list(rounds), goal=goal, limit=limit)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    assert row(1, 100, 3).value == 3


@pytest.mark.parametrize(
    ("goal", "limit", "reached"),
    [
        (Goal.AT_LEAST, 3, True),
        (Goal.AT_LEAST, 3.1, False),
        (Goal.BELOW, 3, False),
        (Goal.BELOW, 3.1, True),
        (Goal.NONE, 0, None),
    ],
)
def test_a_goal_is_reached_or_not(goal: Goal, limit: float, reached: bool | None) -> None:
    assert row(3, goal=goal, limit=limit).reached is reached


def test_a_person_reads_all_of_it() -> None:
    shown = "\n".join(
        lines([row(15_000, 20_000, 1, goal=Goal.AT_LEAST, limit=15_000), row(2, goal=Goal.NONE)])
    )
    for words in ("orders", "15,000 /s", "1 to 20,000", "at least 15,000 /s", "  reached"):
        assert words in shown
    assert "NOT" not in shown
    assert "NOT reached" in "\n".join(lines([row(1, goal=Goal.AT_LEAST, limit=2)]))


def test_a_machine_reads_it_too() -> None:
    told = row(2, goal=Goal.BELOW, limit=1.5).as_dict()
    assert told == {
        "what": "orders",
        "value": 2,
        "unit": "/s",
        "goal": "below 1.5",
        "reached": False,
        "rounds": [2],
    }
