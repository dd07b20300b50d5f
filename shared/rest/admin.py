"""What an operator asks for, and is told.

The rule of this file: shapes only; amounts are decimal text.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.account import BalanceView
from shared.rest.audit import Reason
from shared.rest.texts import Amount


class DepositBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Credit an account, named by its user or by its number; a reference counts once, for ever."""

    asset: Annotated[str, Meta(examples=["INR"])]
    amount: Annotated[Amount, Meta(examples=["100000"])]
    reference: Annotated[str, Meta(examples=["bank-2031-05-01-17"])]
    username: str | None = None
    account: int | None = None
    reason: Reason = "Credited."


class DepositAnswer(Struct, frozen=True):
    """The deposit is in the ledger.

    `balance` is what the account has now, or null when that cannot be read just now.
    """

    account_id: int
    asset: str
    amount: str
    reference: str
    balance: BalanceView | None
    n: int
    sequence: int
    replayed: bool
