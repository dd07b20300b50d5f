"""Which levels of a side changed lately, for whoever comes back after a short while.

The rule of this file: a level is noted once, with the last change of it. So what is kept grows
with the prices that there are and not with what happens to them, and a client that comes back is
told each level once, as it is.

A note is one text, its sequence and its price: as a tuple it takes twice the memory, and there is a
note for every fourth level of every book.
"""

# For each side. Whoever has missed more than that is better off with a snapshot, and so is who has
# missed a good part of the book: a level that is noted takes as much room as one that is there.
NOTED_PRICES_MAX = 10_000
NOTED_PRICES_MIN = 250
NOTED_PART = 4

_BETWEEN = " "  # No digit, so it is found whatever the price is.

Prices = dict[int, str]  # Key -> the price as text.


class RecentChanges:
    """The levels that changed after some sequence, in the order of their last changes."""

    def __init__(self, after_sequence: int = 0, prices_max: int = NOTED_PRICES_MAX) -> None:
        self._notes: dict[int, str] = {}
        self._known_after = after_sequence  # Every level that changed after it is noted.
        self._prices_max = prices_max

    def __len__(self) -> int:
        return len(self._notes)

    def note(self, key: int, sequence: int, price: str) -> None:
        """Note a change, which is later than those before."""
        self._notes.pop(key, None)  # To the end of the dict, which is in order of insertion.
        self._notes[key] = f"{sequence}{_BETWEEN}{price}"
        if len(self._notes) > self._prices_max:
            self._forget_oldest()

    def keep_part_of(self, levels_count: int) -> None:
        """Forget the oldest beyond a part of a side with so many levels."""
        prices_max = max(levels_count // NOTED_PART, NOTED_PRICES_MIN)
        while len(self._notes) > prices_max:
            self._forget_oldest()

    def knows(self, after_sequence: int) -> bool:
        """Whether every level that changed after it is noted."""
        return after_sequence >= self._known_after

    def since(self, sequence: int, prices_max: int) -> Prices | None:
        """Return the prices that changed after a sequence; None if not all are known, or if there
        are more than so many.
        """
        if not self.knows(sequence):
            return None
        prices: Prices = {}
        for key, note in reversed(self._notes.items()):
            noted_sequence, _, price = note.partition(_BETWEEN)
            if int(noted_sequence) <= sequence:
                break
            if len(prices) == prices_max:
                return None
            prices[key] = price
        return prices

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._notes))
        self._known_after = int(self._notes.pop(oldest).partition(_BETWEEN)[0])
