"""Money that an operator brings in: once per reference, for ever.

The rule of this file: the reference is written down in SQL before the command is sent, and the
command's idempotency key is made of it. So a repeat finds either the end of the first attempt, or
sends the very same command again, which the engine does at most once within its window; after half
of the window an attempt without an answer is left to people.
"""

import re
import time
from enum import StrEnum

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.errors import ApiError
from api.outcomes import final_answer
from api.params import RESERVED_KEY_PREFIX
from api.tables import deposits
from shared.bus import CommandBus
from shared.messages import Deposit, Reject
from shared.outcomes import Answered, Mismatch, Outcome

REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,56}")  # With its prefix it is an idempotency key.


class _State(StrEnum):
    SENT = "sent"  # Perhaps carried out; a repeat sends it again.
    DONE = "done"
    REFUSED = "refused"


class DepositDone(Struct, frozen=True):
    """A deposit that is in the ledger; `replayed` by an earlier request."""

    reference: str
    n: int
    sequence: int
    replayed: bool


class Deposits:
    """Credits accounts through the bus; `window_s` is the engine's idempotency window."""

    def __init__(self, engine: AsyncEngine, bus: CommandBus, *, window_s: int) -> None:
        self._engine = engine
        self._bus = bus
        self._resend_max_s = window_s // 2

    async def credit(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> DepositDone:
        """Credit the account, unless this was done already; raises ApiError."""
        if not REFERENCE.fullmatch(reference):
            raise ApiError("INVALID_REFERENCE", field="reference")
        row = await self._claim(account_id, asset, amount_atoms, reference)
        if (row.account_id, row.asset, row.amount_atoms) != (account_id, asset, amount_atoms):
            raise ApiError("REFERENCE_USED", field="reference")
        if row.state == _State.DONE:
            return DepositDone(reference, row.n, row.sequence, replayed=True)
        if row.state == _State.REFUSED:
            raise ApiError(row.answer_code, field="reference")
        if time.time() - row.created_at_s > self._resend_max_s:
            raise ApiError("DEPOSIT_UNRESOLVED", field="reference")
        return await self._send(account_id, asset, amount_atoms, reference)

    async def _send(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> DepositDone:
        key = f"{RESERVED_KEY_PREFIX}{reference}"
        command = Deposit(
            account_id=account_id,
            idempotency_key=key,
            asset=asset,
            amount_atoms=amount_atoms,
            reference=reference,
        )
        outcome = await self._bus.submit(command)
        if _is_mismatch(outcome):  # Used by a deposit that this database does not know.
            raise ApiError("REFERENCE_USED", field="reference")
        if isinstance(outcome, Answered):
            await self._settle(reference, outcome)
        answered = final_answer(outcome, key)
        result = answered.result
        return DepositDone(reference, result.n, result.sequence, replayed=answered.replayed)

    async def _claim(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> sa.Row[tuple[object, ...]]:
        new = {
            "reference": reference,
            "account_id": account_id,
            "asset": asset,
            "amount_atoms": amount_atoms,
            "state": _State.SENT.value,
            "answer_code": "",
            "n": 0,
            "sequence": 0,
            "created_at_s": int(time.time()),
        }
        try:
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(sa.insert(deposits).values(new))
            except IntegrityError:
                pass  # Claimed before: what it was then is read below.
            async with self._engine.connect() as connection:
                wanted = sa.select(deposits).where(deposits.c.reference == reference)
                return (await connection.execute(wanted)).one()
        except DBAPIError as error:
            raise ApiError("USERS_UNAVAILABLE") from error

    async def _settle(self, reference: str, answered: Answered) -> None:
        result = answered.result
        values = {
            "state": _State.DONE.value if result.code is None else _State.REFUSED.value,
            "answer_code": result.code.value if result.code else "",
            "n": result.n,
            "sequence": result.sequence,
        }
        statement = sa.update(deposits).where(deposits.c.reference == reference).values(values)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(statement)
        except DBAPIError as error:
            raise ApiError("USERS_UNAVAILABLE") from error


def _is_mismatch(outcome: Outcome) -> bool:
    if isinstance(outcome, Answered):
        return outcome.result.code is Reject.IDEMPOTENCY_MISMATCH
    return isinstance(outcome, Mismatch)
