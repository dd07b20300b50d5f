"""The rules that a command is checked by before anything changes.

The rule of this room: each function answers with the first rule broken, or None, and changes
nothing. What an order does and when it is refused is told in docs/ORDERS.md; the steps named here
are those of that page.
"""

from engine.core.rules.amends import amend_fault, amend_shape_fault, closes, only_lowers
from engine.core.rules.entry import (
    amend_status_fault,
    band_fault,
    may_stay,
    price_band_fault,
    price_fault,
    status_fault,
    would_take,
)
from engine.core.rules.orders import Fees, order_fault
from engine.core.rules.pairs import oco_fault, oco_price_fault, oto_fault
from engine.core.rules.refusals import Refusal, is_client_text, within
from engine.core.rules.venue import (
    ACCOUNT_ID_MAX,
    PENDING_WITHDRAWALS_MAX,
    REFERENCE_LENGTH_MAX,
    TIERS_MAX,
    amount_fault,
    are_rules,
    asset_fault,
    atoms_per_tick_lot,
    market_fault,
    market_rules_fault,
    pending_fault,
    sender_fault,
    target_fault,
    timeout_fault,
    transfer_fault,
    update_fault,
)

__all__ = [
    "ACCOUNT_ID_MAX",
    "PENDING_WITHDRAWALS_MAX",
    "REFERENCE_LENGTH_MAX",
    "TIERS_MAX",
    "Fees",
    "Refusal",
    "amend_fault",
    "amend_shape_fault",
    "amend_status_fault",
    "amount_fault",
    "are_rules",
    "asset_fault",
    "atoms_per_tick_lot",
    "band_fault",
    "closes",
    "is_client_text",
    "market_fault",
    "market_rules_fault",
    "may_stay",
    "oco_fault",
    "oco_price_fault",
    "only_lowers",
    "order_fault",
    "oto_fault",
    "pending_fault",
    "price_band_fault",
    "price_fault",
    "sender_fault",
    "status_fault",
    "target_fault",
    "timeout_fault",
    "transfer_fault",
    "update_fault",
    "within",
    "would_take",
]
