"""Calls about money in and out. The rule of this file: one function for each route.

A withdrawal is known by its number and needs no other key to be taken back once.
"""

from rialto.client.call import Accepted, Amount, Call, decimal_text, new_key, part
from shared.rest.money import (
    Deposits,
    FaucetAnswer,
    FaucetBody,
    TransferAnswer,
    TransferBody,
    TransferStatus,
    WithdrawalAnswer,
    WithdrawalBody,
    Withdrawals,
    WithdrawalView,
)

_V1 = "/api/v1"
_WITHDRAWALS = f"{_V1}/withdrawals"


def withdraw(
    asset: str,
    amount: Amount,
    destination: str,
    *,
    totp_code: str | None = None,
    idempotency_key: str = "",
) -> Call[WithdrawalAnswer]:
    """Ask for money out; it is held at once, and goes when an operator has approved it."""
    text = decimal_text("amount", amount)
    body = WithdrawalBody(asset=asset, amount=text, destination=destination, totp_code=totp_code)
    return Call("POST", _WITHDRAWALS, WithdrawalAnswer, body, key=idempotency_key or new_key())


def withdrawals(
    *,
    cursor: str | None = None,
    limit: int | None = None,
    asset: str | None = None,
    status: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Withdrawals]:
    """Return a page of your withdrawals, newest first; `cursor` is `next_cursor` of the last."""
    query = {
        "cursor": cursor,
        "limit": limit,
        "asset": asset,
        "status": status,
        "idempotency_key": idempotency_key,
    }
    return Call("GET", _WITHDRAWALS, Withdrawals, query=query)


def withdrawal(withdrawal_id: int) -> Call[WithdrawalView]:
    """Return one withdrawal."""
    return Call("GET", _one(withdrawal_id), WithdrawalView)


def cancel_withdrawal(withdrawal_id: int) -> Call[WithdrawalAnswer]:
    """Take back a pending withdrawal; twice is as good as once."""
    return Call("DELETE", _one(withdrawal_id), WithdrawalAnswer, repeats=True)


def deposits(
    *, cursor: str | None = None, limit: int | None = None, asset: str | None = None
) -> Call[Deposits]:
    """Return a page of what came in, newest first; `cursor` is `next_cursor` of the last."""
    query = {"cursor": cursor, "limit": limit, "asset": asset}
    return Call("GET", f"{_V1}/deposits", Deposits, query=query)


def transfer(
    to_account_id: int,
    asset: str,
    amount: Amount,
    *,
    reference: str | None = None,
    idempotency_key: str = "",
) -> Call[TransferAnswer]:
    """Give to another account of your own, at once."""
    body = TransferBody(
        to_account_id=to_account_id,
        asset=asset,
        amount=decimal_text("amount", amount),
        reference=reference,
    )
    key = idempotency_key or new_key()
    return Call("POST", f"{_V1}/transfers", TransferAnswer, body, key=key)


def transfer_status(
    idempotency_key: str, *, n: int | None = None, fp: str | None = None
) -> Call[TransferStatus]:
    """Return what became of a transfer, by its key; `n` and `fp` are those of a status_url."""
    query = {"idempotency_key": idempotency_key, "n": n, "fp": fp}
    path = f"{_V1}/transfers"
    return Call("GET", path, TransferStatus, query=query, accepted=Accepted.LOOK)


def take_from_faucet(asset: str) -> Call[FaucetAnswer]:
    """Take play money, where there is a faucet: once a day of each asset."""
    return Call("POST", f"{_V1}/faucet", FaucetAnswer, FaucetBody(asset=asset))


def _one(withdrawal_id: int) -> str:
    return f"{_WITHDRAWALS}/{part('withdrawal_id', withdrawal_id)}"
