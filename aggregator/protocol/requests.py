"""What is asked of a venue by HTTP.

The rule of this file: a request is a description; the feed performs it, with the venue's weights
and patience, and gives the answer to `read`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aggregator.protocol.updates import Update


class SnapshotFrom(StrEnum):
    STREAM = "stream"  # The subscription begins with one; for another one, subscribe again.
    REST = "rest"  # It is asked for beside the stream, and joined to it by its number.


@dataclass(frozen=True)
class Request:
    """A GET. `read(body, url)` gives what the answer says, and raises FrameError; it may run in
    another process, so it is a plain function of a module (or a partial of one). The `url` may be
    another one than was asked, with other limits, where an answer was recorded. An answer that is
    one of several pages has a `NextPage` among its updates.
    """

    url: str
    weight: int
    read: Callable[[bytes, str], Sequence[Update]]
