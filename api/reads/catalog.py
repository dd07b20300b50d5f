"""The assets and markets of the venue, kept in the process.

The rule of this file: the grid of a market never changes once it exists, so what is known is used
at once; only what is not known is looked up, and not more often than the engine could have made it.
The rules of a market may change; whoever shows them asks for the lists anew.
"""

import time

from api.edge.errors import ApiError
from api.reads.store import Store
from shared.messages import Asset, Market, MarketState, Order
from shared.wire import decode

REFRESH_AFTER_S = 1.0  # The age at which a list of all markets is read again.
MISS_REFRESH_AFTER_S = 0.1  # Guesses at market names cost ten reads per second at most.


class Catalog:
    """Assets and markets by name; reads them when needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at_s = float("-inf")
        self._sequence = 0
        self.assets: dict[str, Asset] = {}
        self.markets: dict[str, Market] = {}

    async def refresh(self, after_s: float = REFRESH_AFTER_S) -> None:
        """Read the lists again if they are older than `after_s`; raises ApiError."""
        if time.monotonic() - self._read_at_s < after_s:
            return
        keys, asked_at_s = self._store.keys, time.monotonic()
        sequence, (assets, markets) = await self._store.read(
            ("HGETALL", keys.assets), ("HGETALL", keys.markets)
        )
        self._take(assets, markets, sequence=sequence, asked_at_s=asked_at_s)

    async def read_now(self, min_sequence: int) -> dict[str, MarketState]:
        """Read the lists as they are now, and return the states of the markets of that instant;
        raises ApiError.
        """
        keys, asked_at_s = self._store.keys, time.monotonic()
        sequence, (assets, markets, states) = await self._store.read(
            ("HGETALL", keys.assets),
            ("HGETALL", keys.markets),
            ("HGETALL", keys.market_states),
            min_sequence=min_sequence,
        )
        self._take(assets, markets, sequence=sequence, asked_at_s=asked_at_s)
        return {name.decode(): decode(row, MarketState) for name, row in states.items()}

    def _take(
        self,
        assets: dict[bytes, bytes],
        markets: dict[bytes, bytes],
        *,
        sequence: int,
        asked_at_s: float,
    ) -> None:
        if sequence < self._sequence and asked_at_s < self._read_at_s:
            return  # Two reads were under way, and the older one came back last.
        self._sequence = sequence
        self.assets = {name.decode(): decode(row, Asset) for name, row in sorted(assets.items())}
        self.markets = {name.decode(): decode(row, Market) for name, row in sorted(markets.items())}
        self._read_at_s = time.monotonic()

    async def of_order(self, order: Order) -> Market:
        """Return the market of an order that exists, so it is in the lists, if in newer ones than
        ours; raises ApiError.
        """
        if order.market not in self.markets:
            await self.refresh(0)
        return await self.market(order.market)

    async def market(self, name: str, field: str = "market") -> Market:
        """Return the market; raises ApiError UNKNOWN_MARKET."""
        if name not in self.markets:
            await self.refresh(MISS_REFRESH_AFTER_S)
        try:
            return self.markets[name]
        except KeyError:
            raise ApiError("UNKNOWN_MARKET", field=field) from None

    async def asset(self, name: str) -> Asset:
        """Return the asset; raises ApiError UNKNOWN_ASSET."""
        if name not in self.assets:
            await self.refresh(MISS_REFRESH_AFTER_S)
        try:
            return self.assets[name]
        except KeyError:
            raise ApiError("UNKNOWN_ASSET", field="asset") from None

    def scale(self, asset: str) -> int:
        """Return the scale of an asset that a known market speaks of."""
        return self.assets[asset].scale
