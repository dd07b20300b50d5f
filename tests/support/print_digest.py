"""A program that prints one digest of a day's events, changes and state.

The rule of this file: the same day under another hash seed must print the same.
"""

import hashlib
import sys

from shared.wire import encode
from tests.engine.core.test_restoring import random_journal, run

SEED = 3


def main() -> None:
    events, exchange = run(random_journal(SEED))
    digest = hashlib.sha256(encode(events))
    digest.update(repr(exchange.drain_changes()).encode())
    sys.stdout.write(f"{digest.hexdigest()} {exchange.state_hash()}\n")


if __name__ == "__main__":
    main()
