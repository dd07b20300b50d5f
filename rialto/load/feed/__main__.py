"""The crowd's process: `python -m rialto.load.feed PORT`, orders on standard input, JSON lines.

The rule of this file: exit code 1 and one sentence when the measurement could not go on.
"""

import gc
import sys

from rialto.load.feed.crowd import Crowd
from rialto.load.lanes import LoadError
from shared.descriptors import raise_descriptor_limit


def main() -> int:
    """Carry out orders until standard input ends; return the exit code."""
    raise_descriptor_limit()
    gc.disable()  # It ends before its garbage counts, and its pauses are not the broadcaster's.
    try:
        Crowd(int(sys.argv[1]), sys.stdin.fileno(), sys.stdout.buffer).run()
    except (LoadError, OSError) as error:
        sys.stderr.write(f"{error or type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
