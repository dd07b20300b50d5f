"""A book proven by the venue's own best bid and ask at the same update id.

The rule of this file: a touch holds from its own id up to the next one's. So the book at id u must
have exactly the touch of the last one at or before u, and which is the last is known only when a
later one has come. What a lost touch leaves uncertain comes out as a mismatch, which costs a new
snapshot and shows nothing wrong; it never lets a book pass.
"""

from bisect import bisect_left, bisect_right
from collections import deque

from aggregator.books.evidence import NoProof
from aggregator.books.side import Side
from aggregator.books.words import BookCounts
from aggregator.protocol import BookUpdate, Memory, TouchUpdate, to_text

# Best bid and ask as key and quantity; all 0 where a side has no level.
Touch = tuple[int, int, int, int]

# The ticker of the busiest book ran 180 a second ahead of nothing; books follow within a second.
TOUCHES_KEPT_MAX = 2_000
# Books that still wait for a later touch, and the last ones judged, in case one comes late.
RECORDS_KEPT_MAX = 64


class TouchProof(NoProof):
    """`bid_of`, `ask_of` and `quantity_of` read texts as keys and quantities."""

    __slots__ = ("_ask_of", "_bid_of", "_ids", "_quantity_of", "_records", "_touches")

    def __init__(
        self, counts: BookCounts, bid_of: Memory, ask_of: Memory, quantity_of: Memory
    ) -> None:
        super().__init__(counts)
        self._bid_of, self._ask_of, self._quantity_of = bid_of, ask_of, quantity_of
        self._ids: list[int] = []  # Of the touches heard, ascending.
        self._touches: list[Touch] = []
        self._records: deque[tuple[int, Touch]] = deque(maxlen=RECORDS_KEPT_MAX)

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        return self.check(update, bids, asks, 0)

    def begin_anew(self) -> None:
        self._records.clear()

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        touch = touch_of(bids, asks)
        book_id, ids = update.last_id, self._ids
        self._records.append((book_id, touch))
        later = bisect_right(ids, book_id)
        is_known = 0 < later < len(ids)
        said = self._touches[later - 1] if later else touch
        # Touches before it are kept for a while: one that comes late belongs between two of them.
        if later > TOUCHES_KEPT_MAX // 2:
            del ids[: later - 1], self._touches[: later - 1]
        # Otherwise which touch is the last one up to this book is not known yet.
        return self._judge(book_id, touch, said) if is_known else ""

    def hear(self, touch: TouchUpdate) -> str:
        said = (
            self._bid_of[touch.bid] if touch.bid else 0,
            self._quantity_of[touch.bid_quantity] if touch.bid else 0,
            self._ask_of[touch.ask] if touch.ask else 0,
            self._quantity_of[touch.ask_quantity] if touch.ask else 0,
        )
        ids, update_id = self._ids, touch.update_id
        if ids and update_id <= ids[-1]:
            return self._hear_late(update_id, said)
        reason = self._judge_waiting(update_id) if ids else ""
        ids.append(update_id)
        self._touches.append(said)
        if len(ids) > TOUCHES_KEPT_MAX:
            del ids[: TOUCHES_KEPT_MAX // 2], self._touches[: TOUCHES_KEPT_MAX // 2]
        return reason

    def forget_touches(self) -> None:
        self._ids.clear()
        self._touches.clear()
        self._records.clear()

    def _judge_waiting(self, update_id: int) -> str:
        last_id, said = self._ids[-1], self._touches[-1]
        for book_id, touch in reversed(self._records):
            if book_id < last_id:
                break  # It and all before it were judged when that touch came.
            if book_id < update_id:
                reason = self._judge(book_id, touch, said)
                if reason:
                    return reason
        return ""

    def _hear_late(self, update_id: int, said: Touch) -> str:
        ids = self._ids
        place = bisect_left(ids, update_id)
        if ids[place] == update_id or place == 0:
            return ""  # A repeat, or older than anything that is judged.
        next_id = ids[place]
        ids.insert(place, update_id)
        self._touches.insert(place, said)
        for book_id, touch in self._records:
            if update_id <= book_id < next_id:
                reason = self._judge(book_id, touch, said)
                if reason:
                    return reason
        return ""

    def _judge(self, book_id: int, touch: Touch, said: Touch) -> str:
        if touch == said:
            self.counts.verified += 1
            return ""
        return f"At {book_id} the touch is {_words(touch)}, and the venue's is {_words(said)}."


def touch_of(bids: Side, asks: Side) -> Touch:
    bid = bids.keys[-1] if bids.keys else 0
    ask = asks.keys[-1] if asks.keys else 0
    return bid, bids.quantities.get(bid, 0), ask, asks.quantities.get(ask, 0)


def _words(touch: Touch) -> str:
    bid, bid_quantity, ask, ask_quantity = map(to_text, touch)
    return f"{bid_quantity} at {bid}, {ask_quantity} at {ask.removeprefix('-')}"
