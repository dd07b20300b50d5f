"""One side of a book sorts by what its prices say, not by how they are written."""

from random import Random, SystemRandom

import pytest

from rialto.client.feed.ladder import Ladder, UnreadablePriceError

STEPS = 400


def ladder(*levels: tuple[str, str], best_is_highest: bool = False) -> Ladder:
    made = Ladder(best_is_highest=best_is_highest)
    made.replace(levels)
    return made


def prices(of: Ladder, count: int | None = None) -> list[str]:
    return [level[0] for level in of.best_first(count)]


MIXED = [("9", "1"), ("100", "1"), ("99.95", "1"), ("0.00000001", "1"), ("99.9", "1")]


def test_asks_are_sorted_upwards_and_bids_downwards_by_number() -> None:
    upwards = ["0.00000001", "9", "99.9", "99.95", "100"]
    assert prices(ladder(*MIXED)) == upwards
    assert prices(ladder(*MIXED, best_is_highest=True)) == upwards[::-1]


def test_prices_that_no_float_can_tell_apart_are_two_levels() -> None:
    below, above = "90071992547409.92000001", "90071992547409.92000002"
    assert float(below) == float(above)
    assert prices(ladder((above, "1"), (below, "2"))) == [below, above]


def test_the_best_so_many_are_given() -> None:
    assert prices(ladder(*MIXED), 2) == ["0.00000001", "9"]
    assert prices(ladder(*MIXED, best_is_highest=True), 2) == ["100", "99.95"]
    assert ladder(*MIXED).best == ("0.00000001", "1")
    assert ladder(*MIXED, best_is_highest=True).best == ("100", "1")
    assert ladder().best is None


def test_a_change_replaces_adds_and_removes() -> None:
    asks = ladder(("100", "1"), ("101", "2"))
    asks.change([("101", "0"), ("100", "5"), ("100.5", "7"), ("200", "0")])
    assert asks.best_first() == [("100", "5"), ("100.5", "7")]


def test_all_but_the_best_are_let_go() -> None:
    for best_is_highest, kept in ((False, ["0.00000001", "9"]), (True, ["100", "99.95"])):
        side = ladder(*MIXED, best_is_highest=best_is_highest)
        side.keep_best(2)
        assert prices(side) == kept
        side.keep_best(9)
        assert len(side) == 2


def test_what_else_a_level_says_stays_with_it() -> None:
    asks = ladder(("100", "1", "bybit"))  # type: ignore[arg-type]
    asks.change([("100", "2", "bybit", "okx")])
    assert asks.best == ("100", "2", "bybit", "okx")


@pytest.mark.parametrize("text", ["", "ten", "NaN", "Infinity", "1..2"])
def test_a_price_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UnreadablePriceError):
        ladder((text, "1"))
    with pytest.raises(UnreadablePriceError):
        ladder().change([(text, "1")])


def test_random_changes_leave_what_a_dictionary_would_hold() -> None:
    seed = SystemRandom().randrange(2**32)
    random = Random(seed)
    for best_is_highest in (False, True):
        side, plain = Ladder(best_is_highest=best_is_highest), {}
        for _ in range(STEPS):
            ticks, lots = random.randrange(60), random.randrange(4)
            side.change([(f"{ticks}", f"{lots}")])
            plain[ticks] = lots
            held = sorted(((t, n) for t, n in plain.items() if n), reverse=best_is_highest)
            assert side.best_first() == [(f"{t}", f"{n}") for t, n in held], f"seed {seed}"
