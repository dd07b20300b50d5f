"""The rules for two orders that are placed as one command.

The rule of this file: what makes them a pair is checked first, then each of them as the order that
it is, with its part's name before the field at fault.
"""

from engine.core.markets import LiveMarket
from engine.core.rules.entry import would_take
from engine.core.rules.orders import Fees, order_fault
from engine.core.rules.refusals import Refusal, within
from engine.core.triggers import is_met
from shared.messages import OrderType, PlaceOco, PlaceOto, Reject, TimeInForce

_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_OCO_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


def oco_fault(command: PlaceOco, live: LiveMarket, at_ns: int, fees: Fees) -> Refusal | None:
    """Check a pair for the market of its limit leg: steps 1 to 6 of both orders."""
    field = _oco_field_at_fault(command)
    if field:
        return Refusal(Reject.INVALID_ORDER_PAIR, field)
    return within("limit", order_fault(command.limit, live, at_ns, fees)) or within(
        "stop", order_fault(command.stop, live, at_ns, fees)
    )


def oto_fault(command: PlaceOto, live: LiveMarket, at_ns: int, fees: Fees) -> Refusal | None:
    """Check a parent and its child for the market of the parent: steps 1 to 6 of both orders."""
    if command.parent.type is not OrderType.LIMIT:
        return Refusal(Reject.INVALID_ORDER_PAIR, "parent.type")
    if command.child.market != command.parent.market:
        return Refusal(Reject.INVALID_ORDER_PAIR, "child.market")
    return within("parent", order_fault(command.parent, live, at_ns, fees)) or within(
        "child", order_fault(command.child, live, at_ns, fees)
    )


def oco_price_fault(command: PlaceOco, live: LiveMarket) -> Refusal | None:
    """Check that both legs will wait, as the book and the last price are (step 12)."""
    limit, stop = command.limit, command.stop
    if would_take(live, limit.side, limit.price_ticks):
        return Refusal(Reject.POST_ONLY_WOULD_TAKE, "limit.price_ticks")
    if is_met(stop.side, stop.stop_price_ticks, live.last_price_ticks):
        return Refusal(Reject.STOP_ALREADY_MET, "stop.stop_price_ticks")
    return None


def _oco_field_at_fault(command: PlaceOco) -> str:
    limit, stop = command.limit, command.stop
    if limit.type is not OrderType.LIMIT:
        return "limit.type"
    if limit.time_in_force not in _RESTING:
        return "limit.time_in_force"
    if stop.type not in _OCO_STOPS:
        return "stop.type"
    if stop.market != limit.market:
        return "stop.market"
    if stop.side is not limit.side:
        return "stop.side"
    return "" if stop.quantity_lots == limit.quantity_lots else "stop.quantity_lots"
