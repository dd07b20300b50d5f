"""The stops that wait in one market until the price reaches them.

The rule of this file: what it answers follows from the orders that wait, never from the order in
which they came. Stops of one side at one stop price are met together, so a level is only sorted
by rank when it is met; a price that meets nobody costs a look at the nearest level of each side.

Prices become keys whose largest is the nearest: a sell's stop price itself, a buy's negative. So
the nearest is the last of one sorted list, and both sides are the same code. Trailing stops stand
in a second list, by watermark: there the next one that moves is the last.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from shared.messages import Order, OrderStatus, OrderTerms, OrderType, Side
from shared.money import AMOUNT_LIMIT, PPM

_BUY = Side.BUY
_TRAILING = OrderType.TRAILING_STOP

# Before an order's terms change, whoever keeps its row hears of it.
Moved = Callable[[Order], None]


def is_met(side: Side, stop_price_ticks: int, price_ticks: int) -> bool:
    """Say whether this price (0: there is none yet) reaches the stop price (0: never met)."""
    if price_ticks <= 0 or stop_price_ticks <= 0:
        return False
    return price_ticks >= stop_price_ticks if side is _BUY else price_ticks <= stop_price_ticks


def trailing_stop_price(side: Side, watermark_ticks: int, trail_ticks: int, trail_ppm: int) -> int:
    """Return where a trailing stop stands; 0, which is never met, if a sell's would be below."""
    # Rounded up: minus a floor is a ceiling. Of a positive watermark it is at least 1.
    distance = trail_ticks or -(-watermark_ticks * trail_ppm // PPM)
    if side is _BUY:
        return watermark_ticks + distance
    return max(watermark_ticks - distance, 0)


def start_trailing(terms: OrderTerms, side: Side, anchor_ticks: int) -> None:
    """Put watermark and stop price to where a trailing stop begins; the anchor must be known."""
    assert anchor_ticks > 0, "A trailing stop begins only where there is a price."
    terms.watermark_ticks = anchor_ticks
    terms.stop_price_ticks = _stop_price_of(terms, side)


class TriggerBook:
    """The stops of one market. Who changes a stop's price or watermark takes it out before."""

    __slots__ = ("_buys", "_falling", "_orders", "_rising", "_sells")

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._buys = _Levels(sign=-1)  # The lowest stop price is the nearest.
        self._sells = _Levels(sign=1)
        self._rising = _Levels(sign=-1)  # Sells by watermark: the lowest is the first to move.
        self._falling = _Levels(sign=1)

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._orders

    def orders(self) -> Iterator[Order]:
        """Go through all stops that wait, by order id."""
        return iter([self._orders[order_id] for order_id in sorted(self._orders)])

    def check(self) -> None:
        """Check that every stop stands where its prices say; raises AssertionError."""
        places = (
            (self._buys, Side.BUY, False),
            (self._sells, Side.SELL, False),
            (self._falling, Side.BUY, True),
            (self._rising, Side.SELL, True),
        )
        for levels, side, by_watermark in places:
            orders = [
                order
                for order in self._orders.values()
                if order.side is side and (order.type is _TRAILING or not by_watermark)
            ]
            levels.check(orders, by_watermark=by_watermark)
        for order in self._orders.values():
            terms = _terms_of(order)
            assert order.status is OrderStatus.PENDING, f"Stop {order.order_id} waits at work."
            if order.type is _TRAILING:
                trails = terms.stop_price_ticks == _stop_price_of(terms, order.side)
                assert trails, f"Stop {order.order_id} does not trail its watermark."

    def add(self, order: Order) -> None:
        terms = _terms_of(order)
        assert order.order_id not in self._orders, "A stop waits once."
        self._orders[order.order_id] = order
        self._stops_of(order.side).add(terms.stop_price_ticks, order)
        if order.type is _TRAILING:
            self._trails_of(order.side).add(terms.watermark_ticks, order)

    def remove(self, order: Order) -> None:
        """Take out a stop that waits here."""
        terms = _terms_of(order)
        del self._orders[order.order_id]
        self._stops_of(order.side).remove(terms.stop_price_ticks, order)
        if order.type is _TRAILING:
            self._trails_of(order.side).remove(terms.watermark_ticks, order)

    def on_price(self, price_ticks: int, moved: Moved) -> list[Order]:
        """Move what trails, then take out and return what is met, the nearest to trigger first.

        Buys come before sells, equals by rank. `moved` is called for each trailing stop before
        its terms change.
        """
        if not self._orders:
            return []
        self._trail(self._rising, self._sells, price_ticks, moved)
        self._trail(self._falling, self._buys, price_ticks, moved)
        met = self._buys.take(price_ticks)
        met += self._sells.take(price_ticks)
        for order in met:
            del self._orders[order.order_id]
            if order.type is _TRAILING:
                self._trails_of(order.side).remove(_terms_of(order).watermark_ticks, order)
        return met

    def _trail(self, trails: "_Levels", stops: "_Levels", price_ticks: int, moved: Moved) -> None:
        for order in trails.take(price_ticks, beyond=True):
            moved(order)
            terms = _terms_of(order)
            stops.remove(terms.stop_price_ticks, order)
            start_trailing(terms, order.side, price_ticks)
            stops.add(terms.stop_price_ticks, order)
            trails.add(price_ticks, order)

    def _stops_of(self, side: Side) -> "_Levels":
        return self._buys if side is _BUY else self._sells

    def _trails_of(self, side: Side) -> "_Levels":
        return self._falling if side is _BUY else self._rising


class _Levels:
    """Orders by a price of theirs; a price takes out those that it has reached.

    With sign 1 the price reaches those at or above it, with sign -1 those at or below it.
    """

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []  # The nearest last, so that it goes at the cheap end.
        self._levels: dict[int, dict[int, Order]] = {}

    def add(self, price_ticks: int, order: Order) -> None:
        key = price_ticks * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = {}
            insort(self._keys, key)
        level[order.order_id] = order

    def remove(self, price_ticks: int, order: Order) -> None:
        key = price_ticks * self._sign
        level = self._levels[key]
        del level[order.order_id]
        if not level:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def take(self, price_ticks: int, *, beyond: bool = False) -> list[Order]:
        """Take out what is reached, the nearest first; `beyond` leaves what stands at the price."""
        keys, key = self._keys, price_ticks * self._sign + beyond
        taken: list[Order] = []
        while keys and keys[-1] >= key:
            taken += sorted(self._levels.pop(keys.pop()).values(), key=_by_rank)
        return taken

    def check(self, orders: list[Order], *, by_watermark: bool) -> None:
        """Check that just these orders stand here, each at its price."""
        levels: dict[int, set[int]] = {}
        for order in orders:
            terms = _terms_of(order)
            price_ticks = terms.watermark_ticks if by_watermark else terms.stop_price_ticks
            levels.setdefault(price_ticks * self._sign, set()).add(order.order_id)
        stands = {key: set(level) for key, level in self._levels.items()}
        assert stands == levels, "A stop stands at another price than its own."
        assert self._keys == sorted(levels), "The prices of the stops are out of order."


def _stop_price_of(terms: OrderTerms, side: Side) -> int:
    stop_price_ticks = trailing_stop_price(
        side, terms.watermark_ticks, terms.trail_ticks, terms.trail_ppm
    )
    return min(stop_price_ticks, AMOUNT_LIMIT - 1)  # A row takes no more, and no price is above.


def _by_rank(order: Order) -> tuple[int, int]:
    return order.rank, order.order_id


def _terms_of(order: Order) -> OrderTerms:
    assert order.terms is not None, "An order that waits has the terms that it waits for."
    return order.terms
