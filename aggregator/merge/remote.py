"""A book of another process, rebuilt from what that one publishes, for the merger of this one.

The rule of this file: it is in the consolidated book only while the other process says that it is
live and nothing of it is missing or unreadable. Whoever reads the channel gives publications in
their order (`shared.publishing.following` sees to that), and says when the channel is lost.
"""

from collections.abc import Iterable

import msgspec

from aggregator.books.side import Level, Side
from aggregator.merge.merger import Merger
from aggregator.protocol import DecimalError, to_units
from shared.messages import BookState
from shared.messages.outside import OutsideBook, SymbolStatus
from shared.publishing import BookChange, BookImage
from shared.publishing import Level as PublishedLevel

UNREADABLE = "another process publishes it in a form that cannot be read"


class _RemoteSide:
    """A side, and which of its keys goes by which key of the channel."""

    def __init__(self, sign: int) -> None:
        self.side = Side(sign)
        self._keys: dict[int, int] = {}

    def replace(self, levels: Iterable[PublishedLevel]) -> None:
        self._keys = {}
        self.side.replace(self._read(levels))

    def change(self, levels: Iterable[PublishedLevel]) -> list[int]:
        changed = self._read(levels)
        self.side.change(changed)
        return [key for key, _ in changed]

    def _read(self, levels: Iterable[PublishedLevel]) -> list[Level]:
        read: list[Level] = []
        for channel_key, texts in levels:
            if texts:
                key = to_units(texts[0]) * self.side.sign
                self._keys[channel_key] = key
                read.append((key, to_units(texts[1])))
            elif channel_key in self._keys:
                read.append((self._keys.pop(channel_key), 0))
        return read


class RemoteBook:
    """`Shown` for the merger, and a `BookSink` for a `BookFollower`.

    With `is_unreadable` it stands still, and only another image can help. `is_in`: it is in its
    consolidated book.
    """

    def __init__(self, book: str, merger: Merger) -> None:
        self.book = book
        self.is_unreadable = False
        self.trusted_bid_key: int | None = None
        self.trusted_ask_key: int | None = None
        self._bids, self._asks = _RemoteSide(1), _RemoteSide(-1)
        self._merger = merger
        self.is_in = False

    @property
    def bids(self) -> Side:
        return self._bids.side

    @property
    def asks(self) -> Side:
        return self._asks.side

    @property
    def level_count(self) -> int:
        return len(self.bids) + len(self.asks)

    def show(self, image: BookImage, reason: str) -> None:
        """Begin anew with all of it."""
        try:
            self._bids.replace(image.bids)
            self._asks.replace(image.asks)
            is_live = self._take_info(image.info)
        except (DecimalError, IndexError, msgspec.DecodeError):
            self._refuse(image.at_ns)
            return
        self.is_unreadable = False
        self.is_in = is_live
        if is_live:
            self._merger.show(self.book, self)

    def follow(self, change: BookChange) -> None:
        """Take over what comes next."""
        if self.is_unreadable:
            return
        try:
            bid_keys, ask_keys = self._bids.change(change.bids), self._asks.change(change.asks)
            if change.info is not None:
                self.is_in = self._take_info(change.info)
        except (DecimalError, IndexError, msgspec.DecodeError):
            self._refuse(change.at_ns)
            return
        if self.is_in:
            self._merger.change(self.book, self, bid_keys, ask_keys)

    def lose(self, reason: str, at_ns: int) -> None:
        """Leave it out until the next image: something of it, or the other process, is missing."""
        self.is_in = False
        self._merger.leave_out(
            SymbolStatus(book=self.book, state=BookState.STALE, since_ns=at_ns, reason=reason)
        )

    def _refuse(self, at_ns: int) -> None:
        self.is_unreadable = True
        self.lose(UNREADABLE, at_ns)

    def _take_info(self, info: bytes) -> bool:
        said = msgspec.json.decode(info, type=OutsideBook)
        self.trusted_bid_key = to_units(said.trusted_bid) if said.trusted_bid else None
        self.trusted_ask_key = -to_units(said.trusted_ask) if said.trusted_ask else None
        if said.state is not BookState.LIVE:
            self._merger.leave_out(
                SymbolStatus(
                    book=self.book,
                    state=said.state,
                    since_ns=said.since_ns,
                    reason=said.reason,
                )
            )
        return said.state is BookState.LIVE
