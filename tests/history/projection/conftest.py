"""What tests of the projection share."""

import os
from random import Random

import pytest

from tests.history.projection.days import RecordedDay


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Go through HISTORY_DAYS days; a hundred take some 10 s for each test."""
    if "number_of_day" in metafunc.fixturenames:
        count = int(os.environ.get("HISTORY_DAYS") or 5)
        metafunc.parametrize("number_of_day", range(count))


@pytest.fixture
def day(seed: int, number_of_day: int) -> RecordedDay:
    """A random day at the exchange."""
    return RecordedDay(Random(f"{seed}-{number_of_day}"))
