"""The latest of what comes one by one: the trades of a market, the entries of a log.

The rule of this file: each number is taken once, in order. What a snapshot leaves out is counted as
missed, and never passed over in silence.
"""

from collections import deque
from typing import Generic, TypeVar

from rialto.client.feed.keeper import NOTHING_YET, Keeper
from shared.feed import Entry, LogEntry, LogSnapshot, Reason, RecentTrade, Trade, TradesSnapshot

KEPT_MAX = 1_000  # Twenty times what a snapshot has; who needs more keeps it elsewhere.

T = TypeVar("T")


class _Tail(Keeper, Generic[T]):
    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.missed = 0  # How many were never received, because a snapshot began after them.
        self.fresh: list[T] = []  # What the last message brought that was not known, oldest first.
        self._kept: deque[T] = deque(maxlen=KEPT_MAX)
        self._newest: int | None = None  # The number of the last one in `_kept`.

    def forget(self, reason: str = NOTHING_YET) -> None:
        """Need a fresh start; what was taken is remembered, so that it is not taken again."""
        super().forget(reason)
        self.fresh = []

    def expect_snapshot(self, reason: str) -> None:
        self.pause(reason)  # What it leaves out is counted from here.

    def _newest_first(self) -> list[T]:
        self.need_live()
        return list(reversed(self._kept))

    def _take_snapshot(self, last: int, numbered: list[tuple[int, T]], reason: Reason) -> None:
        """`numbered` is newest first, as it comes."""
        self.fresh = []
        if [number for number, _ in numbered] != list(range(last, last - len(numbered), -1)):
            self._fail(f"a snapshot of {last} that is not contiguous")
            return
        if not self._begin(last, reason):
            return
        before = last - len(numbered)  # What the snapshot does not reach.
        if self._newest is None or self._is_another(last, numbered):
            self._kept.clear()
            self._newest = before
        elif before > self._newest:
            self.missed += before - self._newest
            self._kept.clear()
            self._newest = before
        for number, item in reversed(numbered):
            self._add(number, item)

    def _is_another(self, last: int, numbered: list[tuple[int, T]]) -> bool:
        """Whether the numbers begin anew: the snapshot ends before what we have, with another."""
        assert self._newest is not None, "there is something to compare with"
        back = self._newest - last
        if back <= 0:
            return False
        is_known = back < len(self._kept) and numbered[:1] == [(last, self._kept[-1 - back])]
        return not is_known

    def _take_next(self, number: int, item: T) -> None:
        self.fresh = []
        if self._follow(number, number):
            self._add(number, item)

    def _add(self, number: int, item: T) -> None:
        if self._newest is None or number > self._newest:
            self.fresh.append(item)
            self._kept.append(item)
            self._newest = number


class TradesKeeper(_Tail[RecentTrade]):
    """The trades of a market up to `last_trade_id`.

    `fresh` are those that the last message brought, whether a trade or a snapshot: who reads it
    after each message sees every trade once, and `missed` says how many there were that nobody
    sent any more.
    """

    @property
    def last_trade_id(self) -> int:
        return self.sequence

    @property
    def trades(self) -> list[RecentTrade]:
        """Return the latest trades, newest first. Raises NotLiveError."""
        return self._newest_first()

    def take(self, update: Trade | TradesSnapshot) -> None:
        """Take over the next message of the channel; a hole is a `fault`."""
        if isinstance(update, TradesSnapshot):
            numbered = [(trade.trade_id, trade) for trade in update.trades]
            self._take_snapshot(update.last_trade_id, numbered, update.reason)
            return
        trade = RecentTrade(
            update.trade_id, update.price, update.quantity, update.side, update.at_ns
        )
        self._take_next(update.trade_id, trade)


class LogKeeper(_Tail[LogEntry]):
    """The entries of a log up to `sequence`; `fresh` and `missed` are as with trades."""

    @property
    def entries(self) -> list[LogEntry]:
        """Return the latest entries, newest first. Raises NotLiveError."""
        return self._newest_first()

    def take(self, update: Entry | LogSnapshot) -> None:
        """Take over the next message of the channel; a hole is a `fault`."""
        if isinstance(update, LogSnapshot):
            numbered = [(entry.sequence, entry) for entry in update.entries]
            self._take_snapshot(update.sequence, numbered, update.reason)
            return
        self._take_next(update.sequence, LogEntry(update.sequence, update.at_ns, update.data))
