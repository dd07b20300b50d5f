"""A command's JSON as people read it: prices, quantities and amounts as decimal text.

The rule of this file: exact, and only of the market that is asked about; what is of another one,
and what is 0 or not said, stays as it is.
"""

from typing import Any

from msgspec import json

from history.projection.rows import MarketRow
from history.reports.source import Source


def with_decimals(details: str, market: MarketRow, source: Source) -> str:
    """Return details in which `price_ticks` is `price`, `quantity_lots` `quantity`, and so on."""
    return json.encode(_read(json.decode(details), market, source)).decode()


def _read(value: Any, market: MarketRow, source: Source) -> Any:
    if not isinstance(value, dict) or value.get("market", market.market) != market.market:
        return value
    return dict(_field(name, each, market, source) for name, each in value.items())


def _field(name: str, value: Any, market: MarketRow, source: Source) -> tuple[str, Any]:
    if isinstance(value, dict):
        return name, _read(value, market, source)
    if not value:
        return name, value
    if name.endswith("_ticks"):
        return name.removesuffix("_ticks"), source.price(market, value)
    if name.endswith("_lots"):
        return name.removesuffix("_lots"), source.quantity(market, value)
    # Amounts of other commands are of assets that the market does not know.
    return ("budget", source.quote(market, value)) if name == "budget_atoms" else (name, value)
