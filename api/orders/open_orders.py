"""The open and pending orders of an account, page by page.

The rule of this file: an order is shown as its row says at the moment of the read. What a row looks
like to a client is made once and kept by the row's own bytes, so it cannot be old.
"""

from typing import NamedTuple

import msgspec

from api.edge.answers import encoded
from api.orders.views import order_fields
from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.messages import Order
from shared.wire import decode

PAGE_DEFAULT = 1_000  # As many as a market lets an account have, if it limits them as usual.
PAGE_MAX = 5_000  # About 3 MB of text.
PICTURES_MAX = 10_000  # Kept ones: about 10 MB.


class Picture(NamedTuple):
    """What a client is shown of an order's row, and what to find it by."""

    market: str
    view: bytes  # An OrderView, encoded.


class Pictures:
    """A bounded memory of pictures by their rows; what was not asked for lately is forgotten.

    There are two generations: when the young one is full it becomes the old one, and the old one is
    dropped. So nothing is sorted by its use.
    """

    def __init__(self, most: int = PICTURES_MAX) -> None:
        self._most = most // 2
        self._young: dict[bytes, Picture] = {}
        self._old: dict[bytes, Picture] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, row: bytes) -> Picture | None:
        picture = self._young.get(row)
        if picture is None:
            picture = self._old.get(row)
            if picture is not None:
                self.keep(row, picture)
        return picture

    def keep(self, row: bytes, picture: Picture) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[row] = picture


class OpenOrdersPage(msgspec.Struct, frozen=True):
    """OpenOrders with orders that are encoded already."""

    orders: msgspec.Raw
    sequence: int
    next: int | None


class OpenOrderPages:
    """Reads the pages."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._pictures = Pictures()

    async def page(
        self, account_id: int, market: str, *, after: int, limit: int, min_sequence: int
    ) -> bytes:
        """Return OpenOrders, encoded: those above the order id `after`; "" is every market.

        Raises ApiError.
        """
        sequence, (rows,) = await self._store.read(
            ("HGETALL", self._store.keys.open_orders(account_id)), min_sequence=min_sequence
        )
        views: list[bytes] = []
        last = 0
        for order_id, row in sorted([(int(name), row) for name, row in rows.items()]):
            if order_id <= after:
                continue
            picture = self._pictures.get(row) or await self._picture(row)
            if market not in ("", picture.market):
                continue
            if len(views) == limit:  # There is one more.
                return _encoded_page(views, sequence, last)
            views.append(picture.view)
            last = order_id
        return _encoded_page(views, sequence, None)

    async def _picture(self, row: bytes) -> Picture:
        order = decode(row, Order)
        await self._catalog.of_order(order)
        picture = Picture(order.market, msgspec.json.encode(order_fields(order, self._catalog)))
        self._pictures.keep(row, picture)
        return picture


def _encoded_page(views: list[bytes], sequence: int, next_after: int | None) -> bytes:
    orders = msgspec.Raw(b"[" + b",".join(views) + b"]")
    return encoded(OpenOrdersPage(orders, sequence, next_after))
