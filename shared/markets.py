"""From what people write to what the engine counts, and back, on the grid of a market.

The rule of this file: text in, ticks and lots out, exactly, or an AmountError that names the rule.
"""

from shared.messages import Market
from shared.money import AmountError, format_decimal, parse_decimal


def parse_price(market: Market, text: str) -> int:
    """Return the price in ticks; raises AmountError, INVALID_TICK when it is off the grid."""
    units = parse_decimal(text, market.price_scale)
    ticks, rest = divmod(units, market.price_tick)
    if rest:
        tick = format_decimal(market.price_tick, market.price_scale)
        raise AmountError("INVALID_TICK", f"The price must be a multiple of {tick}.")
    if ticks == 0:
        raise AmountError("INVALID_PRICE", "The price must be above zero.")
    return ticks


def parse_quantity(market: Market, base_scale: int, text: str) -> int:
    """Return the quantity in lots; raises AmountError, INVALID_LOT when it is off the grid."""
    atoms = parse_decimal(text, base_scale)
    lots, rest = divmod(atoms, market.lot_atoms)
    if rest:
        lot = format_decimal(market.lot_atoms, base_scale)
        raise AmountError("INVALID_LOT", f"The quantity must be a multiple of {lot}.")
    if lots == 0:
        raise AmountError("INVALID_QUANTITY", "The quantity must be above zero.")
    return lots


def format_price(market: Market, price_ticks: int) -> str:
    return format_decimal(price_ticks * market.price_tick, market.price_scale)


def format_quantity(market: Market, base_scale: int, quantity_lots: int) -> str:
    return format_decimal(quantity_lots * market.lot_atoms, base_scale)
