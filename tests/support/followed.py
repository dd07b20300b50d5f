"""A venue that somebody follows: commands carried out, archived and trimmed when a test says so.

The rule of this file: the real engine, the real archiver and the real Redis; only the waiting is
taken out.
"""

import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

from engine.archiver import Archiver
from engine.redis_link import RedisLink
from history.follow.ahead import Chunk
from history.follow.follower import Follower
from history.projection.rows import CursorRow
from shared.messages import Applied, Command, Deposit
from tests.support.venue import Venue

BATCH_MAX = 3  # Commands a commit, so that a few of them are several batches.


class Followed:
    """A venue with an archive; see `Venue` for how commands get in."""

    def __init__(self, url: str, archive: Path, *, name: str = "test") -> None:
        self.venue = Venue(url, name)
        self.archive = archive
        self._amounts = itertools.count(1)

    def close(self) -> None:
        self.venue.close()

    def reconnect(self) -> None:
        """Speak to a Redis that was started anew."""
        url, tag = self.venue.url, self.venue.keys.tag
        self.venue.close()
        self.venue = Venue(url, tag.strip("{}"))

    @property
    def sequence(self) -> int:
        return int(self.venue.meta("sequence") or 0)

    def carry_out(self, *commands: Command) -> None:
        """Journal commands and let an engine carry out all that wait."""
        if commands:
            self.venue.journal(*commands)
        self.venue.engine(batch_max=BATCH_MAX).run_until_idle()

    def deposit(self, count: int = 1) -> None:
        """Carry out so many deposits, no two of them alike."""
        amounts = itertools.islice(self._amounts, count)
        self.carry_out(*(Deposit(account_id=1, asset="INR", amount_atoms=each) for each in amounts))

    def archive_all(self) -> None:
        """Let an archiver take whatever is committed by now."""
        link = RedisLink(self.venue.url)
        link.open()
        left = iter(range(1))
        with contextlib.closing(link):
            keys, stop = self.venue.keys, lambda: next(left, None) is None
            Archiver(link, keys, self.archive, should_stop=stop).run()

    def trim(self, kept: int = 0) -> None:
        """Take all but the newest batches out of the stream, as an archiver does in time."""
        self.venue.redis.xtrim(self.venue.keys.events, maxlen=kept, approximate=False)

    def empty(self) -> None:
        """Take everything away, as somebody does who begins anew."""
        self.venue.redis.flushall()


@contextlib.contextmanager
def followed_venue(url: str, archive: Path, *, name: str = "test") -> Iterator[Followed]:
    """Give a venue with the demo's markets."""
    with contextlib.closing(Followed(url, archive, name=name)) as followed:
        followed.venue.seed()
        followed.carry_out()
        yield followed


@contextlib.asynccontextmanager
async def following(
    followed: Followed, after: CursorRow | None = None
) -> AsyncIterator[tuple[Follower, AsyncGenerator[Chunk, None]]]:
    """Follow it from a cursor on, for as long as the block lasts."""
    follower = Follower(followed.venue.url, followed.venue.keys, followed.archive)
    chunks = follower.chunks(after)
    try:
        yield follower, chunks
    finally:
        await chunks.aclose()
        await follower.close()


async def chunks_up_to(chunks: AsyncIterator[Chunk], sequence: int) -> list[Chunk]:
    """Take chunks with events until one ends with this event."""
    taken: list[Chunk] = []
    async for chunk in chunks:
        if chunk.applied:
            taken.append(chunk)
        if chunk.cursor.sequence >= sequence:
            return taken
    raise AssertionError("following came to an end")


def all_applied(chunks: list[Chunk]) -> list[Applied]:
    return [applied for chunk in chunks for applied in chunk.applied]
