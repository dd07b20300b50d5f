"""The channels of one book: `book:`, `bbo:`, `price:` and `trades:`.

The rule of this file: what is not live is said so, at once and everywhere. Of a book that is not
live no level is shown, and its touch is empty; its last trade stays, as that is no claim about now.
"""

import msgspec

from aggregator.books.words import BookState, Trade
from aggregator.outlet.sources import Difference, Listing
from aggregator.outlet.texts import Texts
from aggregator.outlet.ticks import TickScale
from aggregator.outlet.window import Window
from shared.messages import OutsideBbo, OutsideBook, OutsidePrice, OutsideTrade
from shared.publishing import BookNow, Level, Publisher

# Of what waits to be published: the older the state of things, the less the rest is worth.
RANK_STATUS, RANK_TRADES, RANK_TOUCH, RANK_DEPTH, RANK_REST = range(5)

TRADES_KEPT = 100  # Shown to newcomers; of 36 books some 3 MB.

encode = msgspec.json.Encoder().encode


class ListingOutlet:
    """Publishes one listing; `evidence` is what proves it."""

    def __init__(
        self,
        listing: Listing,
        publisher: Publisher,
        texts: Texts,
        *,
        levels_max: int,
        evidence: str = "",
    ) -> None:
        self.listing = listing
        self._texts = texts
        self._evidence = evidence
        self._scale = TickScale()
        self._bids, self._asks = Window(levels_max), Window(levels_max)
        self._is_shown = False
        self._is_renewed_next = False
        self._touch: tuple[object, ...] = ()
        name = listing.name
        self._book_channel = publisher.open_book(f"book:{name}", self._image)
        self._bbo_channel = publisher.open_value(f"bbo:{name}")
        self._price_channel = publisher.open_value(f"price:{name}")
        self._trades_channel = publisher.open_log(f"trades:{name}", kept=TRADES_KEPT)
        self._book_channel.rank = RANK_DEPTH
        self._bbo_channel.rank = self._price_channel.rank = RANK_TOUCH
        self._trades_channel.rank = RANK_TRADES
        self._info_at_ns = listing.since_ns
        # State, since when and why, as last said.
        self._said_since: tuple[BookState, int, str] = BookState.EMPTY, -1, ""

    @property
    def is_state_new(self) -> bool:
        """Whether the state, or the reason for it, is another one than was last published."""
        listing = self.listing
        return self._said_since != (listing.state, listing.since_ns, listing.reason)

    @property
    def dropped_trades(self) -> int:
        """Trades that nobody was sent, as Redis was away for too long."""
        return self._trades_channel.dropped

    def say_trade(self, trade: Trade) -> bytes:
        """Publish a trade, and as the price unless it is an old one; return it as it reads."""
        texts = self._texts
        price, quantity = texts[trade.price], texts[trade.quantity]
        said = encode(
            OutsideTrade(
                at_ns=trade.received_at_ns,
                book=trade.book,
                trade_id=trade.trade_id,
                price=price,
                quantity=quantity,
                taker_side=trade.taker_side,
                venue_at_ns=trade.venue_at_ns,
                is_recovered=trade.is_recovered,
            )
        )
        self._trades_channel.add(trade.received_at_ns, said)
        if not trade.is_recovered:
            last = OutsidePrice(
                at_ns=trade.received_at_ns,
                book=trade.book,
                price=price,
                quantity=quantity,
                taker_side=trade.taker_side,
                venue_at_ns=trade.venue_at_ns,
            )
            self._price_channel.set(trade.received_at_ns, encode(last))
        return said

    def say_touch(self, at_ns: int) -> None:
        """Publish the best bid and ask where they, or the state, have changed."""
        listing = self.listing
        book = listing.book
        bids, asks = book.bids, book.asks
        state = listing.state
        touch: tuple[object, ...] = (state,)
        if state is BookState.LIVE:
            bid, ask = bids.best_key, asks.best_key
            bid_quantity = None if bid is None else bids.quantities[bid]
            ask_quantity = None if ask is None else asks.quantities[ask]
            touch = (state, bid, bid_quantity, ask, ask_quantity)
        if touch != self._touch:
            self._touch = touch
            at_ns = self._as_of(at_ns)
            self._bbo_channel.set(at_ns, encode(self._bbo(at_ns)))

    def _as_of(self, at_ns: int) -> int:
        # What is live is as old as the newest frame in it, which is what a reader reckons with.
        listing = self.listing
        if listing.state is BookState.LIVE:
            return listing.book.received_at_ns or at_ns
        return at_ns

    def put_off(self, difference: Difference) -> bool:
        """Say whether the whole book has to be published, and put that off: the next `say_book`
        does it. It takes milliseconds, and a change takes none.
        """
        if self.listing.state is BookState.LIVE:
            self._is_renewed_next |= difference.is_whole or not self._is_shown
            return self._is_renewed_next
        return False

    def say_book(self, at_ns: int, difference: Difference) -> None:
        """Publish what has changed of the book, or that it is not to be had."""
        listing = self.listing
        state = listing.state
        at_ns = self._info_at_ns = self._as_of(at_ns)
        self._said_since = (state, listing.since_ns, listing.reason)
        if state is not BookState.LIVE:
            if self._is_shown:
                self._book_channel.renew()
            self._is_shown = False
            self._book_channel.change(at_ns, info=self._info())
            return
        is_whole = difference.is_whole or self._is_renewed_next or not self._is_shown
        if is_whole or not self._say_levels(at_ns, difference):
            self._say_whole(at_ns)

    def _say_levels(self, at_ns: int, difference: Difference) -> bool:
        book, texts = self.listing.book, self._texts
        if self._bids.is_unfit(book.bids):
            return False
        if self._asks.is_unfit(book.asks):
            return False
        keyed = self._scale.keyed
        bids = keyed(self._bids.changed_levels(book.bids, difference.bids, texts))
        asks = keyed(self._asks.changed_levels(book.asks, difference.asks, texts))
        if bids is None or asks is None:
            return False
        self._book_channel.change(at_ns, bids, asks, self._info())
        return True

    def _say_whole(self, at_ns: int) -> None:
        book = self.listing.book
        self._bids.settle(book.bids)
        self._asks.settle(book.asks)
        self._settle_scale()
        self._is_shown, self._is_renewed_next = True, False
        self._book_channel.renew()
        self._book_channel.change(at_ns)

    def _settle_scale(self) -> None:
        # Keys of asks are prices below zero, which have the same divisors.
        self._scale.settle(self.listing.book.bids.keys)
        self._scale.settle(self.listing.book.asks.keys)

    def _image(self) -> BookNow:
        # Somebody may ask between a change and the moment when this file hears of it.
        if not self._is_shown or self.listing.state is not BookState.LIVE:
            return BookNow((), (), self._info())
        bids, asks = self._keyed_sides()
        if bids is None or asks is None:
            self._is_renewed_next = True
            self._settle_scale()
            bids, asks = self._keyed_sides()
        assert bids is not None, "a scale fits what it was settled with"
        assert asks is not None, "a scale fits what it was settled with"
        return BookNow(bids, asks, self._info())

    def _keyed_sides(self) -> tuple[list[Level] | None, list[Level] | None]:
        book, texts, keyed = self.listing.book, self._texts, self._scale.keyed
        return (
            keyed(self._bids.all_levels(book.bids, texts)),
            keyed(self._asks.all_levels(book.asks, texts)),
        )

    def _info(self) -> bytes:
        # An image has it, too, and may say another thing than what was said last to all.
        self._said_info = ()
        listing, texts = self.listing, self._texts
        book, counts = listing.book, listing.counts
        state, since_ns, reason = listing.state, listing.since_ns, listing.reason
        if state is BookState.LIVE and not self._is_shown:
            # Its levels are still to be told: until then it is what was said of it last.
            state, since_ns, reason = self._said_since
        trusted_bid = trusted_ask = ""
        if self._is_shown:
            trusted_bid = self._bids.trusted_text(book.bids, book.trusted_bid_key, texts)
            trusted_ask = self._asks.trusted_text(book.asks, book.trusted_ask_key, texts)
        return encode(
            OutsideBook(
                at_ns=self._info_at_ns,
                book=listing.name,
                state=state,
                since_ns=max(since_ns, 0),
                reason=reason,
                trusted_bid=trusted_bid,
                trusted_ask=trusted_ask,
                venue_sequence=max(book.last_id, 0),
                venue_at_ns=book.venue_at_ns,
                evidence=self._evidence,
                verified=counts.verified,
                mismatched=counts.mismatched,
            )
        )

    def _bbo(self, at_ns: int) -> OutsideBbo:
        listing, texts = self.listing, self._texts
        bids, asks = listing.book.bids, listing.book.asks
        known: dict[str, str] = {}
        if listing.state is BookState.LIVE:
            bid, ask = bids.best_key, asks.best_key
            if bid is not None:
                known |= {"bid": texts[bid], "bid_quantity": texts[bids.quantities[bid]]}
            if ask is not None:
                known |= {"ask": texts[-ask], "ask_quantity": texts[asks.quantities[ask]]}
        return OutsideBbo(
            at_ns=at_ns,
            book=listing.name,
            state=listing.state,
            venue_at_ns=listing.book.venue_at_ns,
            **known,
        )
