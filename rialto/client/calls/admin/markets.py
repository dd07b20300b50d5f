"""An operator's calls about assets and markets. The rule of this file: one for each route."""

from collections.abc import Sequence

from rialto.client.call import Accepted, Call, new_key, part
from shared.rest.market_data import Assets
from shared.rest.operating import (
    AdminMarkets,
    AssetCreatedAnswer,
    CreateAssetBody,
    CreateMarketBody,
    HaltAllBody,
    MarketAnswer,
    MarketOutcomes,
    MarketStatusBody,
    ReopenBody,
    UpdateMarketBody,
)

_ADMIN = "/api/v1/admin"
_MARKETS = f"{_ADMIN}/markets"


def assets() -> Call[Assets]:
    """Return the assets."""
    return Call("GET", f"{_ADMIN}/assets", Assets)


def create_asset(
    asset: str, scale: int, reason: str, *, idempotency_key: str = ""
) -> Call[AssetCreatedAnswer]:
    """Make an asset, whose amounts have at most `scale` decimals, for ever."""
    body = CreateAssetBody(asset=asset, scale=scale, reason=reason)
    key = idempotency_key or new_key()
    return Call("POST", f"{_ADMIN}/assets", AssetCreatedAnswer, body, key=key)


def markets() -> Call[AdminMarkets]:
    """Return the markets with all their rules."""
    return Call("GET", _MARKETS, AdminMarkets)


def create_market(market: CreateMarketBody, *, idempotency_key: str = "") -> Call[MarketAnswer]:
    """Make a market, which is open at once."""
    return Call("POST", _MARKETS, MarketAnswer, market, key=idempotency_key or new_key())


def update_market(
    market: str, rules: UpdateMarketBody, *, idempotency_key: str = ""
) -> Call[MarketAnswer]:
    """Change the rules that are named, for new orders; None switches a limit off."""
    key = idempotency_key or new_key()
    return Call("PATCH", f"{_MARKETS}/{part('market', market)}", MarketAnswer, rules, key=key)


def set_market_status(
    market: str, status: str, reason: str, *, idempotency_key: str = ""
) -> Call[MarketAnswer]:
    """Open, restrict, halt or close a market; closing cancels its orders."""
    body, key = MarketStatusBody(status=status, reason=reason), idempotency_key or new_key()
    path = f"{_MARKETS}/{part('market', market)}/status"
    return Call("PUT", path, MarketAnswer, body, key=key)


def halt_all_markets(reason: str, *, idempotency_key: str = "") -> Call[MarketOutcomes]:
    """Halt every market that moves; the answer names each, also those that will be halted."""
    body, key = HaltAllBody(reason=reason), idempotency_key or new_key()
    path = f"{_MARKETS}/halt-all"
    return Call("POST", path, MarketOutcomes, body, key=key, accepted=Accepted.ANSWER)


def reopen_markets(
    markets: Sequence[str], reason: str, *, status: str = "open", idempotency_key: str = ""
) -> Call[MarketOutcomes]:
    """Give many markets a status again, each as one by one."""
    body = ReopenBody(markets=list(markets), status=status, reason=reason)
    path, key = f"{_MARKETS}/reopen", idempotency_key or new_key()
    return Call("POST", path, MarketOutcomes, body, key=key, accepted=Accepted.ANSWER)
