"""How often the engine looks for garbage in cycles.

The rule of this file: what runs the core for good, and what measures it, set it here alike.
"""

import gc

GARBAGE_THRESHOLD = 50_000  # Our objects have no cycles; a rare look is enough and costs no pause.


def look_rarely() -> None:
    """Set it for the whole process."""
    gc.set_threshold(GARBAGE_THRESHOLD)
