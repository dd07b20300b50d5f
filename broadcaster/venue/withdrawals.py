"""The withdrawals that are asked for and not decided, by account.

The rule of this file: it can say what was pending at a moment that has just passed. The rows of an
account are read at one moment, and the events are followed at their own pace; a snapshot has to be
of one moment, or a client would miss a withdrawal that falls in between.

The engine's row holds the pending ones of all accounts, so it is read once, at the load, and
followed after that: no account's snapshot costs more because others withdraw.
"""

from collections import deque
from collections.abc import Iterable

from shared.messages import (
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)

# Rows are answered within milliseconds of their moment; the operator settles thousands at once.
ENDED_KEPT_MAX = 10_000


class _Known:
    """A withdrawal, and between which sequences of the venue it is pending."""

    __slots__ = ("ended_at", "requested_at", "withdrawal")

    def __init__(self, withdrawal: Withdrawal, requested_at: int) -> None:
        self.withdrawal = withdrawal
        self.requested_at = requested_at
        self.ended_at: int | None = None


class PendingWithdrawals:
    """All that are pending, and those that ended lately."""

    def __init__(self, sequence: int, withdrawals: Iterable[Withdrawal]) -> None:
        self._known_since = sequence  # What was pending before that is not known.
        self._by_account: dict[int, dict[int, _Known]] = {}
        self._ended: deque[_Known] = deque()
        for withdrawal in withdrawals:
            self._add(withdrawal, sequence)

    def request(self, event: WithdrawalRequested, at_ns: int) -> None:
        """Take over that one was asked for."""
        change = event.change
        withdrawal = Withdrawal(
            withdrawal_id=event.withdrawal_id,
            account_id=event.account_id,
            asset=change.asset,
            amount_atoms=abs(change.held_change),
            reference=event.reference,
            requested_at_ns=at_ns,
        )
        self._add(withdrawal, event.sequence)

    def end(self, event: WithdrawalSettled | WithdrawalReturned) -> None:
        """Take over that one is decided."""
        known = self._by_account.get(event.account_id, {}).get(event.withdrawal_id)
        if known is None:
            return
        known.ended_at = event.sequence
        self._ended.append(known)
        if len(self._ended) > ENDED_KEPT_MAX:
            self._forget(self._ended.popleft())

    def pending_at(self, sequence: int, account_id: int) -> list[Withdrawal] | None:
        """Return what was pending then, which is not later than now; None: too long ago."""
        if sequence < self._known_since:
            return None
        return [
            known.withdrawal
            for known in self._by_account.get(account_id, {}).values()
            if known.requested_at <= sequence
            and (known.ended_at is None or known.ended_at > sequence)
        ]

    def _add(self, withdrawal: Withdrawal, sequence: int) -> None:
        of_account = self._by_account.setdefault(withdrawal.account_id, {})
        of_account[withdrawal.withdrawal_id] = _Known(withdrawal, sequence)

    def _forget(self, known: _Known) -> None:
        assert known.ended_at is not None, "only what has ended is forgotten"
        self._known_since = max(self._known_since, known.ended_at)
        account_id = known.withdrawal.account_id
        of_account = self._by_account[account_id]
        del of_account[known.withdrawal.withdrawal_id]
        if not of_account:
            del self._by_account[account_id]
