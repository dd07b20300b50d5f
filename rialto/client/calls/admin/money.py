"""An operator's calls about money. The rule of this file: one function for each route.

What is done to money is known by its reference or by the withdrawal's number, for ever, so that
sending it again is safe.
"""

from rialto.client.call import Amount, Call, decimal_text, part
from shared.rest.admin import DepositAnswer, DepositBody
from shared.rest.money import (
    ApproveBody,
    DecisionAnswer,
    OperatorsDeposits,
    OperatorsWithdrawals,
    OperatorsWithdrawalView,
    RefuseBody,
)
from shared.rest.proof import FeesView, PayoutAnswer, PayoutBody

_ADMIN = "/api/v1/admin"
_WITHDRAWALS = f"{_ADMIN}/withdrawals"


def deposit(
    asset: str,
    amount: Amount,
    reference: str,
    *,
    username: str | None = None,
    account: int | None = None,
    reason: str = "Credited.",
) -> Call[DepositAnswer]:
    """Credit an account, named by its user or by its number, once for each reference."""
    body = DepositBody(
        asset=asset,
        amount=decimal_text("amount", amount),
        reference=reference,
        username=username,
        account=account,
        reason=reason,
    )
    return Call("POST", f"{_ADMIN}/deposits", DepositAnswer, body, repeats=True)


def deposits(
    *,
    cursor: str | None = None,
    limit: int | None = None,
    asset: str | None = None,
    account: int | None = None,
    state: str | None = None,
    reference: str | None = None,
) -> Call[OperatorsDeposits]:
    """Return a page of the deposits, newest first; `cursor` is `next_cursor` of the last."""
    query = {
        "cursor": cursor,
        "limit": limit,
        "asset": asset,
        "account": account,
        "state": state,
        "reference": reference,
    }
    return Call("GET", f"{_ADMIN}/deposits", OperatorsDeposits, query=query)


def withdrawals(
    *,
    cursor: str | None = None,
    limit: int | None = None,
    asset: str | None = None,
    status: str | None = None,
    account: int | None = None,
) -> Call[OperatorsWithdrawals]:
    """Return a page of the withdrawals, newest first; `cursor` is `next_cursor` of the last."""
    query = {
        "cursor": cursor,
        "limit": limit,
        "asset": asset,
        "status": status,
        "account": account,
    }
    return Call("GET", _WITHDRAWALS, OperatorsWithdrawals, query=query)


def withdrawal(withdrawal_id: int) -> Call[OperatorsWithdrawalView]:
    """Return one withdrawal."""
    return Call("GET", _one(withdrawal_id), OperatorsWithdrawalView)


def approve_withdrawal(
    withdrawal_id: int, *, external_reference: str = "", reason: str = "Approved."
) -> Call[DecisionAnswer]:
    """Take a withdrawal out of the ledger: the money has left."""
    body = ApproveBody(reason=reason, external_reference=external_reference)
    path = f"{_one(withdrawal_id)}/approve"
    return Call("POST", path, DecisionAnswer, body, repeats=True)


def refuse_withdrawal(withdrawal_id: int, reason: str) -> Call[DecisionAnswer]:
    """Give a withdrawal back to its owner, who reads the reason."""
    path = f"{_one(withdrawal_id)}/refuse"
    return Call("POST", path, DecisionAnswer, RefuseBody(reason=reason), repeats=True)


def fees() -> Call[FeesView]:
    """Return what the venue has earned and not paid out."""
    return Call("GET", f"{_ADMIN}/fees", FeesView)


def pay_out_fees(
    asset: str, amount: Amount, account: int, *, reference: str, reason: str
) -> Call[PayoutAnswer]:
    """Give of the fees to an account, once for each reference."""
    body = PayoutBody(
        asset=asset,
        amount=decimal_text("amount", amount),
        account=account,
        reference=reference,
        reason=reason,
    )
    return Call("POST", f"{_ADMIN}/fees/payouts", PayoutAnswer, body, repeats=True)


def _one(withdrawal_id: int) -> str:
    return f"{_WITHDRAWALS}/{part('withdrawal_id', withdrawal_id)}"
