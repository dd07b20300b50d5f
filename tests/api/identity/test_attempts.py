"""The limiter of attempts, on a clock of its own."""

import pytest

from api.edge.errors import ApiError
from api.identity.attempts import BUCKETS_MAX, AttemptLimiter
from api.limits.limiter import Limits, Rules


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    now_s = [0.0]
    limiter = AttemptLimiter(burst=3, per_minute=6, clock=lambda: now_s[0])
    for _ in range(3):
        limiter.take("alice")
    with pytest.raises(ApiError) as refused:
        limiter.take("alice")
    assert refused.value.code == "TOO_MANY_ATTEMPTS"
    assert refused.value.retry_after_s == 11
    limiter.take("bob")
    now_s[0] += refused.value.retry_after_s
    limiter.take("alice")
    with pytest.raises(ApiError):
        limiter.take("alice")


def test_the_table_stays_bounded() -> None:
    limiter = AttemptLimiter(burst=1, per_minute=1, clock=lambda: 0.0)
    for number in range(BUCKETS_MAX + 100):
        limiter.take(str(number))
    assert len(limiter._buckets) == BUCKETS_MAX


def test_what_other_gateways_counted_is_added() -> None:
    table = Limits(Rules()).attempts("name", 4)
    limiter = AttemptLimiter(burst=100, per_minute=100, shared=table, unix_clock=lambda: 90.0)
    tally = table.of("alice")
    tally.total(90.0)
    tally.others = 3
    limiter.take("alice")
    with pytest.raises(ApiError) as refused:
        limiter.take("alice")
    assert refused.value.code == "TOO_MANY_ATTEMPTS"
    assert refused.value.retry_after_s == 30
    limiter.take("bob")
