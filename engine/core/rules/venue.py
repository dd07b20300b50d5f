"""The rules for what is not an order: senders, amounts, assets, markets and their rules.

The rule of this file: each function answers with the first rule broken, or None, and changes
nothing. The order of the checks is the order of the lines.
"""

import re

from engine.core.rules.refusals import Refusal, is_client_text, within
from shared.messages import (
    VENUE_ACCOUNT_ID,
    Asset,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    FeeTier,
    MarketRules,
    PayOutFees,
    Reject,
    RequestWithdrawal,
    SetAccountTier,
    SetCancelTimer,
    SuspendAccount,
    Transfer,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT, PPM, SCALE_MAX

ACCOUNT_ID_MAX = 2**63 - 1  # So that it fits a signed 64-bit column anywhere.
REFERENCE_LENGTH_MAX = 128  # A statement's line, or the id of a payment elsewhere.
# Of one account: an operator looks at each of them, and every one is a row that recovery reads.
PENDING_WITHDRAWALS_MAX = 100
TIERS_MAX = 32  # A fee schedule that a person can still read; rules travel with every market.
BAND_PPM_MAX = 10 * PPM  # Eleven times the price is as good as no band.
HALT_WINDOW_NS_MIN = 16  # One for each slice that it is cut into.
PERIOD_NS_MAX = 366 * 24 * 60 * 60 * 1_000_000_000  # Added to a time it still fits 64 bits.
SECOND_NS = 1_000_000_000
CANCEL_TIMEOUT_NS_MIN = SECOND_NS  # Shorter than a hiccup of the network it would only do harm.
CANCEL_TIMEOUT_NS_MAX = 24 * 60 * 60 * SECOND_NS

_RULES = frozenset(MarketRules.__struct_fields__)
_ASSET = re.compile(r"[A-Z][A-Z0-9]{0,15}")

# What a rule's number may be: (field, lowest, highest).
_RANGES = (
    ("price_step_ticks", 1, AMOUNT_LIMIT - 1),
    ("quantity_step_lots", 1, AMOUNT_LIMIT - 1),
    ("quantity_min_lots", 0, AMOUNT_LIMIT - 1),
    ("quantity_max_lots", 0, AMOUNT_LIMIT - 1),
    ("notional_min_atoms", 0, AMOUNT_LIMIT - 1),
    ("buy_band_ppm", 0, BAND_PPM_MAX),
    ("sell_band_ppm", 0, BAND_PPM_MAX),
    ("reference_price_ticks", 0, AMOUNT_LIMIT - 1),
    ("open_orders_max", 0, AMOUNT_LIMIT - 1),
    ("halt_move_ppm", 0, AMOUNT_LIMIT - 1),
    ("halt_window_ns", HALT_WINDOW_NS_MIN, PERIOD_NS_MAX),
    ("halt_ns", 0, PERIOD_NS_MAX),
    ("reopen_ns", 0, PERIOD_NS_MAX),
)


# ---- who sends, and to whom ----


def sender_fault(command: Command) -> Refusal | None:
    """Check what must hold before a command can be remembered: account and idempotency key."""
    if not VENUE_ACCOUNT_ID <= command.account_id <= ACCOUNT_ID_MAX:
        return Refusal(Reject.INVALID_ACCOUNT, "account_id")
    if command.idempotency_key and not is_client_text(command.idempotency_key):
        return Refusal(Reject.INVALID_COMMAND, "idempotency_key")
    return None


def target_fault(command: SetAccountTier | SuspendAccount) -> Refusal | None:
    """Check whom the operator means, and the tier, which may be higher than any market's."""
    if not VENUE_ACCOUNT_ID < command.target_account_id <= ACCOUNT_ID_MAX:
        return Refusal(Reject.INVALID_ACCOUNT, "target_account_id")
    if isinstance(command, SetAccountTier) and not 0 <= command.tier <= TIERS_MAX:
        return Refusal(Reject.INVALID_COMMAND, "tier")
    return None


def timeout_fault(command: SetCancelTimer) -> Refusal | None:
    timeout_ns = command.timeout_ns
    if timeout_ns and not CANCEL_TIMEOUT_NS_MIN <= timeout_ns <= CANCEL_TIMEOUT_NS_MAX:
        return Refusal(Reject.INVALID_TIMEOUT, "timeout_ns")
    return None


# ---- amounts ----


def amount_fault(
    command: Deposit | Withdraw | RequestWithdrawal | Transfer | PayOutFees,
) -> Refusal | None:
    if command.amount_atoms <= 0:
        return Refusal(Reject.INVALID_AMOUNT, "amount_atoms")
    if command.amount_atoms >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "amount_atoms")
    text = command.reference
    if len(text) > REFERENCE_LENGTH_MAX or not text.isprintable():
        return Refusal(Reject.INVALID_COMMAND, "reference")
    return None


