"""Withdrawals as SQL and the ledger know them together: whatever one has missed, the other says.

The rule of this file: the ledger is read first and SQL after it, because what is sent to the ledger
is written down in SQL before. Nothing is sent from here; to look is safe for everybody.
"""

import time

from msgspec.structs import replace

from api.edge.errors import ApiError
from api.edge.pages import page_of
from api.edge.params import WITHDRAWAL_KEY_PREFIX
from api.money.withdrawal_ledger import WithdrawalLedger
from api.money.withdrawal_rows import ENDING, Decision, Ending, Row, State, WithdrawalRows
from shared.logs import get_logger
from shared.messages import Withdrawal
from shared.wire import CommandResult

ADOPT_EVERY_S = 10.0  # Reading all pending rows of a large venue takes a moment.
ADOPT_PAGES_MAX = 20  # At one look, some ten thousand; the next one goes on from there.

_log = get_logger(__name__)


class WithdrawalBook:
    """Looks at withdrawals. `window_s` is how long the engine keeps its answers."""

    def __init__(self, rows: WithdrawalRows, ledger: WithdrawalLedger, *, window_s: int) -> None:
        self._rows = rows
        self._ledger = ledger
        self._window_s = window_s
        self._adopted_at_s = float("-inf")
        self._scan_cursor = 0

    async def find(self, withdrawal_id: int, account_id: int = 0) -> Row:
        """Return the withdrawal, of that account or (0) any; raises ApiError UNKNOWN_WITHDRAWAL."""
        row = await self._rows.by_id(withdrawal_id)
        if row is None:
            pending = await self._ledger.pending([withdrawal_id])
            row = await self._adopted(pending[withdrawal_id]) if pending else None
        if row is None or account_id not in (0, row.account_id):
            raise ApiError("UNKNOWN_WITHDRAWAL", field="withdrawal_id")
        return (await self.looked_at([row]))[0]

    async def page(
        self,
        *,
        limit: int,
        before_id: int = 0,
        account_id: int = 0,
        state: str = "",
        asset: str = "",
        key: str = "",
    ) -> tuple[list[Row], str | None]:
        """Return withdrawals, newest first, and the cursor of the next page, None after the last.

        0 and "" are any.
        """
        if account_id:
            since_s = int(time.time()) - self._window_s
            await self.complete(await self._rows.unlinked(account_id, since_s))
        else:
            await self.adopt()
        await self.looked_at(await self._rows.open_ends(account_id))
        rows = await self._rows.page(
            limit=limit + 1,
            before_id=before_id,
            account_id=account_id,
            state=state,
            asset=asset,
            key=key,
        )
        shown, following = page_of(rows, limit, lambda row: row.withdrawal_id)
        shown = await self.looked_at(shown)
        return [row for row in shown if state in ("", row.state)], following

    async def looked_at(self, rows: list[Row]) -> list[Row]:
        """Return the rows as the ledger has them, and note what it has ended."""
        ids = [row.withdrawal_id for row in rows if row.state == State.PENDING]
        pending = await self._ledger.pending([one for one in ids if one is not None])
        return [
            await self._ended(row)
            if row.state == State.PENDING and row.withdrawal_id not in pending
            else row
            for row in rows
        ]

    async def _ended(self, row: Row) -> Row:
        assert row.withdrawal_id is not None, "only what is in the ledger is pending"
        # Read after the ledger: the decision was written down before it was sent.
        row = await self._rows.by_id(row.withdrawal_id) or row
        if row.state != State.PENDING:
            return row
        return await self.note_end(row, await self._ledger.ending(row))

    async def note_end(self, row: Row, ending: Ending) -> Row:
        assert row.withdrawal_id is not None, "only what is in the ledger ends"
        try:
            await self._rows.end(row.withdrawal_id, ending)
        except ApiError as error:
            # It has ended all the same. The row says pending, so whoever looks asks the ledger.
            _log.error(
                "withdrawal_end_not_noted",
                withdrawal_id=row.withdrawal_id,
                reason=str(error.__cause__),
            )
        by_claim = ENDING[Decision(row.decision)] if row.decision else State.ENDED
        return replace(
            row,
            state=ending.state or by_claim,
            ended_n=ending.n,
            ended_sequence=ending.sequence,
            ended_at_ns=ending.at_ns,
        )

    async def complete(self, rows: list[Row]) -> None:
        """Note the answers that the ledger still has to requests that nobody heard the end of."""
        for row, result in zip(rows, await self._ledger.answers(rows), strict=True):
            if result is not None:
                await self.note_answer(row, result)

    async def adopt(self, *, at_once: bool = False) -> None:
        """Give a row to what only the ledger has; looks every ADOPT_EVERY_S seconds at most."""
        if not at_once and time.monotonic() - self._adopted_at_s < ADOPT_EVERY_S:
            return
        self._adopted_at_s = time.monotonic()
        for _ in range(ADOPT_PAGES_MAX):
            self._scan_cursor, pending = await self._ledger.scan(self._scan_cursor)
            known = await self._rows.known_of([one.withdrawal_id for one in pending])
            for withdrawal in pending:
                if withdrawal.withdrawal_id not in known:
                    await self._adopted(withdrawal)
            if self._scan_cursor == 0:
                return

    async def _adopted(self, withdrawal: Withdrawal) -> Row | None:
        """Give a pending withdrawal its row: the one that its request left, or a new one."""
        row = await self._rows.by_reference(withdrawal.reference)
        if row is not None and row.account_id == withdrawal.account_id:
            (result,) = await self._ledger.answers([row])
            sequence = result.sequence if result is not None else 0
            await self._rows.link(
                row.reference, withdrawal.withdrawal_id, sequence, withdrawal.requested_at_ns
            )
        else:
            name = f"{WITHDRAWAL_KEY_PREFIX}{withdrawal.withdrawal_id}"
            await self._rows.insert(_from_ledger(withdrawal, name))
            _log.warning("withdrawal_adopted", withdrawal_id=withdrawal.withdrawal_id)
        return await self._rows.by_id(withdrawal.withdrawal_id)

    async def note_answer(self, row: Row, result: CommandResult) -> Row:
        """Note what the engine said of the request, and return the row as it is by that."""
        try:
            if result.code is not None:
                field = {"amount_atoms": "amount"}.get(result.field, result.field)
                await self._rows.reject(
                    row.reference, result.code.value, field, n=result.n, sequence=result.sequence
                )
                return row
            await self._rows.link(row.reference, result.n, result.sequence, result.at_ns)
        except ApiError as error:
            # It is decided all the same. The row says sent, so whoever looks asks the ledger.
            _log.error("withdrawal_not_noted", reference=row.reference, reason=str(error.__cause__))
        return replace(
            row,
            withdrawal_id=result.n,
            state=State.PENDING,
            sequence=result.sequence,
            requested_at_ns=result.at_ns,
        )


def _from_ledger(withdrawal: Withdrawal, name: str) -> Row:
    return Row(
        reference=name,
        withdrawal_id=withdrawal.withdrawal_id,
        account_id=withdrawal.account_id,
        idempotency_key=name,
        asset=withdrawal.asset,
        amount_atoms=withdrawal.amount_atoms,
        destination="",
        state=State.PENDING,
        created_at_s=withdrawal.requested_at_ns // 1_000_000_000,
        requested_at_ns=withdrawal.requested_at_ns,
    )
