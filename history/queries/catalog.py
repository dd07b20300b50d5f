"""The markets and assets that amounts are written by.

The rule of this file: what is kept here never changes: a market keeps its grid and an asset its
scale for ever. So it is read once, and again only for a name that is not known yet.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.rows import MarketRow
from history.projection.views import Scales, scales_of
from history.sql.tables import assets, markets
from shared.messages import FeeAsset
from shared.money import format_decimal
from shared.rest.history_queries import QueryFault


class MarketTexts:
    """Writes the amounts of one market, in its `scales`."""

    def __init__(self, market: MarketRow, scales: Scales) -> None:
        self.scales = scales
        self.price, self.quantity, self.quote = scales.price, scales.quantity, scales.quote
        self._market = market

    def fee_asset(self, side: str) -> str:
        """Return the asset in which that side of a trade pays its fee."""
        market = self._market
        in_quote = market.fee_asset == FeeAsset.QUOTE or side == "sell"
        return market.quote if in_quote else market.base


class Catalog:
    """The markets and assets that are known; as many as the exchange has, and no more."""

    def __init__(self) -> None:
        self._markets: dict[str, MarketTexts] = {}
        self._scales: dict[str, int] = {}

    async def know(self, connection: AsyncConnection, *, market: str = "", asset: str = "") -> None:
        """Make sure of a market and an asset, if one is named.

        Raises QueryFault UNKNOWN_MARKET, UNKNOWN_ASSET.
        """
        await self.cover(connection, (market,) if market else (), (asset,) if asset else ())
        if market and market not in self._markets:
            raise QueryFault("UNKNOWN_MARKET", "There is no such market.", "market")
        if asset and asset not in self._scales:
            raise QueryFault("UNKNOWN_ASSET", "There is no such asset.", "asset")

    async def cover(
        self, connection: AsyncConnection, names: Iterable[str], scales: Iterable[str] = ()
    ) -> None:
        """Read everything again if one of these markets or assets is not known."""
        if set(names) - self._markets.keys() or set(scales) - self._scales.keys():
            await self._read(connection)

    def texts(self, market: str) -> MarketTexts:
        return self._markets[market]

    def amount(self, asset: str, atoms: int) -> str:
        return format_decimal(atoms, self._scales[asset])

    async def _read(self, connection: AsyncConnection) -> None:
        for asset in await connection.execute(sa.select(assets.c.asset, assets.c.scale)):
            self._scales[asset.asset] = asset.scale
        for row in await connection.execute(sa.select(markets)):
            market = MarketRow(*row)
            scales = scales_of(market, self._scales[market.base], self._scales[market.quote])
            self._markets[market.market] = MarketTexts(market, scales)
