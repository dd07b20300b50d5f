"""How much may be done now."""

import pytest

from aggregator.feed.pacing import Allowance, Ban, Window


def test_a_burst_passes_and_then_so_much_a_second() -> None:
    allowance = Allowance(per_s=2, burst=3)
    assert [allowance.wait_s(0) for _ in range(3)] == [0, 0, 0]
    assert allowance.wait_s(0) == 0.5
    assert allowance.wait_s(0.25) == 0.25
    assert allowance.wait_s(0.5) == 0
    assert allowance.wait_s(0.5) == 0.5


def test_what_is_not_used_is_not_saved_beyond_the_burst() -> None:
    allowance = Allowance(per_s=1, burst=2)
    assert allowance.wait_s(1_000) == 0
    assert allowance.wait_s(2_000) == 0
    assert allowance.wait_s(2_000) == 0
    assert allowance.wait_s(2_000) == 1


def test_more_than_a_burst_is_taken_when_the_bucket_is_full_and_paid_back() -> None:
    allowance = Allowance(per_s=1, burst=10)
    assert allowance.wait_s(0, 25) == 0
    assert allowance.wait_s(0, 1) == 16


def test_no_stretch_of_the_period_has_more_than_its_number() -> None:
    window = Window(3, 10)
    for at_s in (0, 1, 2):
        assert window.wait_s(at_s) == 0
        window.take(at_s)
    assert window.wait_s(3) == 7
    assert window.wait_s(10) == 0
    window.take(10)
    assert window.wait_s(10) == 1
    with pytest.raises(AssertionError):
        window.take(10)


def test_a_ban_is_only_ever_made_longer() -> None:
    ban = Ban()
    assert ban.wait_s(0) == 0
    ban.set(0, 60)
    ban.set(1, 5)
    assert ban.wait_s(10) == 50
    assert ban.wait_s(61) == 0
    assert ban.count == 2


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (1, 0.5)])
def test_an_allowance_that_allows_nothing_is_a_bug(per_s: float, burst: float) -> None:
    with pytest.raises(AssertionError):
        Allowance(per_s, burst)
