"""Finding orders and stored answers in the ledger's rows.

The rule of this file: everything is looked up under the account that asks, so another's order is
never even compared; the rows of one answer are of one instant.
"""

import contextlib

from fastapi import Response

from api.answers import answer
from api.catalog import Catalog
from api.errors import ApiError
from api.order_requests import named_order
from api.order_views import order_fields
from api.outcomes import final_answer, order_body, status_url
from api.params import checked_idempotency_key
from api.store import Store
from shared.channels import result_field
from shared.messages import Order
from shared.outcomes import Answered
from shared.wire import CommandResult, decode


class OrderLookup:
    """Reads orders of one account at a time."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    async def open(
        self, account_id: int, market: str, min_sequence: int
    ) -> tuple[int, list[dict[str, object]]]:
        """Return the sequence and the open orders, oldest first; "" is every market."""
        sequence, orders = await self._open(account_id, min_sequence)
        wanted = [order for order in orders if market in ("", order.market)]
        return sequence, [await self._fields(order) for order in wanted]

    async def view(self, account_id: int, order_id: int, min_sequence: int) -> dict[str, object]:
        """Return the order as a client sees it; raises ApiError UNKNOWN_ORDER."""
        return await self._fields(await self._by_id(account_id, order_id, min_sequence))

    async def named(
        self, account_id: int, order_id: int | str | None, client_order_id: str | None
    ) -> Order:
        """Return the order of that id, or the open one of that name; raises ApiError."""
        wanted_id, wanted_name = named_order(order_id, client_order_id)
        if wanted_id:
            return await self._by_id(account_id, wanted_id, 0)
        _, orders = await self._open(account_id, 0)
        for order in orders:
            if order.client_order_id == wanted_name:
                return order
        raise ApiError("UNKNOWN_ORDER", field="client_order_id")

    async def to_amend(
        self, account_id: int, order_id: int | str | None, client_order_id: str | None, key: str
    ) -> Order:
        """Return the named order; for a repeated `key` the one that it named the first time."""
        wanted_id, wanted_name = named_order(order_id, client_order_id)
        _, (row,) = await self._store.read(
            ("HGET", self._store.keys.results, result_field(account_id, key))
        )
        order = await self._amended(account_id, decode(row, CommandResult)) if row else None
        if order is not None and (
            order.order_id == wanted_id or order.client_order_id == wanted_name != ""
        ):
            return order
        return await self.named(account_id, order_id, client_order_id)

    async def _amended(self, account_id: int, result: CommandResult) -> Order | None:
        if result.order is not None or not result.named_order_id:
            return result.order
        with contextlib.suppress(ApiError):  # Closed so long ago that it is forgotten.
            return await self._by_id(account_id, result.named_order_id, 0)
        return None

    async def status(self, account_id: int, key: str, n: int) -> Response:
        """Return the answer stored under `key`; if `n` is not carried out yet, 202."""
        checked_idempotency_key(key, "idempotency_key")
        keys = self._store.keys
        _, (position, row) = await self._store.read(
            ("HGET", keys.meta, "position"), ("HGET", keys.results, result_field(account_id, key))
        )
        if row is None and n > int(position or 0):
            body = {"code": "ACCEPTED", "n": n, "idempotency_key": key}
            return answer({**body, "status_url": status_url(key, n)}, 202)
        if row is None:
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        result = decode(row, CommandResult)
        final_answer(Answered(result.n, result, replayed=True), key)
        if result.order is None:
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        await self._catalog.market(result.order.market)
        return answer(order_body(result, key, self._catalog, replayed=True))

    async def _open(self, account_id: int, min_sequence: int) -> tuple[int, list[Order]]:
        sequence, (rows,) = await self._store.read(
            ("HGETALL", self._store.keys.open_orders(account_id)), min_sequence=min_sequence
        )
        orders = [decode(row, Order) for row in rows.values()]
        return sequence, sorted(orders, key=lambda order: order.order_id)

    async def _by_id(self, account_id: int, order_id: int, min_sequence: int) -> Order:
        keys = self._store.keys
        _, rows = await self._store.read(
            ("HGET", keys.open_orders(account_id), order_id),
            ("HGET", keys.closed, order_id),
            min_sequence=min_sequence,
        )
        for row in rows:
            order = decode(row, Order) if row is not None else None
            if order is not None and order.account_id == account_id:
                return order
        raise ApiError("UNKNOWN_ORDER", field="order_id")

    async def _fields(self, order: Order) -> dict[str, object]:
        await self._catalog.market(order.market)
        return order_fields(order, self._catalog)
