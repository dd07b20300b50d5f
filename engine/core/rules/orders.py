"""The rules that an order is checked by on its own: its fields, the market's grid, its size.

The rule of this file: each function answers with the first rule broken, or None, and changes
nothing; it never raises, whatever integer stands in a field. The order of the checks is that of
docs/ORDERS.md, steps 1 to 6. Nearly every order is a limit order, so that way is the straight one.
"""

from engine.core.markets import LiveMarket
from engine.core.rules.refusals import Refusal, is_client_text
from engine.core.triggers import trailing_stop_price
from shared.messages import OrderType, PlaceOrder, Reject, Side, TimeInForce
from shared.money import AMOUNT_LIMIT, PPM, fee_atoms

Fees = tuple[int, int]  # (maker, taker) in ppm, of the account's tier.

_SURELY_FITS = AMOUNT_LIMIT // 2 - 1  # With the highest fee on top it is below the limit.

_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_STOP, _STOP_LIMIT, _TRAILING = OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
_GTC, _GTD, _FOK = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.FOK


def order_fault(command: PlaceOrder, live: LiveMarket, at_ns: int, fees: Fees) -> Refusal | None:
    """Check all that needs neither account nor book; `fees` are those that the order would have."""
    if command.type is _LIMIT:
        return _limit_fault(command, live, at_ns, fees)
    return (
        _other_shape(command, at_ns)
        or _client_id_fault(command)
        or _grid_fault(command, live)
        or _other_size_fault(command, live, fees)
    )


def _limit_fault(command: PlaceOrder, live: LiveMarket, at_ns: int, fees: Fees) -> Refusal | None:
    """Check a limit order; a plain one on the grid goes straight through."""
    price_ticks, quantity_lots = command.price_ticks, command.quantity_lots
    if price_ticks <= 0:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    if command.stop_price_ticks:
        return Refusal(Reject.INVALID_STOP_PRICE, "stop_price_ticks")
    if command.trail_ticks or command.trail_ppm:
        return _trail_shape(command)
    if quantity_lots <= 0:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    if command.budget_atoms:
        return Refusal(Reject.INVALID_BUDGET, "budget_atoms")
    if command.time_in_force is not _GTC or _is_special(command):
        fault = _special_shape(command, at_ns)
        if fault is not None:
            return fault
    if command.client_order_id and not is_client_text(command.client_order_id):
        return Refusal(Reject.INVALID_CLIENT_ORDER_ID, "client_order_id")
    if not (
        price_ticks % live.price_step_ticks == 0
        and quantity_lots % live.quantity_step_lots == 0
        and live.quantity_min_lots <= quantity_lots <= (live.quantity_max_lots or quantity_lots)
        and not command.display_lots
    ):
        fault = _grid_fault(command, live)
        if fault is not None:
            return fault
    return size_fault(live, price_ticks, quantity_lots, fees)


def _client_id_fault(command: PlaceOrder) -> Refusal | None:
    if command.client_order_id and not is_client_text(command.client_order_id):
        return Refusal(Reject.INVALID_CLIENT_ORDER_ID, "client_order_id")
    return None


# ---- 1: the shape ----


def _is_special(command: PlaceOrder) -> bool:
    return bool(
        command.display_lots or command.expires_at_ns or command.post_only or command.reject_if_met
    )


def _special_shape(command: PlaceOrder, at_ns: int) -> Refusal | None:
    """Check what a plain limit order has none of."""
    if command.reject_if_met:
        return Refusal(Reject.INVALID_STOP_PRICE, "reject_if_met")
    time_in_force = command.time_in_force
    may_rest = time_in_force is _GTC or time_in_force is _GTD
    display_lots = command.display_lots
    if display_lots and not (may_rest and 0 < display_lots < command.quantity_lots):
        return Refusal(Reject.INVALID_DISPLAY_QUANTITY, "display_lots")
    if command.expires_at_ns or time_in_force is _GTD:
        fault = _expiry_shape(command, at_ns)
        if fault is not None:
            return fault
    if command.post_only and not may_rest:
        return Refusal(Reject.INVALID_POST_ONLY, "post_only")
    return None


def _other_shape(command: PlaceOrder, at_ns: int) -> Refusal | None:
    return (
        _price_shape(command)
        or _trail_shape(command)
        or _size_shape(command)
        or _time_shape(command, at_ns)
    )


def _price_shape(command: PlaceOrder) -> Refusal | None:
    price_ticks, stop_price_ticks = command.price_ticks, command.stop_price_ticks
    if price_ticks <= 0 if command.type is _STOP_LIMIT else price_ticks:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    has_stop_price = command.type is _STOP or command.type is _STOP_LIMIT
    if stop_price_ticks <= 0 if has_stop_price else stop_price_ticks:
        return Refusal(Reject.INVALID_STOP_PRICE, "stop_price_ticks")
    if command.reject_if_met and not has_stop_price:
        return Refusal(Reject.INVALID_STOP_PRICE, "reject_if_met")
    return None


def _trail_shape(command: PlaceOrder) -> Refusal | None:
    ticks, ppm = command.trail_ticks, command.trail_ppm
    trails = command.type is _TRAILING
    if ticks < 0 or (ticks and not trails) or (trails and not ticks and not ppm):
        return Refusal(Reject.INVALID_TRAIL, "trail_ticks")
    if not 0 <= ppm <= PPM or (ppm and not trails) or (ppm and ticks):
        return Refusal(Reject.INVALID_TRAIL, "trail_ppm")
    return None


