"""The waits between the starts of a service that dies."""

from rialto.backoff import CAP_S, STABLE_S, TOLD_AFTER, Backoff


def test_quick_deaths_double_the_wait_up_to_the_cap() -> None:
    backoff = Backoff()
    waits_s = [backoff.after_death(0.0) for _ in range(100)]
    assert waits_s[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert waits_s[-1] == CAP_S


def test_a_service_that_stayed_up_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(TOLD_AFTER):
        backoff.after_death(0.0)
    assert backoff.is_hopeless
    assert backoff.after_death(STABLE_S) == 0.1
    assert not backoff.is_hopeless
