"""Withdrawals that are asked for first: requested, then settled by the operator, or returned.

The rule of this file: while a withdrawal is pending its amount is held, as an order's is; it leaves
the venue, or is available again, in the very step that ends it. Its id is the number of its request
in the journal: an entry makes at most one, so no counter has to be kept, and a repeated command,
which is answered with the number of the first, names the same withdrawal.
"""

from engine.core import rules
from engine.core.ledger import Account, Balance
from engine.core.rules import Refusal
from engine.core.state import State
from engine.core.venue import Answer, payable
from shared.messages import (
    CancelWithdrawal,
    Event,
    Reject,
    RequestWithdrawal,
    ResolveWithdrawal,
    ReturnReason,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)

_UNKNOWN = Refusal(Reject.UNKNOWN_WITHDRAWAL, "withdrawal_id")


def request_withdrawal(state: State, command: RequestWithdrawal) -> Answer:
    balance = payable(state, command, rules.amount_fault(command))
    if isinstance(balance, Refusal):
        return balance
    account, account_sequence = state.next_private_event(command.account_id)
    withdrawal = Withdrawal(
        state.n,
        account.account_id,
        command.asset,
        command.amount_atoms,
        command.reference,
        state.at_ns,
    )
    change = state.ledger.move(balance, -withdrawal.amount_atoms, withdrawal.amount_atoms)
    state.add_withdrawal(account, withdrawal)
    return [
        WithdrawalRequested(
            state.next_event(),
            account.account_id,
            account_sequence,
            change,
            withdrawal.withdrawal_id,
            withdrawal.reference,
        )
    ]


def cancel_withdrawal(state: State, command: CancelWithdrawal) -> Answer:
    # Looked for among its own, so somebody else's is as unknown as one that never was.
    account = state.ledger.account(command.account_id)
    withdrawal = account.withdrawals.get(command.withdrawal_id)
    if withdrawal is None:
        return _UNKNOWN
    return [_returned(state, withdrawal, ReturnReason.REQUESTED)]


def resolve_withdrawal(state: State, command: ResolveWithdrawal) -> Answer:
    withdrawal = state.withdrawals.get(command.withdrawal_id)
    if withdrawal is None:
        return _UNKNOWN
    if command.is_settled:
        return [_settled(state, withdrawal)]
    return [_returned(state, withdrawal, ReturnReason.REFUSED)]


def _settled(state: State, withdrawal: Withdrawal) -> Event:
    account, balance = _taken_out(state, withdrawal)
    return WithdrawalSettled(
        state.next_event(),
        account.account_id,
        state.ledger.next_sequence(account),
        state.ledger.settle(balance, withdrawal.amount_atoms),
        withdrawal.withdrawal_id,
        withdrawal.reference,
        withdrawal.requested_at_ns,
    )


def _returned(state: State, withdrawal: Withdrawal, reason: ReturnReason) -> Event:
    account, balance = _taken_out(state, withdrawal)
    return WithdrawalReturned(
        state.next_event(),
        account.account_id,
        state.ledger.next_sequence(account),
        state.ledger.move(balance, withdrawal.amount_atoms, -withdrawal.amount_atoms),
        withdrawal.withdrawal_id,
        withdrawal.reference,
        reason,
        withdrawal.requested_at_ns,
    )


def _taken_out(state: State, withdrawal: Withdrawal) -> tuple[Account, Balance]:
    """Take a withdrawal out of the pending ones and return whose it is, and what it is part of."""
    account = state.ledger.account(withdrawal.account_id)
    state.end_withdrawal(account, withdrawal)
    return account, state.ledger.balance(account, withdrawal.asset)
