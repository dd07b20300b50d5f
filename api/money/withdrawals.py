"""Withdrawals: money that is asked out, held, and leaves or comes back, exactly once.

The rule of this file: the ledger is the truth about money, and SQL about intentions. Nothing is
sent that is not written down in SQL before, and whatever SQL has missed is completed from the
ledger when somebody next looks.

The request. A row with a reference of our making is written down first (`sent`), then the command
goes out under the client's own key and with that reference. The engine's answer gives the row its
number (`pending`) or a refusal (`rejected`). If the process dies in between, or the answer is
lost, or SQL fails after it: the same request again finds the row and sends the same command, and
whoever looks finds the answer under the key, or the reference in the ledger's pending rows.

The decision. Of settle, refuse and cancel the first one that is written into the row is the only
one that is ever sent; the others are told who came first. So once the ledger shows the withdrawal
as pending no more, the decision in the row is what happened, however long ago that was, and
whoever looks notes it. A decision whose sender died is sent again by whoever next decides
anything about it; that is safe for ever, because the engine ends a pending withdrawal once and
knows the number no more after that. A decision is taken back in two cases only: nobody but its
maker can have sent it, and the journal has certainly not taken it; or the engine has refused it.
One that stands, or may stand, is never called undone: somebody else may carry it out.

A withdrawal that only the ledger has (its database was lost) gets a row when somebody looks.
"""

import secrets
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from api.edge.errors import ApiError
from api.money.withdrawal_book import WithdrawalBook
from api.money.withdrawal_ledger import WithdrawalLedger, decision_command, request_command
from api.money.withdrawal_rows import (
    ENDING,
    Claim,
    CommitUnknownError,
    Decision,
    Ending,
    Row,
    State,
    WithdrawalRows,
)
from api.orders.outcomes import final_answer
from api.paths import PREFIX
from shared.bus import CommandBus
from shared.messages import Reject
from shared.outcomes import Accepted, Answered, Mismatch, NotAccepted, Outcome, Unknown
from shared.wire import CommandResult

CLAIMS_MAX = 3  # A decision is taken back at most once in an outage, so the second claim holds.


class Wish(Struct, frozen=True):
    """What the owner asks for, under which key."""

    account_id: int
    idempotency_key: str
    asset: str
    amount_atoms: int
    destination: str


class Told(Struct, frozen=True):
    """The withdrawal after a request or a decision, and the journal entry that did it."""

    row: Row
    n: int
    sequence: int
    replayed: bool


