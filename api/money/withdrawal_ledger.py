"""What the ledger knows of withdrawals, and the commands that change it.

The rule of this file: the key of a command comes from the withdrawal, never from who sends it, so
two who decide the same send the same command, and two who decide otherwise use the same key.
"""

from collections.abc import Sequence

from api.edge.params import WITHDRAWAL_KEY_PREFIX
from api.money.withdrawal_rows import Decision, Ending, Row, State
from api.reads.store import Command, Store
from shared.channels import result_field
from shared.messages import (
    VENUE_ACCOUNT_ID,
    CancelWithdrawal,
    RequestWithdrawal,
    ResolveWithdrawal,
    Withdrawal,
)
from shared.wire import CommandResult, decode, encode, fingerprint

SCAN_ROWS = 500  # Read at once: some 50 kB.


def request_command(row: Row) -> RequestWithdrawal:
    """Return the command that asks for the withdrawal, the same at every repeat."""
    return RequestWithdrawal(
        account_id=row.account_id,
        idempotency_key=row.idempotency_key,
        asset=row.asset,
        amount_atoms=row.amount_atoms,
        reference=row.reference,
    )


def decision_command(row: Row, decision: str) -> ResolveWithdrawal | CancelWithdrawal:
    """Return the command that carries out a decision about the withdrawal."""
    assert row.withdrawal_id is not None, "only what is in the ledger is decided"
    key = _decision_key(row)
    if decision == Decision.CANCEL:
        return CancelWithdrawal(
            account_id=row.account_id, idempotency_key=key, withdrawal_id=row.withdrawal_id
        )
    return ResolveWithdrawal(
        account_id=VENUE_ACCOUNT_ID,
        idempotency_key=key,
        withdrawal_id=row.withdrawal_id,
        is_settled=decision == Decision.SETTLE,
    )


def _decision_key(row: Row) -> str:
    return f"{WITHDRAWAL_KEY_PREFIX}{row.withdrawal_id}:{row.attempt}"


class WithdrawalLedger:
    """Reads the ledger's rows; every method raises ApiError REDIS_UNAVAILABLE."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def last_n(self) -> int:
        return await self._store.last_n()

    async def pending(self, withdrawal_ids: Sequence[int]) -> dict[int, Withdrawal]:
        """Return those of them that are pending."""
        if not withdrawal_ids:
            return {}
        command: Command = ("HMGET", self._store.keys.withdrawals, *withdrawal_ids)
        _, (rows,) = await self._store.read(command)
        found = [decode(row, Withdrawal) for row in rows if row is not None]
        return {withdrawal.withdrawal_id: withdrawal for withdrawal in found}

    async def scan(self, cursor: int) -> tuple[int, list[Withdrawal]]:
        """Return the next cursor (0: it was the last) and some of all that are pending."""
        command: Command = ("HSCAN", self._store.keys.withdrawals, cursor, "COUNT", SCAN_ROWS)
        _, ((following, rows),) = await self._store.read(command)
        return int(following), [decode(row, Withdrawal) for row in rows.values()]

    async def answers(self, rows: Sequence[Row]) -> list[CommandResult | None]:
        """Return the stored answers to these requests, None where there is none (any more)."""
        commands = [request_command(row) for row in rows]
        results = await self._results(
            [result_field(row.account_id, row.idempotency_key) for row in rows]
        )
        return [
            result if result and result.fingerprint == fingerprint(encode(command)) else None
            for command, result in zip(commands, results, strict=True)
        ]

    async def ending(self, row: Row) -> Ending:
        """Return what is still known of how a withdrawal that is not pending has ended."""
        for decision, state in (
            (Decision.SETTLE, State.SETTLED),
            (Decision.REFUSE, State.REFUSED),
            (Decision.CANCEL, State.CANCELLED),
        ):
            command = decision_command(row, decision)
            field = result_field(command.account_id, command.idempotency_key)
            (result,) = await self._results([field])
            if (
                result is not None
                and result.code is None
                and result.fingerprint == fingerprint(encode(command))
            ):
                return Ending(state=state, n=result.n, sequence=result.sequence, at_ns=result.at_ns)
        return Ending()

    async def _results(self, fields: Sequence[str]) -> list[CommandResult | None]:
        if not fields:
            return []
        _, (rows,) = await self._store.read(("HMGET", self._store.keys.results, *fields))
        return [decode(row, CommandResult) if row is not None else None for row in rows]
