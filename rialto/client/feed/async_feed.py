"""The feed's client: channels that stay right, over however many connections.

The rule of this file: nothing is decided here; it is the face of the desk and the line.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from rialto.client.errors import ClientError, RefusedError, UnansweredError
from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.books import BookKeeper
from rialto.client.feed.credentials import Credentials, Provider
from rialto.client.feed.desk import Desk
from rialto.client.feed.keeper import NotLiveError
from rialto.client.feed.line import Line
from rialto.client.feed.reading import AnyKeeper
from rialto.client.feed.tails import LogKeeper, TradesKeeper
from rialto.client.feed.updates import QUEUED_MAX, Updates
from rialto.client.feed.values import ValueKeeper
from rialto.client.feed.wishes import OnAnswer
from shared.feed import (
    Answer,
    Error,
    ListChannels,
    Listed,
    Ping,
    Pong,
    Update,
    Wanted,
)

FEED_URL = "ws://127.0.0.1:8080/ws"
TIMEOUT_S = 10.0  # For an answer, with all connections that it takes.
ASK_AGAIN_S = 0.25  # After an answer that it cannot be done just now.
TRANSIENT = frozenset({"NOT_READY", "RATE_LIMITED"})
ACCOUNT = "account"

T = TypeVar("T")
AnyKeptT = TypeVar("AnyKeptT", AccountKeeper, BookKeeper, LogKeeper, TradesKeeper, ValueKeeper)


class AsyncFeed:
    """Books, trades, values, logs and the account as they are, proven message by message.

        async with AsyncFeed("ws://127.0.0.1:8080/ws") as feed:
            await feed.subscribe("depth:TATA_INR", "trades:TATA_INR")
            book = await feed.live(feed.book("depth:TATA_INR"))
            print(book.best_bid, book.sequence)
            async for update in feed.updates("trades:TATA_INR"):
                print(update)

    What is subscribed stays subscribed: a lost connection is made anew, and each channel goes on
    where it was, or begins with a snapshot. A channel that misses a message, or whose checksum is
    wrong, begins anew alone. While it is not right, reading it raises NotLiveError.

    For the account, `token` is asked for an access token whenever one is needed, or `ticket` for a
    ticket of `POST /api/v1/auth/ticket`:

        async def token() -> str:
            return (await client.refresh()).access_token

    `on_update` is called with each message right after its keeper has taken it, and must not wait;
    `updates` gives the same to who iterates.

    The first failure of an outage is logged as a warning, and `last_failure` has the latest.

    A ClientError or OSError of a provider is tried again; any other exception ends the feed, and
    every call raises it. For one event loop.
    """

    def __init__(
        self,
        url: str = FEED_URL,
        *,
        token: Provider | None = None,
        ticket: Provider | None = None,
        on_update: Callable[[Update], None] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._on_update = on_update
        self._timeout_s = timeout_s
        self._desk = Desk(time.monotonic)
        self._credentials = Credentials(token, ticket, clock=time.monotonic, wall_clock=time.time)
        self._line = Line(
            url, self._desk, self._credentials, on_update=self._put, on_change=self._tell
        )
        self._streams: list[Updates] = []
        self._task: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None  # Made when somebody waits for it.

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def open(self) -> None:
        """Begin to connect, and go on until `close`."""
        assert self._task is None, "a feed is opened once"
        self._task = asyncio.create_task(self._line.run(), name="feed")
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End the connection, and every iterator."""
        self._close_streams()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ---- what there is to ask ----

    async def subscribe(
        self, *channels: str | Wanted, interval_ms: int | None = None, levels: int | None = None
    ) -> None:
        """Subscribe to all of these, or raise RefusedError and to none.

        `interval_ms` is at most one message in so long, 0 at once; `levels` the best so many of
        each side, 0 all; None is the channel's default. `book:*` is all that begin so. Raises
        UnansweredError when no answer came in time.
        """
        wanted = [
            Wanted(channel=each, interval_ms=interval_ms, levels=levels)
            if isinstance(each, str)
            else each
            for each in channels
        ]
        await self._asked(lambda on_answer: self._desk.subscribe(wanted, on_answer))

    async def unsubscribe(self, *channels: str) -> None:
        """Have nothing more of these; their keepers are not live any more."""
        await self._asked(lambda on_answer: self._desk.unsubscribe(channels, on_answer))

    async def list(self) -> Listed:
        """Return what this connection has subscribed and what there is."""
        answer = await self._asked(lambda on_answer: self._desk.ask(ListChannels(), on_answer))
        assert isinstance(answer, Listed), "list is answered by a list"
        return answer

    async def ping(self) -> Pong:
        """Ask for a pong, which comes after everything that was sent before."""
        answer = await self._asked(lambda on_answer: self._desk.ask(Ping(), on_answer))
        assert isinstance(answer, Pong), "a ping is answered by a pong"
        return answer

    # ---- what is so ----

    def book(self, channel: str) -> BookKeeper:
        """Return the book of a `depth:`, `depth20:` or `book:` channel that is subscribed.

        It is the same object for as long as the channel is subscribed, and changes in place.
        """
        return self._keeper(channel, BookKeeper)

    def trades(self, channel: str) -> TradesKeeper:
        """Return the trades of a market's `trades:` channel that is subscribed."""
        return self._keeper(channel, TradesKeeper)

    def log(self, channel: str) -> LogKeeper:
        """Return the entries of an outside log that is subscribed."""
        return self._keeper(channel, LogKeeper)

    def value(self, channel: str) -> ValueKeeper:
        """Return a value, such as of a `bbo:` channel, that is subscribed."""
        return self._keeper(channel, ValueKeeper)

    def account(self) -> AccountKeeper:
        """Return the account, which is subscribed."""
        return self._keeper(ACCOUNT, AccountKeeper)

    @property
    def keepers(self) -> dict[str, AnyKeeper]:
        """Return all that have been begun, by channel: also what wildcards have brought."""
        return dict(self._desk.keepers)

    def is_live(self, channel: str) -> bool:
        """Return whether the channel has been begun, and is right."""
        keeper = self._desk.keepers.get(channel)
        return keeper is not None and keeper.is_live

    @property
    def is_connected(self) -> bool:
        return self._desk.is_open

    @property
    def connections(self) -> int:
        """Return how many connections there have been so far."""
        return self._line.connections

    @property
    def last_failure(self) -> str:
        """Return why there is no connection, or why the last one ended."""
        return self._line.last_failure

    @property
    def repairs(self) -> int:
        """Return how often a channel had to begin anew because something was missing or wrong."""
        return self._desk.repairs

    def updates(self, *channels: str, queued_max: int = QUEUED_MAX) -> Updates:
        """Return an iterator over what comes from now on, of these channels or of all."""
        self._streams = [stream for stream in self._streams if not stream.is_closed]
        stream = Updates(*channels, queued_max=queued_max)
        self._streams.append(stream)
        return stream

    async def live(self, keeper: AnyKeptT) -> AnyKeptT:
        """Wait until what it keeps is right, and return it. There is no deadline here."""
        await self.until(lambda: keeper.is_live)
        return keeper

    async def until(self, check: Callable[[], T]) -> T:
        """Call `check` after each message until it returns something true, and return that.

        NotLiveError counts as not yet. There is no deadline here: use `asyncio.timeout`.
        """
        while True:
            try:
                value = check()
            except NotLiveError:
                value = None
            if value:
                return value
            await self._changed()

    # ---- helpers ----

    def _keeper(self, channel: str, kind: type[AnyKeptT]) -> AnyKeptT:
        if not self._desk.is_wanted(channel):
            raise KeyError(f"{channel} is not subscribed")
        keeper = self._desk.keepers.setdefault(channel, kind(channel))
        if not isinstance(keeper, kind):
            raise TypeError(f"{channel} has a {type(keeper).__name__}")
        return keeper

    async def _asked(self, ask: Callable[[OnAnswer], None]) -> Answer:
        """Ask until there is an answer; to ask twice is to ask once, for every op."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    answer = await self._answer(ask)
                    if isinstance(answer, Error) and not self._is_transient(answer):
                        raise _refused(answer)
                    if answer is not None and not isinstance(answer, Error):
                        return answer
                    await asyncio.sleep(ASK_AGAIN_S if answer is not None else 0.0)
        except TimeoutError as error:
            reason = f"no answer in {self._timeout_s} s; {self._line.last_failure}"
            raise UnansweredError(reason, "") from error

    async def _answer(self, ask: Callable[[OnAnswer], None]) -> Answer | None:
        await self.until(lambda: self._desk.is_open)
        answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def on_answer(answer: Answer | None) -> None:
            if not answered.done():
                answered.set_result(answer)

        ask(on_answer)
        self._line.wake()
        return await answered

    def _is_transient(self, error: Error) -> bool:
        if error.code == "AUTH_REQUIRED" and self._line.refusal is not None:
            raise _refused(self._line.refusal)
        # A provider whose gateway is away for a moment gives no token, and will.
        is_unshown = error.code == "AUTH_REQUIRED" and self._credentials.has_any
        return is_unshown or error.code in TRANSIENT

    async def _changed(self) -> None:
        if self._task is None or self._task.done():
            if self._task is not None and not self._task.cancelled():
                self._task.result()
            raise ClientError("the feed is closed")
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    def _ended(self, task: asyncio.Task[None]) -> None:
        failure = None if task.cancelled() else task.exception()
        self._close_streams(failure)
        self._tell()

    def _close_streams(self, failure: BaseException | None = None) -> None:
        for stream in self._streams:
            stream.close(failure)

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set_result(None)
            self._news = None

    def _put(self, update: Update) -> None:
        if self._on_update is not None:
            self._on_update(update)
        for stream in self._streams:
            stream.put(update)


def _refused(error: Error) -> RefusedError:
    return RefusedError(0, {"code": error.code, "message": error.message, "field": error.field})
