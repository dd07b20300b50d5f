"""Statements: each line says what changed of one asset of an account, why, and what it is now.

The rule of this file: whatever moves money leaves a line, and nothing else does; the lines of an
account and asset, added up, are its balance. Those of trades are in `trades`.
"""

from collections.abc import Callable
from typing import Any

from history.projection.page import Page
from history.projection.rows import NO_TRADE, DepositRow, LedgerRow, WithdrawalRow, row_of
from shared import messages as m

ONLY_LEG = NO_FEE = 0


class Statement:
    """Writes the lines, and the deposits and withdrawals that are behind them."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def line(
        self,
        event: Any,
        account_id: int,
        change: m.BalanceChange,
        cause: str,
        *,
        market: str = "",
        order_id: int = 0,
        withdrawal_id: int = 0,
        counterparty_account_id: int = 0,
        reference: str = "",
    ) -> None:
        """Write a line, if anything has changed; see `LedgerRow`. Those of trades are `Trades`'."""
        if not (change.available_change or change.held_change):
            return
        row = (
            account_id,
            change.asset,
            event.sequence,
            ONLY_LEG,
            self._page.at_ns,
            self._page.n,
            cause,
            change.available_change,
            change.held_change,
            change.available,
            change.held,
            NO_FEE,
            market,
            order_id,
            NO_TRADE,
            withdrawal_id,
            counterparty_account_id,
            reference,
        )
        self._page.batch.ledger.append(row_of(LedgerRow, row))

    def _deposited(self, event: m.FundsDeposited) -> None:
        change = event.change
        self.line(event, event.account_id, change, "deposit", reference=event.reference)
        page, what = self._page, (change.asset, change.available_change, event.reference)
        row = DepositRow(event.sequence, page.at_ns, page.n, event.account_id, *what)
        page.batch.deposits.append(row)

    def _withdrawn(self, event: m.FundsWithdrawn) -> None:
        change, reference = event.change, event.reference
        self.line(event, event.account_id, change, "withdrawal", reference=reference)
        n, at_ns = self._page.n, self._page.at_ns
        self._withdrawal(event, n, -change.available_change, at_ns, "immediate")

    def _transferred(self, event: m.FundsTransferred) -> None:
        self.line(
            event,
            event.account_id,
            event.change,
            "transfer",
            counterparty_account_id=event.counterparty_account_id,
            reference=event.reference,
        )

    def _fees_paid_out(self, event: m.FeesPaidOut) -> None:
        cause, reference = "fees_paid_out", event.reference
        self.line(event, event.account_id, event.change, cause, reference=reference)

    def _withdrawal_requested(self, event: m.WithdrawalRequested) -> None:
        self._withdrawal_line(event, "withdrawal_requested")
        amount_atoms = event.change.held_change
        self._withdrawal(event, event.withdrawal_id, amount_atoms, self._page.at_ns, "pending")

    def _withdrawal_settled(self, event: m.WithdrawalSettled) -> None:
        self._withdrawal_line(event, "withdrawal_settled")
        amount_atoms, asked_at_ns = -event.change.held_change, event.requested_at_ns
        self._withdrawal(event, event.withdrawal_id, amount_atoms, asked_at_ns, "settled")

    def _withdrawal_returned(self, event: m.WithdrawalReturned) -> None:
        self._withdrawal_line(event, "withdrawal_returned")
        is_refused = event.reason is m.ReturnReason.REFUSED
        status = "refused" if is_refused else "cancelled"
        amount_atoms, asked_at_ns = -event.change.held_change, event.requested_at_ns
        self._withdrawal(event, event.withdrawal_id, amount_atoms, asked_at_ns, status)

    def _withdrawal_line(
        self,
        event: m.WithdrawalRequested | m.WithdrawalSettled | m.WithdrawalReturned,
        cause: str,
    ) -> None:
        self.line(
            event,
            event.account_id,
            event.change,
            cause,
            withdrawal_id=event.withdrawal_id,
            reference=event.reference,
        )

    def _withdrawal(
        self, event: Any, withdrawal_id: int, amount_atoms: int, asked_at_ns: int, status: str
    ) -> None:
        is_pending = status == "pending"
        self._page.batch.withdrawals[withdrawal_id] = WithdrawalRow(
            withdrawal_id,
            asked_at_ns,
            event.account_id,
            event.change.asset,
            amount_atoms,
            event.reference,
            status,
            0 if is_pending else self._page.at_ns,
            0 if is_pending else self._page.n,
            event.sequence,
        )


MOVES: dict[type, Callable[[Statement, Any], None]] = {
    m.FundsDeposited: Statement._deposited,
    m.FundsWithdrawn: Statement._withdrawn,
    m.FundsTransferred: Statement._transferred,
    m.FeesPaidOut: Statement._fees_paid_out,
    m.WithdrawalRequested: Statement._withdrawal_requested,
    m.WithdrawalSettled: Statement._withdrawal_settled,
    m.WithdrawalReturned: Statement._withdrawal_returned,
}
