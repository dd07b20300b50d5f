"""Several feeds together: what the service starts, looks at and closes.

The rule of this file: one feed's fate is its own; only the beginning and the end are common.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence

from aggregator.books.effects import Mismatch
from aggregator.feed.apart import Apart
from aggregator.feed.clock import Clock
from aggregator.feed.common import Common, Limits, nothing
from aggregator.feed.drain import Drain
from aggregator.feed.opening import Way
from aggregator.feed.recording import Recorder
from aggregator.feed.runner import Feed
from aggregator.feed.words import Desk
from shared.messages import FeedStatus


class Fleet:
    """Runs desks. `on_drained` is called after each round in which any of them may have changed:
    it is the moment to publish, and it must not wait.
    """

    def __init__(
        self,
        desks: Sequence[Desk],
        *,
        on_drained: Callable[[], None] = nothing,
        on_mismatch: Callable[[Mismatch], None] | None = None,
        recorder: Recorder | None = None,
        offline_address: str = "",
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        random_source: random.Random | None = None,
    ) -> None:
        self.drain = Drain(on_drained)
        self.apart = Apart()
        common = Common(
            drain=self.drain,
            apart=self.apart,
            way=Way(offline_address, tls),
            clock=clock or Clock(),
            limits=limits or Limits(),
            recorder=recorder,
            on_mismatch=on_mismatch,
            random_source=random_source or random.Random(),
        )
        self.feeds = {desk.manifest.feed: Feed(desk, common) for desk in desks}
        assert len(self.feeds) == len(desks), "a feed has one desk"

    def start(self) -> None:
        self.drain.start()
        for feed in self.feeds.values():
            feed.start()

    async def close(self) -> None:
        """End everything; nothing is left over when it returns."""
        await asyncio.gather(*(feed.close() for feed in self.feeds.values()))
        await self.drain.close()
        await self.apart.close()

    def status(self) -> dict[str, FeedStatus]:
        """Return how each feed is, by its name."""
        return {name: feed.status() for name, feed in self.feeds.items()}

    def halt(self, feed: str, reason: str) -> None:
        """Raises KeyError for a feed that there is not."""
        self.feeds[feed].halt(reason)

    def resume(self, feed: str) -> None:
        """Raises KeyError for a feed that there is not."""
        self.feeds[feed].resume()
