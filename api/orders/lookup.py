"""Finding orders and stored answers in the ledger's rows.

The rule of this file: everything is looked up under the account that asks, so another's order is
never even compared; the rows of one answer are of one instant.
"""

from collections.abc import Sequence
from itertools import chain

from msgspec import Struct

from api.edge.errors import ApiError
from api.orders.outcomes import Form, Teller, Told
from api.orders.views import Fields, order_fields
from api.reads.catalog import Catalog
from api.reads.store import Store
from api.reads.stored import Question, stored_outcome
from api.reads.together import Command
from shared.channels import result_field
from shared.messages import NO_ORDER_ID, AccountRow, Order, OrderStatus
from shared.outcomes import Answered
from shared.wire import CommandResult, decode

_LIVING = (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


Found = Order | Answered | None


class Wanted(Struct, frozen=True):
    """An order that is to be amended, named by its number or (0) by its owner's name, and the key
    of that request.
    """

    order_id: int
    client_order_id: str
    key: str

    @property
    def name(self) -> int | str:
        return self.order_id or self.client_order_id


class OrderLookup:
    """Reads orders of one account at a time."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._teller = Teller(catalog)

    async def view(self, order: Order) -> Fields:
        """Return an order as a client sees it; raises ApiError."""
        await self._catalog.of_order(order)
        return order_fields(order, self._catalog)

    async def named(
        self, account_id: int, wanted_id: int, wanted_name: str, min_sequence: int = 0
    ) -> Order:
        """Return the order of that id, or (id 0) the open one of that name; raises ApiError."""
        if wanted_id:
            return await self._by_id(account_id, wanted_id, min_sequence)
        _, (rows,) = await self._store.read(
            ("HVALS", self._store.keys.open_orders(account_id)), min_sequence=min_sequence
        )
        for row in rows:
            order = decode(row, Order)
            if order.client_order_id == wanted_name:
                return order
        raise ApiError("UNKNOWN_ORDER", field="client_order_id")

    async def to_amend(self, account_id: int, wanted: Sequence[Wanted]) -> list[Found]:
        """Return for each the named order, or None if there is none; for a repeated key the order
        that it was about, as it was then, or the stored refusal when that order is forgotten.

        All of them are of one instant. Raises ApiError.
        """
        results, found = await self._results_and_orders(account_id, wanted)
        return [
            found.get(each.name)
            if result is None
            else await self._repeated(account_id, each, decode(result, CommandResult))
            for each, result in zip(wanted, results, strict=True)
        ]

    async def _results_and_orders(
        self, account_id: int, wanted: Sequence[Wanted]
    ) -> tuple[list[bytes | None], dict[int | str, Order]]:
        keys = self._store.keys
        ids = [each.order_id for each in wanted if each.order_id]
        commands: list[Command] = [
            ("HMGET", keys.results, *(result_field(account_id, each.key) for each in wanted))
        ]
        if ids:
            commands.append(("HMGET", keys.closed, *ids))
            commands.append(("HMGET", keys.open_orders(account_id), *ids))
        if len(ids) < len(wanted):
            commands.append(("HVALS", keys.open_orders(account_id)))
        _, (results, *rows) = await self._store.read(*commands)
        found: dict[int | str, Order] = {}
        for row in chain.from_iterable(rows):
            order = decode(row, Order) if row is not None else None
            if order is not None and order.account_id == account_id:
                found[order.order_id] = order
                if order.status in _LIVING:
                    found[order.client_order_id] = order
        return results, found

    async def _repeated(self, account_id: int, wanted: Wanted, result: CommandResult) -> Found:
        wanted_id, wanted_name = wanted.order_id, wanted.client_order_id
        if result.named_order_id == NO_ORDER_ID:
            return None
        order = result.order
        if order is None and result.named_order_id:
            order = await self._found(account_id, result.named_order_id, "")
            if order is None and wanted_id in (0, result.named_order_id):
                return Answered(result.n, result, replayed=True)
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

    async def status(self, account_id: int, asked: Question) -> Told:
        """Return the answer to a command; if it is not carried out yet, 202. Raises ApiError."""
        outcome = await stored_outcome(self._store, account_id, asked)
        await self._teller.prepare(outcome)
        return self._teller.told(outcome, asked.key, Form.FULL)

    async def cancel_timer(self, account_id: int, min_sequence: int) -> tuple[int, int]:
        """Return the sequence, and when all orders are cancelled (0: never)."""
        sequence, (row,) = await self._store.read(
            ("HGET", self._store.keys.accounts, account_id), min_sequence=min_sequence
        )
        return sequence, decode(row, AccountRow).cancel_at_ns if row is not None else 0

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
