"""The limit of descriptors: raised as far as allowed, and connections that follow it."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.descriptors import DESCRIPTORS_RESERVED, connections_within

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAM = """
import resource
from shared.descriptors import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
limit = raise_descriptor_limit({wanted})
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (limit, {hard})
raise SystemExit(limit)
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "limit"),
    [(50, 120, 100, 100), (50, 120, 200, 120), (110, 120, 100, 110), (120, 120, 200, 120)],
)
def test_the_soft_limit_is_raised_as_far_as_the_hard_one_allows(
    soft: int, hard: int, wanted: int, limit: int
) -> None:
    program = PROGRAM.format(soft=soft, hard=hard, wanted=wanted)
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == limit


def test_connections_follow_the_limit() -> None:
    assert connections_within(1_024, 12_000) == 1_024 - DESCRIPTORS_RESERVED
    assert connections_within(65_536, 12_000) == 12_000
    assert connections_within(10, 12_000) == 1
