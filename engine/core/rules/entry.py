"""The rules of the moment at which an order comes: the market's status, its band, its prices.

The rule of this file: what an order and its market alone can tell of docs/ORDERS.md, steps 8 to
12; what needs the account or its other orders is asked where those are known.
"""

from engine.core.markets import LiveMarket
from engine.core.rules.refusals import Refusal
from engine.core.triggers import is_met
from shared.messages import MarketStatus, OrderType, PlaceOrder, Reject, Side, TimeInForce
from shared.money import PPM

_LIMIT, _MARKET, _TRAILING = OrderType.LIMIT, OrderType.MARKET, OrderType.TRAILING_STOP
_BUY = Side.BUY
_OPEN, _POST_ONLY = MarketStatus.OPEN, MarketStatus.POST_ONLY
_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_CLOSED_BY = {
    MarketStatus.CANCEL_ONLY: Reject.MARKET_CANCEL_ONLY,
    MarketStatus.HALTED: Reject.MARKET_HALTED,
    MarketStatus.CLOSED: Reject.MARKET_CLOSED,
}


def would_take(live: LiveMarket, side: Side, price_ticks: int) -> bool:
    """Say whether a limit order would find somebody, whoever that is."""
    best_ticks = live.other_side(side).best_price()
    if best_ticks is None:
        return False
    return price_ticks >= best_ticks if side is Side.BUY else price_ticks <= best_ticks


def may_stay(command: PlaceOrder) -> bool:
    """Say whether an order may rest or wait, and so counts as an open order."""
    if command.type is _LIMIT:
        return command.time_in_force in _RESTING
    return command.type is not _MARKET


def status_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    """Check a new order against the market's status (step 8)."""
    if live.status is _OPEN:
        return None
    if live.status is not _POST_ONLY:
        return Refusal(_CLOSED_BY[live.status], "market")
    if may_stay(command) and not (
        command.type is _LIMIT and would_take(live, command.side, command.price_ticks)
    ):
        return None
    return Refusal(Reject.MARKET_POST_ONLY, "market")


def band_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    """Check the price of a limit or stop-limit order against the band of its side (step 9)."""
    return price_band_fault(live, command.side, command.price_ticks)


def price_band_fault(live: LiveMarket, side: Side, price_ticks: int) -> Refusal | None:
    """Check a price (0: there is none) against the band of its side."""
    band_ppm = live.buy_band_ppm if side is _BUY else live.sell_band_ppm
    anchor_ticks = live.last_price_ticks or live.rules.reference_price_ticks
    if not band_ppm or not price_ticks or not anchor_ticks:
        return None
    # Within the width on either side, the same as `LiveMarket.band`.
    if abs(price_ticks - anchor_ticks) <= anchor_ticks * band_ppm // PPM:
        return None
    return Refusal(Reject.PRICE_OUT_OF_BAND, "price_ticks")


def price_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    """Check what the order asks of the prices as they are (step 12)."""
    if command.type is _TRAILING and not live.anchor_ticks():
        return Refusal(Reject.NO_PRICE_YET, "trail_ticks" if command.trail_ticks else "trail_ppm")
    if command.post_only and would_take(live, command.side, command.price_ticks):
        return Refusal(Reject.POST_ONLY_WOULD_TAKE, "price_ticks")
    if command.reject_if_met and is_met(
        command.side, command.stop_price_ticks, live.last_price_ticks
    ):
        return Refusal(Reject.STOP_ALREADY_MET, "stop_price_ticks")
    return None


def amend_status_fault(
    live: LiveMarket, side: Side, price_ticks: int, *, only_lowers: bool
) -> Refusal | None:
    """Check an amend against the market's status.

    `price_ticks` is where the order comes to the book anew, 0 for one that goes on waiting.
    """
    if live.status is _OPEN:
        return None
    if live.status is not _POST_ONLY:
        return Refusal(_CLOSED_BY[live.status], "market")
    if only_lowers or not price_ticks or not would_take(live, side, price_ticks):
        return None
    return Refusal(Reject.MARKET_POST_ONLY, "market")
