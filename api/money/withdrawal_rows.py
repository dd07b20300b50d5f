"""What SQL knows of a withdrawal: where the money should go, who asked, and who decided what.

The rule of this file: sentences in SQL and nothing else. Each is one statement that says what must
still be true for it to change anything, so two processes at one row cannot both be right.
"""

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.sql.tables import withdrawals
from api.sql.work import reading, writing

OPEN_ENDS_MAX = 100  # Completed at one look; an account has at most so many pending.


class State(StrEnum):
    """What becomes of a row; the first two are not final."""

    SENT = "sent"  # Perhaps carried out; a repeat sends it again.
    PENDING = "pending"
    REJECTED = "rejected"  # By the engine: it never was a withdrawal.
    SETTLED = "settled"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    ENDED = "ended"  # The ledger has ended it, and nobody noted how.


class Decision(StrEnum):
    """What is to become of a pending withdrawal; one of them is ever sent."""

    SETTLE = "settle"
    REFUSE = "refuse"
    CANCEL = "cancel"


ENDING = {
    Decision.SETTLE: State.SETTLED,
    Decision.REFUSE: State.REFUSED,
    Decision.CANCEL: State.CANCELLED,
}


class Row(Struct, frozen=True, kw_only=True):
    """A row of the table; 0, "" and None are what there is not yet."""

    reference: str
    withdrawal_id: int | None = None
    account_id: int
    idempotency_key: str
    asset: str
    amount_atoms: int
    destination: str
    state: str = State.SENT
    answer_code: str = ""
    answer_field: str = ""
    after_n: int = 0
    sequence: int = 0
    created_at_s: int
    requested_at_ns: int = 0
    decision: str = ""
    decision_token: str = ""
    attempt: int = 0
    decided_by: str = ""
    reason: str = ""
    external_reference: str = ""
    ended_n: int = 0
    ended_sequence: int = 0
    ended_at_ns: int = 0


class Claim(Struct, frozen=True, kw_only=True):
    """A decision and whose it is; `token` tells one attempt at it from another."""

    decision: Decision
    by: str
    token: str
    reason: str = ""
    external_reference: str = ""


class Ending(Struct, frozen=True, kw_only=True):
    """How it ended, as the ledger says; `state` "" is: as the claim in the row says."""

    state: str = ""
    n: int = 0
    sequence: int = 0
    at_ns: int = 0


class CommitUnknownError(ApiError):
    """USERS_UNAVAILABLE, and nobody can say whether it was written: the commit was under way."""

    def __init__(self) -> None:
        super().__init__("USERS_UNAVAILABLE")


_TABLE = withdrawals.c
_IS_PENDING = _TABLE.state == State.PENDING.value


