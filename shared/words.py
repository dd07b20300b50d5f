"""Numbers of things as people say them.

The rule of this file: one thing is one, and everything else is many.
"""


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 row" or "2 rows"; `many` where it is not `one` with an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
