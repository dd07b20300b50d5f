"""What tests of the history share."""

import os
import random

import pytest


@pytest.fixture
def seed() -> int:
    """A seed for this run, printed on failure; HISTORY_SEED repeats one."""
    value = int(os.environ.get("HISTORY_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {value}: repeat with HISTORY_SEED={value}")  # noqa: T201
    return value