def transfer_fault(command: Transfer | PayOutFees) -> Refusal | None:
    """Check an amount, and that it goes to an account, another one than its own."""
    receiver = command.to_account_id
    if not VENUE_ACCOUNT_ID < receiver <= ACCOUNT_ID_MAX or receiver == command.account_id:
        return Refusal(Reject.INVALID_ACCOUNT, "to_account_id")
    return amount_fault(command)


def pending_fault(pending: int) -> Refusal | None:
    """Check whether an account with so many pending withdrawals may ask for another one."""
    if pending >= PENDING_WITHDRAWALS_MAX:
        return Refusal(Reject.TOO_MANY_WITHDRAWALS, "account_id")
    return None


# ---- assets and markets ----


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
    return update_fault(command.rules, command.fee_asset)


def are_rules(names: tuple[str, ...]) -> bool:
    """Say whether each of these is the name of a rule."""
    return _RULES.issuperset(names)


def update_fault(changed: MarketRules, fee_asset: FeeAsset) -> Refusal | None:
    """Check the rules that a command asks for; a field at fault is named `rules.<field>`."""
    return within("rules", market_rules_fault(changed, fee_asset))


def market_rules_fault(rules: MarketRules, fee_asset: FeeAsset) -> Refusal | None:
    """Check rules by themselves, for a market that takes its fees in this asset."""
    field = _fees_at_fault(rules, fee_asset)
    if field:
        return Refusal(Reject.INVALID_MARKET, field)
    for name, lowest, highest in _RANGES:
        if not lowest <= getattr(rules, name) <= highest:
            return Refusal(Reject.INVALID_MARKET, name)
    if rules.quantity_max_lots:
        largest = rules.quantity_max_lots - rules.quantity_max_lots % rules.quantity_step_lots
        if largest < max(rules.quantity_min_lots, 1):
            return Refusal(Reject.INVALID_MARKET, "quantity_max_lots")
    return None


def atoms_per_tick_lot(command: CreateMarket, base: Asset, quote: Asset) -> int | None:
    """Return the quote atoms of one lot at a price of one tick, or None if that is not whole."""
    grid = command.price_tick * command.lot_atoms * 10**quote.scale
    atoms, rest = divmod(grid, 10 ** (command.price_scale + base.scale))
    return None if rest or not 0 < atoms < AMOUNT_LIMIT else atoms


def _fees_at_fault(rules: MarketRules, fee_asset: FeeAsset) -> str:
    if len(rules.tiers) > TIERS_MAX:
        return "tiers"
    lowest_maker_ppm = -PPM if fee_asset is FeeAsset.QUOTE else 0
    if not 0 <= rules.taker_fee_ppm <= PPM:
        return "taker_fee_ppm"
    if not lowest_maker_ppm <= rules.maker_fee_ppm <= PPM:
        return "maker_fee_ppm"
    for tier in rules.tiers:
        if not (0 <= tier.taker_fee_ppm <= PPM and lowest_maker_ppm <= tier.maker_fee_ppm <= PPM):
            return "tiers"
    # Any tier may meet any other, and every trade has to pay for its own rebate.
    all_tiers = (FeeTier(rules.maker_fee_ppm, rules.taker_fee_ppm), *rules.tiers)
    for count, field in ((1, "maker_fee_ppm"), (len(all_tiers), "tiers")):
        known = all_tiers[:count]
        if min(t.maker_fee_ppm for t in known) + min(t.taker_fee_ppm for t in known) < 0:
            return field
    return ""
