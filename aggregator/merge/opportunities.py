"""Where one venue's bid is above another's ask, and what is left of it after both fees.

The rule of this file: only what could be traded counts. Levels are taken from both books, best
first, while selling one unit brings more than buying it costs, fees included. The profit is exact
until its last digit, which is rounded down.
"""

from collections.abc import Mapping
from itertools import permutations

from aggregator.books.side import Side
from aggregator.merge.fees import FeeOf, factor
from aggregator.merge.names import PPM
from aggregator.protocol import UNIT, to_text
from shared.messages.outside import Opportunity

OPPORTUNITIES_MAX = 10  # Of some 250 bytes each, in a message that is sent at every change.
# Of both books, for one opportunity: one that goes deeper has this much, and more. It is reckoned
# anew at every change while books are crossed, and a step takes half a microsecond.
STEPS_MAX = 200


def find_opportunities(
    bids: Mapping[str, Side], asks: Mapping[str, Side], fee_of: FeeOf
) -> tuple[Opportunity, ...]:
    """Return what is left between any two books, the largest profit first."""
    found: list[tuple[int, Opportunity]] = []
    for buy_book, sell_book in permutations(asks, 2):
        ask_side, bid_side = asks[buy_book], bids[sell_book]
        if not ask_side.keys or not bid_side.keys:
            continue
        cost, gain = factor(-1, fee_of(buy_book)), factor(1, fee_of(sell_book))
        if bid_side.keys[-1] * gain + ask_side.keys[-1] * cost <= 0:
            continue  # All but a few pairs end here.
        quantity, profit = _walk(bid_side, ask_side, cost=cost, gain=gain)
        if profit:
            opportunity = Opportunity(
                buy_book=buy_book,
                sell_book=sell_book,
                ask=to_text(-ask_side.keys[-1]),
                bid=to_text(bid_side.keys[-1]),
                quantity=to_text(quantity),
                profit=to_text(profit),
            )
            found.append((profit, opportunity))
    found.sort(key=lambda one: (-one[0], one[1].buy_book, one[1].sell_book))
    return tuple(opportunity for _, opportunity in found[:OPPORTUNITIES_MAX])


def _walk(bid_side: Side, ask_side: Side, *, cost: int, gain: int) -> tuple[int, int]:
    """Return quantity and profit in units: what two lists, best first, have for each other."""
    bid_keys, ask_keys = iter(reversed(bid_side.keys)), iter(reversed(ask_side.keys))
    bid, ask = next(bid_keys), next(ask_keys)
    bid_left, ask_left = bid_side.quantities[bid], ask_side.quantities[ask]
    quantity = profit = 0  # The profit in units of units and parts per million, to stay exact.
    for _ in range(STEPS_MAX):
        margin = bid * gain + ask * cost
        if margin <= 0:
            break
        taken = min(bid_left, ask_left)
        quantity += taken
        profit += taken * margin
        bid_left -= taken
        ask_left -= taken
        if not bid_left:
            bid = next(bid_keys, 0)
            bid_left = bid_side.quantities.get(bid, 0)
        if not ask_left:
            ask = next(ask_keys, 0)
            ask_left = ask_side.quantities.get(ask, 0)
        if not bid_left or not ask_left:
            break
    return quantity, profit // (PPM * UNIT)
