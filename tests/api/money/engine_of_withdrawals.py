"""An engine of withdrawals in memory, and the bus to it, which may lose what it carries.

The rule of this file: it does what docs/ORDERS.md says of withdrawals and of keys, and nothing of
it is taken from the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from api.edge.errors import ApiError
from api.money.withdrawal_ledger import WithdrawalLedger
from api.reads.store import Store
from shared.channels import Keys
from shared.messages import (
    CancelWithdrawal,
    Command,
    Reject,
    RequestWithdrawal,
    ResolveWithdrawal,
    Withdrawal,
)
from shared.outcomes import Accepted, Answered, NotAccepted, Outcome, Refusal, Unknown
from shared.wire import CommandResult, encode, fingerprint

NOT_ACCEPTED = NotAccepted(Refusal.ENGINE_UNAVAILABLE, "gone")


@dataclass
class FakeEngine:
    """Money is what `available` says, what is pending, and what is `gone`.

    Each outcome in `losses` stands for one command, in turn, None for an answer as it should be:
    NotAccepted keeps the command from the engine, Unknown and Accepted only its answer from us.
    """

    available: int = 1_000
    gone: int = 0
    last_n: int = 10
    pending: dict[int, Withdrawal] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)
    results: dict[str, CommandResult] = field(default_factory=dict)
    losses: list[Outcome | None] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    refusal: Reject | None = None  # Of every new command.

    async def submit(self, command: Command) -> Outcome:
        loss = self.losses.pop(0) if self.losses else None
        if isinstance(loss, NotAccepted):
            return loss
        answered = self.carry_out(command)
        return loss or answered

    def carry_out(self, command: Command) -> Answered:
        self.commands.append(command)
        self.last_n += 1
        name = f"{command.account_id}:{command.idempotency_key}"
        mark = fingerprint(encode(command))
        before = self.results.get(name)
        if before is not None:
            if before.fingerprint == mark:
                return Answered(before.n, before, replayed=True)
            return Answered(0, self._result(mark, Reject.IDEMPOTENCY_MISMATCH))
        code, withdrawal = self._apply(command)
        result = self._result(mark, code, withdrawal)
        self.results[name] = result
        return Answered(result.n, result)

    def _result(
        self, mark: bytes, code: Reject | None, withdrawal: Withdrawal | None = None
    ) -> CommandResult:
        n = self.last_n
        field = "amount_atoms" if code is Reject.INSUFFICIENT_FUNDS else ""
        at_ns = n * 1_000_000_000
        return CommandResult(n, at_ns, n, mark, code, field, withdrawal=withdrawal)

    def _apply(self, command: Command) -> tuple[Reject | None, Withdrawal | None]:
        if self.refusal is not None:
            return self.refusal, None
        if isinstance(command, RequestWithdrawal):
            return self._request(command)
        assert isinstance(command, CancelWithdrawal | ResolveWithdrawal)
        found = self.pending.get(command.withdrawal_id)
        is_cancel = isinstance(command, CancelWithdrawal)
        if found is None or (is_cancel and found.account_id != command.account_id):
            return Reject.UNKNOWN_WITHDRAWAL, None
        del self.pending[command.withdrawal_id]
        is_settled = isinstance(command, ResolveWithdrawal) and command.is_settled
        if is_settled:
            self.gone += found.amount_atoms
        else:
            self.available += found.amount_atoms
        self.ends[found.withdrawal_id] = (
            "cancelled" if is_cancel else "settled" if is_settled else "refused"
        )
        return None, found

    def _request(self, command: RequestWithdrawal) -> tuple[Reject | None, Withdrawal | None]:
        if command.amount_atoms > self.available:
            return Reject.INSUFFICIENT_FUNDS, None
        self.available -= command.amount_atoms
        made = Withdrawal(
            self.last_n,
            command.account_id,
            command.asset,
            command.amount_atoms,
            command.reference,
            self.last_n * 1_000_000_000,
        )
        self.pending[made.withdrawal_id] = made
        return None, made

    @property
    def held(self) -> int:
        return sum(withdrawal.amount_atoms for withdrawal in self.pending.values())

    def forget(self) -> None:
        """Let the idempotency window pass."""
        self.results.clear()
        self.last_n += 1_000


class FakeStore:
    """Reads the rows of a FakeEngine as Redis would give them."""

    def __init__(self, engine: FakeEngine) -> None:
        self.keys = Keys("rialto")
        self.is_up = True
        self._engine = engine

    async def last_n(self) -> int:
        self._check()
        return self._engine.last_n

    async def read(self, command: Sequence[object]) -> tuple[int, list[object]]:
        self._check()
        name, key, *fields = command
        if name == "HSCAN":
            rows = {str(n).encode(): encode(row) for n, row in sorted(self._engine.pending.items())}
            return 0, [(0, rows)]
        engine = self._engine
        found: Any = engine.pending if key == self.keys.withdrawals else engine.results
        return 0, [[encode(found[one]) if one in found else None for one in fields]]

    def _check(self) -> None:
        if not self.is_up:
            raise ApiError("REDIS_UNAVAILABLE")


def ledger_of(store: FakeStore) -> WithdrawalLedger:
    return WithdrawalLedger(cast(Store, store))


LOST: tuple[Outcome, ...] = (Unknown(), Accepted(1))
