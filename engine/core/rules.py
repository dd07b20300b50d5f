"""The rules that a command is checked by before anything changes.

The rule of this file: each function answers with the first rule broken, or None, and changes
nothing. The order of the checks is the order of the lines.
"""

import re
from typing import NamedTuple

from engine.core import fees
from engine.core.markets import LiveMarket
from shared.messages import (
    VENUE_ACCOUNT_ID,
    Asset,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    OrderType,
    PlaceOrder,
    Reject,
    Side,
    TimeInForce,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT, PPM, SCALE_MAX

ACCOUNT_ID_MAX = 2**63 - 1  # So that it fits a signed 64-bit column anywhere.
REFERENCE_LENGTH_MAX = 128  # A statement's line, or the id of a payment elsewhere.

_ASSET = re.compile(r"[A-Z][A-Z0-9]{0,15}")
_CLIENT_TEXT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Refusal(NamedTuple):
    """A rule broken, and the command's field at fault."""

    code: Reject
    field: str = ""


def is_client_text(text: str) -> bool:
    """Say whether a text may be an idempotency key or a client order id."""
    return _CLIENT_TEXT.fullmatch(text) is not None


def sender_fault(command: Command) -> Refusal | None:
    """Check what must hold before a command can be remembered: account and idempotency key."""
    if not VENUE_ACCOUNT_ID <= command.account_id <= ACCOUNT_ID_MAX:
        return Refusal(Reject.INVALID_ACCOUNT, "account_id")
    if command.idempotency_key and not is_client_text(command.idempotency_key):
        return Refusal(Reject.INVALID_COMMAND, "idempotency_key")
    return None


def asset_fault(command: CreateAsset) -> Refusal | None:
    if not _ASSET.fullmatch(command.asset):
        return Refusal(Reject.INVALID_ASSET, "asset")
    if not 0 <= command.scale <= SCALE_MAX:
        return Refusal(Reject.INVALID_ASSET, "scale")
    return None


def market_fault(command: CreateMarket) -> Refusal | None:
    """Check all but the assets' existence and the grid, which needs their scales."""
    if command.base == command.quote or command.market != f"{command.base}_{command.quote}":
        return Refusal(Reject.INVALID_MARKET, "market")
    if not 0 <= command.price_scale <= SCALE_MAX:
        return Refusal(Reject.INVALID_MARKET, "price_scale")
    if not 0 < command.price_tick < AMOUNT_LIMIT:
        return Refusal(Reject.INVALID_MARKET, "price_tick")
    if not 0 < command.lot_atoms < AMOUNT_LIMIT:
        return Refusal(Reject.INVALID_MARKET, "lot_atoms")
    if not 0 <= command.taker_fee_ppm <= PPM:
        return Refusal(Reject.INVALID_MARKET, "taker_fee_ppm")
    rebate_max = command.taker_fee_ppm if command.fee_asset is FeeAsset.QUOTE else 0
    if not -rebate_max <= command.maker_fee_ppm <= PPM:
        return Refusal(Reject.INVALID_MARKET, "maker_fee_ppm")
    return None


def atoms_per_tick_lot(command: CreateMarket, base: Asset, quote: Asset) -> int | None:
    """Return the quote atoms of one lot at a price of one tick, or None if that is not whole."""
    grid = command.price_tick * command.lot_atoms * 10**quote.scale
    atoms, rest = divmod(grid, 10 ** (command.price_scale + base.scale))
    return None if rest or not 0 < atoms < AMOUNT_LIMIT else atoms


def amount_fault(command: Deposit | Withdraw) -> Refusal | None:
    if command.amount_atoms <= 0:
        return Refusal(Reject.INVALID_AMOUNT, "amount_atoms")
    if command.amount_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "amount_atoms")
    text = command.reference
    if len(text) > REFERENCE_LENGTH_MAX or not text.isprintable():
        return Refusal(Reject.INVALID_COMMAND, "reference")
    return None


def order_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    """Check the shape of an order and its size; funds and names in use are checked later."""
    if command.client_order_id and not is_client_text(command.client_order_id):
        return Refusal(Reject.INVALID_CLIENT_ORDER_ID, "client_order_id")
    if command.type is OrderType.LIMIT:
        return _limit_fault(command, live)
    return _market_order_fault(command, live)


def _limit_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    if command.budget_atoms:
        return Refusal(Reject.INVALID_BUDGET, "budget_atoms")
    if command.price_ticks <= 0:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    if command.quantity_lots <= 0:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    cost_atoms = command.price_ticks * command.quantity_lots * live.rate
    if fees.buy_hold(live, cost_atoms) >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "price_ticks")
    return _quantity_fault(command, live)


def _market_order_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    if command.price_ticks:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    if not command.budget_atoms:
        if command.quantity_lots <= 0:
            return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
        return _quantity_fault(command, live)
    if command.budget_atoms < 0 or command.side is not Side.BUY:
        return Refusal(Reject.INVALID_BUDGET, "budget_atoms")
    if command.quantity_lots:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    if command.budget_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "budget_atoms")
    if command.time_in_force is TimeInForce.FOK:
        return Refusal(Reject.INVALID_TIME_IN_FORCE, "time_in_force")
    return None


def _quantity_fault(command: PlaceOrder, live: LiveMarket) -> Refusal | None:
    if command.quantity_lots * live.lot_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "quantity_lots")
    return None