def _size_shape(command: PlaceOrder) -> Refusal | None:
    budget_atoms, quantity_lots = command.budget_atoms, command.quantity_lots
    may_have_budget = command.type is _MARKET or (
        command.side is Side.BUY and command.type is not _STOP_LIMIT
    )
    if not may_have_budget or not budget_atoms:
        if quantity_lots <= 0:
            return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    elif quantity_lots:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    if budget_atoms < 0 or (budget_atoms and not may_have_budget):
        return Refusal(Reject.INVALID_BUDGET, "budget_atoms")
    if command.display_lots:
        return Refusal(Reject.INVALID_DISPLAY_QUANTITY, "display_lots")
    return None


def _time_shape(command: PlaceOrder, at_ns: int) -> Refusal | None:
    time_in_force = command.time_in_force
    if (time_in_force is _GTD and command.type is _MARKET) or (
        time_in_force is _FOK and command.budget_atoms
    ):
        return Refusal(Reject.INVALID_TIME_IN_FORCE, "time_in_force")
    fault = _expiry_shape(command, at_ns)
    if fault is None and command.post_only:
        return Refusal(Reject.INVALID_POST_ONLY, "post_only")
    return fault


def _expiry_shape(command: PlaceOrder, at_ns: int) -> Refusal | None:
    expires_at_ns = command.expires_at_ns
    # A time fits a signed 64-bit column, as every amount does.
    is_good = (
        at_ns < expires_at_ns < AMOUNT_LIMIT
        if command.time_in_force is _GTD
        else (expires_at_ns == 0)
    )
    return None if is_good else Refusal(Reject.INVALID_EXPIRY, "expires_at_ns")


# ---- 2 to 4: the market's grid ----


def _grid_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    if command.price_ticks % live.price_step_ticks:
        return Refusal(Reject.INVALID_TICK, "price_ticks")
    if command.stop_price_ticks % live.price_step_ticks:
        return Refusal(Reject.INVALID_TICK, "stop_price_ticks")
    quantity_lots = command.quantity_lots
    if quantity_lots % live.quantity_step_lots:
        return Refusal(Reject.INVALID_LOT, "quantity_lots")
    if command.display_lots % live.quantity_step_lots:
        return Refusal(Reject.INVALID_LOT, "display_lots")
    if not quantity_lots:
        return None  # It is by budget.
    if quantity_lots < live.quantity_min_lots:
        return Refusal(Reject.QUANTITY_TOO_SMALL, "quantity_lots")
    if 0 < live.quantity_max_lots < quantity_lots:
        return Refusal(Reject.QUANTITY_TOO_LARGE, "quantity_lots")
    return None


# ---- 5 and 6: the size ----


def size_fault(
    live: LiveMarket,
    price_ticks: int,
    quantity_lots: int,
    fees: Fees,
    field: str = "price_ticks",
) -> Refusal | None:
    """Check what so many lots are worth at a price, which `field` named, with a fee on top."""
    cost_atoms = price_ticks * quantity_lots * live.rate
    if cost_atoms < live.notional_min_atoms:
        return Refusal(Reject.NOTIONAL_TOO_SMALL, "quantity_lots")
    if cost_atoms < _SURELY_FITS and quantity_lots * live.lot_atoms < AMOUNT_LIMIT:
        return None
    return _amounts_fault(live, cost_atoms, quantity_lots, fees, field)


def unpriced_size_fault(
    live: LiveMarket, stop_price_ticks: int, quantity_lots: int, fees: Fees
) -> Refusal | None:
    """Check an order that named no price: its worth is that at the anchor, if there is one.

    A trailing stop costs what it costs at its stop price; that of a market order is 0.
    """
    anchor_ticks = live.anchor_ticks()
    if anchor_ticks and anchor_ticks * quantity_lots * live.rate < live.notional_min_atoms:
        return Refusal(Reject.NOTIONAL_TOO_SMALL, "quantity_lots")
    cost_atoms = stop_price_ticks * quantity_lots * live.rate
    return _amounts_fault(live, cost_atoms, quantity_lots, fees, "quantity_lots")


def _amounts_fault(
    live: LiveMarket, cost_atoms: int, quantity_lots: int, fees: Fees, field: str
) -> Refusal | None:
    if live.fees_in_quote:
        cost_atoms += fee_atoms(cost_atoms, max(fees[0], fees[1], 0))
    if cost_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, field)
    if quantity_lots * live.lot_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "quantity_lots")
    return None


def _other_size_fault(command: PlaceOrder, live: LiveMarket, fees: Fees) -> Refusal | None:
    quantity_lots = command.quantity_lots
    if not quantity_lots:
        if command.budget_atoms < live.notional_min_atoms:
            return Refusal(Reject.NOTIONAL_TOO_SMALL, "budget_atoms")
        if command.budget_atoms >= AMOUNT_LIMIT:
            return Refusal(Reject.AMOUNT_LIMIT, "budget_atoms")
        return _row_fault(command, live)
    price_ticks, stop_price_ticks = command.price_ticks, command.stop_price_ticks
    if price_ticks:
        fault = size_fault(live, price_ticks, quantity_lots, fees)
    elif stop_price_ticks:
        fault = size_fault(live, stop_price_ticks, quantity_lots, fees, "stop_price_ticks")
    else:
        fault = unpriced_size_fault(live, _trail_start(command, live), quantity_lots, fees)
    return fault or _row_fault(command, live)


def _row_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    # What no amount follows from is still kept in a row.
    if command.stop_price_ticks >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "stop_price_ticks")
    if command.trail_ticks >= AMOUNT_LIMIT or _trail_start(command, live) >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "trail_ticks" if command.trail_ticks else "trail_ppm")
    return None


def _trail_start(command: PlaceOrder, live: LiveMarket) -> int:
    if command.type is not _TRAILING:
        return 0
    ticks, ppm = command.trail_ticks, command.trail_ppm
    return trailing_stop_price(command.side, live.anchor_ticks(), ticks, ppm)
