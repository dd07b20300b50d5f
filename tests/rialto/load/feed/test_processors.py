"""Who uses the processors is told."""

import os
import time

from rialto.load.feed.processors import OTHERS, Processors


def test_who_works_is_told_and_is_nobody_else() -> None:
    processors = Processors({"this": os.getpid()})
    end_s = time.process_time() + 0.1
    while time.process_time() < end_s:
        pass
    shares = processors.shares()
    assert set(shares) == {"this", OTHERS}
    assert shares["this"] > 0
    assert shares[OTHERS] >= 0