class WithdrawalRows:
    """The rows of one database; every method raises ApiError USERS_UNAVAILABLE, and what changes
    a row that is there raises CommitUnknownError of it where the change may have been made.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # ---- reading ----

    async def by_key(self, account_id: int, key: str) -> Row | None:
        return await self._one(_TABLE.account_id == account_id, _TABLE.idempotency_key == key)

    async def by_id(self, withdrawal_id: int) -> Row | None:
        return await self._one(_TABLE.withdrawal_id == withdrawal_id)

    async def by_reference(self, reference: str) -> Row | None:
        return await self._one(_TABLE.reference == reference)

    async def unlinked(self, account_id: int, since_s: int) -> list[Row]:
        """Return the newest requests since then whose answer nobody noted."""
        return await self._rows(
            sa.select(withdrawals)
            .where(_TABLE.account_id == account_id, _TABLE.withdrawal_id.is_(None))
            .where(_TABLE.state == State.SENT.value, _TABLE.created_at_s >= since_s)
            .order_by(_TABLE.created_at_s.desc())
            .limit(OPEN_ENDS_MAX)
        )

    async def open_ends(self, account_id: int) -> list[Row]:
        """Return the oldest decisions, of an account or (0) all, whose end nobody noted."""
        wanted = sa.select(withdrawals).where(_IS_PENDING, _TABLE.decision != "")
        if account_id:
            wanted = wanted.where(_TABLE.account_id == account_id)
        return await self._rows(wanted.order_by(_TABLE.withdrawal_id).limit(OPEN_ENDS_MAX))

    async def known_of(self, withdrawal_ids: Sequence[int]) -> set[int]:
        wanted = sa.select(_TABLE.withdrawal_id).where(_TABLE.withdrawal_id.in_(withdrawal_ids))
        async with reading(self._engine) as connection:
            return set((await connection.execute(wanted)).scalars())

    async def page(
        self,
        *,
        limit: int,
        before_id: int = 0,
        account_id: int = 0,
        state: str = "",
        asset: str = "",
        key: str = "",
    ) -> list[Row]:
        """Return withdrawals, newest first, older than `before_id`; 0 and "" are any."""
        wanted = sa.select(withdrawals).where(_TABLE.withdrawal_id.is_not(None))
        wanted = wanted.order_by(_TABLE.withdrawal_id.desc()).limit(limit)
        if before_id:
            wanted = wanted.where(_TABLE.withdrawal_id < before_id)
        for column, value in (
            (_TABLE.account_id, account_id),
            (_TABLE.state, state),
            (_TABLE.asset, asset),
            (_TABLE.idempotency_key, key),
        ):
            if value:
                wanted = wanted.where(column == value)
        return await self._rows(wanted)

    # ---- the request ----

    async def insert(self, row: Row) -> bool:
        """Add a row; return False if there is one with its reference, key or number."""
        values = {name: getattr(row, name) for name in row.__struct_fields__}
        try:
            async with writing(self._engine) as connection:
                await connection.execute(sa.insert(withdrawals).values(values))
        except IntegrityError:
            return False
        return True

    async def link(self, reference: str, n: int, sequence: int, requested_at_ns: int) -> bool:
        """Note the ledger's number of a request that is in the ledger.

        A number that another row has is of another ledger; that, too, is USERS_UNAVAILABLE.
        """
        return await self._change(
            (_TABLE.reference == reference, _TABLE.state == State.SENT.value),
            withdrawal_id=n,
            state=State.PENDING.value,
            sequence=sequence,
            requested_at_ns=requested_at_ns,
        )

    async def reject(
        self, reference: str, code: str, field: str, *, n: int = 0, sequence: int = 0
    ) -> bool:
        """Note that the engine refused a request as entry `n`."""
        return await self._change(
            (_TABLE.reference == reference, _TABLE.state == State.SENT.value),
            state=State.REJECTED.value,
            answer_code=code,
            answer_field=field,
            ended_n=n,
            sequence=sequence,
        )

    # ---- the decision ----

    async def claim(self, withdrawal_id: int, claim: Claim) -> Row | None:
        """Decide, unless somebody has; return the row, None if nothing was changed."""
        return await self._changed(
            (_TABLE.withdrawal_id == withdrawal_id, _IS_PENDING, _TABLE.decision == ""),
            decision=claim.decision.value,
            decision_token=claim.token,
            decided_by=claim.by,
            reason=claim.reason,
            external_reference=claim.external_reference,
        )

    async def join(self, withdrawal_id: int, token: str) -> Row | None:
        """Take over a decision that is not known to be carried out, to send it again.

        Return the row, None if there is no such decision.
        """
        return await self._changed(
            (_TABLE.withdrawal_id == withdrawal_id, _IS_PENDING, _TABLE.decision != ""),
            decision_token=token,
        )

    async def release(self, withdrawal_id: int, token: str) -> bool:
        """Take back a decision that nobody has ever sent; False if somebody has joined it."""
        mine = _TABLE.decision_token == token
        return await self._undecide(_TABLE.withdrawal_id == withdrawal_id, _IS_PENDING, mine)

    async def reopen(self, withdrawal_id: int, attempt: int) -> bool:
        """Take back a decision that the engine refused for good, and its key with it."""
        at = _TABLE.attempt == attempt
        return await self._undecide(
            _TABLE.withdrawal_id == withdrawal_id, _IS_PENDING, at, attempt=attempt + 1
        )

    async def end(self, withdrawal_id: int, ending: Ending) -> bool:
        """Note that the ledger has ended it."""
        return await self._change(
            (_TABLE.withdrawal_id == withdrawal_id, _IS_PENDING),
            state=ending.state or _by_claim(),
            ended_n=ending.n,
            ended_sequence=ending.sequence,
            ended_at_ns=ending.at_ns,
        )

    async def _undecide(self, *still: sa.ColumnElement[bool], **values: object) -> bool:
        nothing = dict.fromkeys(
            ("decision", "decision_token", "decided_by", "reason", "external_reference"), ""
        )
        return await self._change(still, **nothing, **values)

    async def _change(self, still: Sequence[sa.ColumnElement[bool]], **values: object) -> bool:
        return await self._changed(still, **values) is not None

    async def _changed(
        self, still: Sequence[sa.ColumnElement[bool]], **values: object
    ) -> Row | None:
        statement = sa.update(withdrawals).where(*still).values(values).returning(withdrawals)
        is_committing = False
        try:
            async with writing(self._engine) as connection:
                row = (await connection.execute(statement)).mappings().one_or_none()
                is_committing = True
        except (IntegrityError, ApiError) as error:
            raise (
                CommitUnknownError() if is_committing else ApiError("USERS_UNAVAILABLE")
            ) from error
        return Row(**row) if row is not None else None

    async def _one(self, *wanted: sa.ColumnElement[bool]) -> Row | None:
        rows = await self._rows(sa.select(withdrawals).where(*wanted).limit(1))
        return rows[0] if rows else None

    async def _rows(self, statement: sa.Select[tuple[object, ...]]) -> list[Row]:
        async with reading(self._engine) as connection:
            rows = (await connection.execute(statement)).mappings()
            return [Row(**row) for row in rows]


def _by_claim() -> sa.Case[str]:
    return sa.case(
        *((_TABLE.decision == one.value, state.value) for one, state in ENDING.items()),
        else_=State.ENDED.value,
    )
