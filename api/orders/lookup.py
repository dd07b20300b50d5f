"""Finding orders and stored answers in the ledger's rows.

The rule of this file: everything is looked up under the account that asks, so another's order is
never even compared; the rows of one answer are of one instant.
"""

import re

from fastapi import Response

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.edge.params import checked_idempotency_key
from api.orders.outcomes import accepted, cancelled_body, final_answer, order_body
from api.orders.views import order_fields
from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.channels import result_field
from shared.messages import NO_ORDER_ID, Order
from shared.outcomes import Answered, Mismatch
from shared.wire import CommandResult, decode

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class OrderLookup:
    """Reads orders of one account at a time."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    async def open(
        self, account_id: int, market: str, min_sequence: int
    ) -> tuple[int, list[dict[str, object]]]:
        """Return the sequence and the living orders, oldest first; "" is every market."""
        sequence, orders = await self._open(account_id, min_sequence)
        wanted = [order for order in orders if market in ("", order.market)]
        return sequence, [await self._fields(order) for order in wanted]

    async def view(self, account_id: int, order_id: int, min_sequence: int) -> dict[str, object]:
        """Return the order as a client sees it; raises ApiError UNKNOWN_ORDER."""
        return await self._fields(await self._by_id(account_id, order_id, min_sequence))

    async def named(self, account_id: int, wanted_id: int, wanted_name: str) -> Order:
        """Return the order of that id, or (id 0) the open one of that name; raises ApiError."""
        if wanted_id:
            return await self._by_id(account_id, wanted_id, 0)
        _, orders = await self._open(account_id, 0)
        for order in orders:
            if order.client_order_id == wanted_name:
                return order
        raise ApiError("UNKNOWN_ORDER", field="client_order_id")

    async def to_amend(
        self, account_id: int, wanted_id: int, wanted_name: str, key: str
    ) -> Order | None:
        """Return the named order, None if there is none; for a repeated `key` what it was then.

        Raises the stored refusal when the order that it was about is forgotten; other ApiErrors.
        """
        _, (row,) = await self._store.read(
            ("HGET", self._store.keys.results, result_field(account_id, key))
        )
        if row is None:
            return await self._found(account_id, wanted_id, wanted_name)
        result = decode(row, CommandResult)
        if result.named_order_id == NO_ORDER_ID:
            return None
        order = result.order
        if order is None and result.named_order_id:
            order = await self._found(account_id, result.named_order_id, "")
            if order is None and wanted_id in (0, result.named_order_id):
                final_answer(Answered(result.n, result, replayed=True), key)
        if order is not None and (
            order.order_id == wanted_id or order.client_order_id == wanted_name != ""
        ):
            return order
        return await self._found(account_id, wanted_id, wanted_name)

    async def _found(self, account_id: int, wanted_id: int, wanted_name: str) -> Order | None:
        try:
            return await self.named(account_id, wanted_id, wanted_name)
        except ApiError as error:
            if error.code != "UNKNOWN_ORDER":
                raise
            return None

    async def status(self, account_id: int, key: str, n: int, fingerprint: str = "") -> Response:
        """Return the answer to the command of that key, number and fingerprint (hex), as far as
        they are known; if it is not carried out yet, 202.
        """
        checked_idempotency_key(key, "idempotency_key")
        if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
            raise ApiError("INVALID_PARAMETER", field="fp")
        keys = self._store.keys
        _, (position, row) = await self._store.read(
            ("HGET", keys.meta, "position"), ("HGET", keys.results, result_field(account_id, key))
        )
        result = decode(row, CommandResult) if row else None
        if n > int(position or 0) and (result is None or result.n != n):
            return accepted(key, n, bytes.fromhex(fingerprint))
        if result is None:
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        if fingerprint and result.n != n and result.fingerprint.hex() != fingerprint:
            final_answer(Mismatch(result.n), key)
        final_answer(Answered(result.n, result, replayed=True), key)
        if result.count is not None:
            return answer(cancelled_body(result, key, replayed=True))
        if result.order is None:
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        return answer(await order_body(result, key, self._catalog, replayed=True))

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
        await self._catalog.of_order(order)
        return order_fields(order, self._catalog)
