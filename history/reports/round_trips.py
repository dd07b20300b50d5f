"""Two accounts that trade back and forth: what looks like trade and moves nothing.

The rule of this file: pure, trades in, groups of legs out, each with its evidence; it names
candidates and judges nobody. Memory is that of the legs of one window.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from history.projection.rows import TradeRow
from shared.messages import Side
from shared.money import PPM

SAME_ACCOUNT = "same_account"
SAME_OWNER = "same_owner"
BACK_AND_FORTH = "back_and_forth"
# Two who trade all the time are looked at in the newest of their legs: what follows one another
# for longer without coming back is no round trip, and each leg costs as much as there are.
LEGS_MAX = 200


class Leg(NamedTuple):
    """All that one taker's order has traded with one account: consecutive trades of one entry."""

    trades: tuple[TradeRow, ...]

    @property
    def at_ns(self) -> int:
        return self.trades[0].at_ns

    @property
    def buyer_id(self) -> int:
        return buyer_of(self.trades[0])

    @property
    def lots(self) -> int:
        return sum(trade.quantity_lots for trade in self.trades)


class Candidate(NamedTuple):
    """Legs between two accounts of one market, oldest first, and the rule that they fit."""

    rule: str
    legs: tuple[Leg, ...]


def buyer_of(trade: TradeRow) -> int:
    """Return the account that bought."""
    is_buy = trade.taker_side == Side.BUY
    return trade.taker_account_id if is_buy else trade.maker_account_id


def seller_of(trade: TradeRow) -> int:
    """Return the account that sold."""
    is_buy = trade.taker_side == Side.BUY
    return trade.maker_account_id if is_buy else trade.taker_account_id


def candidates(
    trades: Iterable[TradeRow],
    *,
    window_ns: int,
    tolerance_ppm: int,
    owners: Mapping[int, str],
) -> Iterator[Candidate]:
    """Yield the candidates among trades in journal order, each when its last leg is known."""
    search = Search(window_ns, tolerance_ppm, owners)
    for trade in trades:
        yield from search.take(trade)
    yield from search.finish()


class Search:
    """Looks for candidates, trade by trade; `candidates` says what is found."""

    def __init__(self, window_ns: int, tolerance_ppm: int, owners: Mapping[int, str]) -> None:
        self._window_ns = window_ns
        self._tolerance_ppm = tolerance_ppm
        self._owners = owners
        self._entry = 0
        self._growing: dict[tuple[str, int, int], list[TradeRow]] = {}
        self._recent: dict[tuple[str, int, int], deque[Leg]] = {}
        self._swept_ns = 0

    @property
    def pairs(self) -> int:
        """How many pairs of accounts are remembered."""
        return len(self._recent)

    def take(self, trade: TradeRow) -> Iterator[Candidate]:
        """Add a trade; yield what the entries before it have completed."""
        if trade.n != self._entry:
            yield from self.finish()
            self._entry = trade.n
            self._forget(trade.at_ns)
        key = trade.market, trade.taker_order_id, trade.maker_account_id
        self._growing.setdefault(key, []).append(trade)

    def finish(self) -> Iterator[Candidate]:
        """Yield what the last entry has completed."""
        for trades in self._growing.values():
            found = self._judged(Leg(tuple(trades)))
            if found is not None:
                yield found
        self._growing = {}

    def _judged(self, leg: Leg) -> Candidate | None:
        maker_id, taker_id = leg.trades[0].maker_account_id, leg.trades[0].taker_account_id
        if maker_id == taker_id:
            return Candidate(SAME_ACCOUNT, (leg,))
        owner = self._owners.get(maker_id)
        if owner is not None and owner == self._owners.get(taker_id):
            return Candidate(SAME_OWNER, (leg,))
        pair = leg.trades[0].market, min(maker_id, taker_id), max(maker_id, taker_id)
        recent = self._recent.setdefault(pair, deque(maxlen=LEGS_MAX))
        recent.append(leg)
        return self._returned(recent)

    def _returned(self, recent: deque[Leg]) -> Candidate | None:
        newest = recent[-1]
        bought = sold = 0
        for count, leg in enumerate(reversed(recent), start=1):
            if leg.at_ns < newest.at_ns - self._window_ns:
                return None
            if leg.buyer_id == newest.buyer_id:
                bought += leg.lots
            else:
                sold += leg.lots
            if sold and self._is_near(bought, sold):
                legs = [recent.pop() for _ in range(count)]
                return Candidate(BACK_AND_FORTH, tuple(reversed(legs)))
        return None

    def _is_near(self, bought: int, sold: int) -> bool:
        return abs(bought - sold) * PPM <= self._tolerance_ppm * max(bought, sold)

    def _forget(self, at_ns: int) -> None:
        if at_ns - self._swept_ns <= self._window_ns:
            return
        self._swept_ns = at_ns
        since_ns = at_ns - self._window_ns
        over = [
            pair for pair, legs in self._recent.items() if not legs or legs[-1].at_ns < since_ns
        ]
        for pair in over:
            del self._recent[pair]
