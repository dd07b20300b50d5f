"""Lists that can grow, page by page. Pure.

The rule of this file: one more than is shown is looked for, so that the last page says that it is.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def page_of(
    found: Sequence[T], limit: int, place: Callable[[T], object]
) -> tuple[list[T], str | None]:
    """Return up to `limit` of what was found, and the cursor of the next page, None after the last.

    `found` was asked for with a limit of one more; `place` says where a row stands in the list.
    """
    shown = list(found[:limit])
    return shown, str(place(shown[-1])) if len(found) > limit else None
