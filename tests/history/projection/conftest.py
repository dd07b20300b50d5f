"""What tests of the projection share."""

import os
from random import Random

import pytest

from tests.history.projection.days import RecordedDay

DAYS = int(os.environ.get("HISTORY_DAYS") or 5)  # A hundred take some 10 s for each test.


@pytest.fixture(params=range(DAYS))
def day(seed: int, request: pytest.FixtureRequest) -> RecordedDay:
    """A random day at the exchange."""
    return RecordedDay(Random(f"{seed}-{request.param}"))
