"""The volatility window by itself: which prices it compares, and when that is too far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.volatility import SLICES, VolatilityWindow
from shared.messages import MarketRules, PriceRange
from shared.money import PPM

WINDOW_NS = 160  # So that a slice is 10 ns.


def window_of(
    *prices: tuple[int, int], move_ppm: int = 100_000, window_ns: int = WINDOW_NS
) -> VolatilityWindow:
    window = VolatilityWindow(MarketRules(halt_move_ppm=move_ppm, halt_window_ns=window_ns))
    for at_ns, price_ticks in prices:
        window.add(at_ns, price_ticks)
    return window


@pytest.mark.parametrize(
    ("prices", "exceeded"),
    [
        ([], False),
        ([(1_000, 100)], False),
        ([(1_000, 100), (1_001, 110)], False),
        ([(1_000, 100), (1_001, 111)], True),
        ([(1_000, 111), (1_001, 100)], True),
        ([(1_000, 110), (1_001, 100)], False),
        ([(1_000, 100), (1_159, 111)], True),
        ([(1_000, 100), (1_160, 111)], False),
        ([(1_009, 100), (1_160, 111)], False),
        ([(1_009, 100), (1_010, 100), (1_160, 111)], True),
        ([(1_000, 105), (1_001, 100), (1_002, 106), (1_100, 111)], True),
        ([(1_000, 1), (9_000, 2)], False),
    ],
)
def test_a_move_is_too_far_beyond_its_part_of_the_lowest_price_of_the_window(
    prices: list[tuple[int, int]], exceeded: bool
) -> None:
    assert window_of(*prices).is_exceeded() is exceeded


def test_a_slice_keeps_its_beginning_and_its_lowest_and_highest_price() -> None:
    window = window_of((1_003, 100), (1_009, 90), (1_009, 95), (1_004, 101), (1_010, 99))
    assert window.ranges() == (PriceRange(1_000, 90, 101), PriceRange(1_010, 99, 99))


def test_a_window_without_a_limit_remembers_nothing() -> None:
    window = window_of((1_000, 1), (1_000, 1_000), move_ppm=0)
    assert window.ranges() == ()
    assert not window.is_exceeded()


def test_what_was_forgotten_halts_nobody() -> None:
    window = window_of((1_000, 100), (1_001, 200))
    window.forget()
    assert window.ranges() == ()
    assert not window.is_exceeded()
    window.add(1_002, 200)
    assert not window.is_exceeded()


def test_a_window_shorter_than_its_slices_still_has_a_slice() -> None:
    window = window_of((7, 100), (7, 200), (8, 200), window_ns=1)
    assert window.ranges() == (PriceRange(8, 200, 200),)


def test_new_rules_cut_new_slices_and_leave_the_old_ones_in_order() -> None:
    window = window_of((1_015, 100), (1_025, 101))
    window.set_rules(MarketRules(halt_move_ppm=1_000_000, halt_window_ns=16_000))
    window.add(1_026, 150)
    assert window.ranges() == (PriceRange(1_010, 100, 100), PriceRange(1_020, 101, 150))
    assert not window.is_exceeded()
    window.add(2_001, 90)
    assert window.ranges()[-1] == PriceRange(2_000, 90, 90)


def test_rules_that_switch_it_off_forget_what_was() -> None:
    window = window_of((1_000, 100), (1_001, 200))
    window.set_rules(MarketRules())
    assert window.ranges() == ()
    assert not window.is_exceeded()


PRICES = st.lists(st.tuples(st.integers(0, 40), st.integers(90, 125)), max_size=60)


@given(PRICES)
def test_it_answers_as_a_list_of_all_prices_and_goes_on_from_its_row(
    steps: list[tuple[int, int]],
) -> None:
    window = window_of()
    all_prices: list[tuple[int, int]] = []
    at_ns = 1_000
    for wait_ns, price_ticks in steps:
        at_ns += wait_ns
        window.add(at_ns, price_ticks)
        all_prices.append((at_ns, price_ticks))
        left = [price for at, price in all_prices if at - at % 10 > at_ns - WINDOW_NS]
        assert window.is_exceeded() == ((max(left) - min(left)) * PPM > 100_000 * min(left))
        assert len(window.ranges()) <= SLICES + 1
        restored = window_of()
        restored.restore(window.ranges())
        assert restored.ranges() == window.ranges()
        assert restored.is_exceeded() == window.is_exceeded()
        window = restored
