"""Money that an operator brings in: once per reference, for ever.

The rule of this file: the reference is written down in SQL before the command is sent, and the
command's idempotency key is made of it. So a repeat finds either the end of the first attempt, or
sends the very same command again, which the engine does at most once within its window. That window
ends by time and by count, so after half of either an attempt without an answer is left to people.
Once the command may have been sent, no failure of the database turns its answer into a refusal.
"""

import re
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.edge.params import DEPOSIT_KEY_PREFIX
from api.orders.outcomes import final_answer
from api.sql.tables import deposits
from shared.bus import CommandBus
from shared.logs import get_logger
from shared.messages import Command, Deposit, Reject
from shared.outcomes import Accepted, Answered, Mismatch, Outcome, Unknown

FAUCET_REFERENCE_PREFIX = "faucet:"  # No operator may use up what the faucet will name.
REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,56}")  # With its prefix it is an idempotency key.

_log = get_logger(__name__)


class _State(StrEnum):
    SENT = "sent"  # Perhaps carried out; a repeat sends it again.
    DONE = "done"
    REFUSED = "refused"


_SENTENCES: dict[type[Outcome], str] = {
    Accepted: "The deposit is on the journal and will be carried out once; its answer did not come "
    "in time. The same request with the same reference asks for it, and counts once.",
    Unknown: "The connection to the journal broke: the deposit may be carried out, once, or never. "
    "Send the same request with the same reference again: it counts once.",
}


class DepositDone(Struct, frozen=True):
    """A deposit that is in the ledger; `replayed` by an earlier request."""

    reference: str
    n: int
    sequence: int
    replayed: bool


class Deposits:
    """Credits accounts through the bus.

    `window_s` and `keys_max` bound the engine's idempotency window; `last_n` reads the number of
    the journal's last entry, and raises ApiError.
    """

    table = deposits
    key_prefix = DEPOSIT_KEY_PREFIX

    def __init__(
        self,
        engine: AsyncEngine,
        bus: CommandBus,
        *,
        last_n: Callable[[], Awaitable[int]],
        window_s: int,
        keys_max: int,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._last_n = last_n
        self._resend_max_s = window_s // 2
        self._resend_max_entries = keys_max // 2  # An entry takes at most one key.

    async def credit(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> DepositDone:
        """Credit the account, unless this was done already; raises ApiError."""
        if not REFERENCE.fullmatch(reference):
            raise ApiError("INVALID_REFERENCE", field="reference")
        last_n = await self._last_n()
        row = await self._claim(account_id, asset, amount_atoms, reference, last_n=last_n)
        if (row.account_id, row.asset, row.amount_atoms) != (account_id, asset, amount_atoms):
            raise ApiError("REFERENCE_USED", field="reference")
        if row.state == _State.DONE:
            return DepositDone(reference, row.n, row.sequence, replayed=True)
        if row.state == _State.REFUSED:
            raise ApiError(row.answer_code, field="reference")
        age_s, age_entries = time.time() - row.created_at_s, last_n - row.n
        if age_s > self._resend_max_s or age_entries > self._resend_max_entries:
            raise ApiError("DEPOSIT_UNRESOLVED", field="reference")
        return await self._send(account_id, asset, amount_atoms, reference)

    async def _send(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> DepositDone:
        key = f"{self.key_prefix}{reference}"
        command = self._command(account_id, asset, amount_atoms, reference, key)
        outcome = await self._bus.submit(command)
        if _is_mismatch(outcome):  # Used by a deposit that this database does not know.
            raise ApiError("REFERENCE_USED", field="reference")
        if isinstance(outcome, Answered):
            await self._settle(reference, outcome)
        if isinstance(outcome, Accepted | Unknown):
            raise ApiError("UNKNOWN_OUTCOME", _SENTENCES[type(outcome)])
        answered = final_answer(outcome, key)
        result = answered.result
        return DepositDone(reference, result.n, result.sequence, replayed=answered.replayed)

    def _command(
        self, account_id: int, asset: str, amount_atoms: int, reference: str, key: str
    ) -> Command:
        return Deposit(
            account_id=account_id,
            idempotency_key=key,
            asset=asset,
            amount_atoms=amount_atoms,
            reference=reference,
        )

    async def _claim(
        self, account_id: int, asset: str, amount_atoms: int, reference: str, *, last_n: int
    ) -> sa.Row[tuple[object, ...]]:
        new = {
            "reference": reference,
            "account_id": account_id,
            "asset": asset,
            "amount_atoms": amount_atoms,
            "state": _State.SENT.value,
            "answer_code": "",
            "n": last_n,  # The command's own entry comes after it; its answer brings its number.
            "sequence": 0,
            "created_at_s": int(time.time()),
        }
        try:
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(sa.insert(self.table).values(new))
            except IntegrityError:
                pass  # Claimed before: what it was then is read below.
            async with self._engine.connect() as connection:
                wanted = sa.select(self.table).where(self.table.c.reference == reference)
                return (await connection.execute(wanted)).one()
        except (SQLAlchemyError, OSError) as error:
            raise ApiError("USERS_UNAVAILABLE") from error

    async def _settle(self, reference: str, answered: Answered) -> None:
        result = answered.result
        values = {
            "state": _State.DONE.value if result.code is None else _State.REFUSED.value,
            "answer_code": result.code.value if result.code else "",
            "n": result.n,
            "sequence": result.sequence,
        }
        statement = sa.update(self.table).where(self.table.c.reference == reference)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(statement.values(values))
        except (SQLAlchemyError, OSError) as error:
            # It was decided all the same. The row says sent, so a repeat asks the engine again.
            _log.error("deposit_not_noted", reference=reference, reason=str(error))


def _is_mismatch(outcome: Outcome) -> bool:
    if isinstance(outcome, Answered):
        return outcome.result.code is Reject.IDEMPOTENCY_MISMATCH
    return isinstance(outcome, Mismatch)