class Withdrawals:
    """All withdrawals of a venue.

    `window_s` and `keys_max` bound the engine's idempotency window; nothing is settled that is
    younger than `delay_s`.
    """

    def __init__(
        self,
        rows: WithdrawalRows,
        ledger: WithdrawalLedger,
        bus: CommandBus,
        *,
        window_s: int,
        keys_max: int,
        delay_s: int = 0,
    ) -> None:
        self._rows = rows
        self._ledger = ledger
        self.book = WithdrawalBook(rows, ledger, window_s=window_s)
        self._bus = bus
        self._resend_max_s = window_s // 2
        self._resend_max_entries = keys_max // 2  # An entry takes at most one key.
        self._delay_s = delay_s

    # ---- the request ----

    async def request(
        self, wish: Wish, authorise: Callable[[], Awaitable[None]]
    ) -> Told | Accepted:
        """Hold the money; `authorise` raises unless a new request may be made. Raises ApiError."""
        last_n = await self._ledger.last_n()
        row = await self._rows.by_key(wish.account_id, wish.idempotency_key)
        if row is None:
            await authorise()
            row = await self._claim_key(wish, last_n)
        if (row.asset, row.amount_atoms, row.destination) != (
            wish.asset,
            wish.amount_atoms,
            wish.destination,
        ):
            raise ApiError("IDEMPOTENCY_MISMATCH", field="Idempotency-Key")
        if row.state == State.REJECTED:
            raise _rejection(row)
        if row.withdrawal_id is not None:
            (row,) = await self.book.looked_at([row])
            return Told(row, _id_of(row), row.sequence, replayed=True)
        age_s, age_entries = time.time() - row.created_at_s, last_n - row.after_n
        if age_s > self._resend_max_s or age_entries > self._resend_max_entries:
            return await self._found_again(row)
        return await self._send_request(row)

    async def _claim_key(self, wish: Wish, last_n: int) -> Row:
        new = Row(
            reference=f"w-{secrets.token_hex(16)}",
            account_id=wish.account_id,
            idempotency_key=wish.idempotency_key,
            asset=wish.asset,
            amount_atoms=wish.amount_atoms,
            destination=wish.destination,
            after_n=last_n,
            created_at_s=int(time.time()),
        )
        if await self._rows.insert(new):
            return new
        row = await self._rows.by_key(wish.account_id, wish.idempotency_key)
        if row is None:
            raise ApiError("USERS_UNAVAILABLE")
        return row

    async def _send_request(self, row: Row) -> Told | Accepted:
        outcome = await self._bus.submit(request_command(row))
        if isinstance(outcome, Accepted):
            return outcome
        if isinstance(outcome, Unknown):
            raise _unknown(requests_url(row), row.idempotency_key)
        if isinstance(outcome, Mismatch):
            outcome = Answered(0, CommandResult(0, 0, 0, b"", Reject.IDEMPOTENCY_MISMATCH))
        if isinstance(outcome, Answered):
            row = await self.book.note_answer(row, outcome.result)
        answered = final_answer(outcome, row.idempotency_key)
        result = answered.result
        return Told(row, result.n, result.sequence, answered.replayed)

    async def _found_again(self, row: Row) -> Told:
        """Find an old request without sending it: its key may be forgotten."""
        await self.book.complete([row])
        await self.book.adopt(at_once=True)
        found = await self._rows.by_reference(row.reference)
        if found is None or found.withdrawal_id is None:
            raise ApiError("WITHDRAWAL_UNRESOLVED", field="Idempotency-Key")
        (found,) = await self.book.looked_at([found])
        return Told(found, _id_of(found), found.sequence, replayed=True)

    # ---- the decision ----

    async def decide(self, withdrawal_id: int, claim: Claim) -> Told | Accepted:
        """Settle, refuse or cancel it, once; raises ApiError."""
        row = await self.book.find(withdrawal_id)
        if row.state == State.PENDING and claim.decision is Decision.SETTLE:
            self._check_age(row)
        is_new, row = await self._claimed(row, claim)
        if row.state != State.PENDING:
            return _decided_before(row, claim)
        outcome = await self._bus.submit(decision_command(row, row.decision))
        if isinstance(outcome, NotAccepted) and is_new:
            await self._take_back(row, claim)
        done = await self._carried_out(row, outcome)
        if isinstance(done, Accepted):
            return done
        if is_new and done.state == ENDING[claim.decision]:
            return Told(done, done.ended_n, done.ended_sequence, replayed=False)
        return _decided_before(done, claim)

    async def _claimed(self, row: Row, claim: Claim) -> tuple[bool, Row]:
        """Return whether the decision is ours, and the row, which has one unless it has ended."""
        withdrawal_id = _id_of(row)
        for _ in range(CLAIMS_MAX):
            if claimed := await self._claim(row, claim):
                return True, claimed
            if joined := await self._rows.join(withdrawal_id, claim.token):
                return False, joined
            row = await self._rows.by_id(withdrawal_id) or row
            if row.state != State.PENDING:
                return False, row
        raise ApiError("BUSY")

    async def _claim(self, row: Row, claim: Claim) -> Row | None:
        try:
            return await self._rows.claim(_id_of(row), claim)
        except CommitUnknownError:
            # Written or not, and joined by somebody since or not: who asks again will know.
            raise _unknown(withdrawal_url(row)) from None

    def _check_age(self, row: Row) -> None:
        wait_s = row.requested_at_ns // 1_000_000_000 + self._delay_s - int(time.time())
        if self._delay_s and wait_s > 0 and not row.decision:
            raise ApiError("WITHDRAWAL_TOO_YOUNG", retry_after_s=wait_s)

    async def _take_back(self, row: Row, claim: Claim) -> None:
        """Forget a decision that was never sent; raises ApiError UNKNOWN_OUTCOME if it stays."""
        try:
            is_forgotten = await self._rows.release(_id_of(row), claim.token)
        except ApiError:
            is_forgotten = False
        if not is_forgotten:  # Somebody has joined it, or may do so, and carries it out after all.
            raise _unknown(withdrawal_url(row))

    async def _carried_out(self, row: Row, outcome: Outcome) -> Row | Accepted:
        """Return the withdrawal as the decision in `row` has ended it; raises ApiError."""
        if isinstance(outcome, Accepted):
            return outcome
        if isinstance(outcome, Unknown):
            raise _unknown(withdrawal_url(row))
        if isinstance(outcome, Answered) and outcome.result.code is None:
            result = outcome.result
            state = ENDING[Decision(row.decision)]
            return await self.book.note_end(
                row,
                Ending(state=state, n=result.n, sequence=result.sequence, at_ns=result.at_ns),
            )
        if isinstance(outcome, Answered | Mismatch):
            found = await self._looked_at(row)  # Perhaps it was sent before, and has ended.
            if found.state != State.PENDING:
                return found
            await self._reopen(row)
        final_answer(outcome, decision_command(row, row.decision).idempotency_key)
        raise AssertionError("an outcome that is no success is an error")

    async def _reopen(self, row: Row) -> None:
        try:
            await self._rows.reopen(_id_of(row), row.attempt)
        except ApiError:  # It stands, and may be sent again when the engine knows its key no more.
            raise _unknown(withdrawal_url(row)) from None

    async def _looked_at(self, row: Row) -> Row:
        try:
            (found,) = await self.book.looked_at([row])
        except ApiError:
            raise _unknown(withdrawal_url(row)) from None
        return found


def withdrawal_url(row: Row) -> str:
    return f"{PREFIX}/withdrawals/{row.withdrawal_id}"


def requests_url(row: Row) -> str:
    """Return where the withdrawal of a request is seen, as soon as it is in the ledger."""
    return f"{PREFIX}/withdrawals?idempotency_key={row.idempotency_key}"


def _id_of(row: Row) -> int:
    assert row.withdrawal_id is not None, "this one is in the ledger"
    return row.withdrawal_id


def _decided_before(row: Row, claim: Claim) -> Told:
    """Return the end if it is the one that `claim` wants; raises ApiError WITHDRAWAL_DECIDED.

    Another external reference is another payment, and whoever made that one must hear of it.
    """
    is_same = row.state == ENDING[claim.decision]
    if not is_same or row.external_reference != claim.external_reference:
        raise ApiError(
            "WITHDRAWAL_DECIDED",
            f"The withdrawal is {row.state} already.",
            field="external_reference" if is_same else "",
            details={"status": row.state},
        )
    return Told(row, row.ended_n, row.ended_sequence, replayed=True)


def _rejection(row: Row) -> ApiError:
    return ApiError(
        row.answer_code,
        field=row.answer_field,
        details={
            "n": row.ended_n,
            "sequence": row.sequence,
            "replayed": True,
            "idempotency_key": row.idempotency_key,
        },
    )


def _unknown(url: str, key: str = "") -> ApiError:
    details: dict[str, object] = {"status_url": url}
    if key:
        details["idempotency_key"] = key
    return ApiError("UNKNOWN_OUTCOME", details=details)
