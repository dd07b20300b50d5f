"""Money in and out: what its owner and an operator ask for, and what they are told.

The rule of this file: shapes only; amounts are decimal text, and null is what there is not yet.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.account import BalanceView
from shared.rest.audit import Reason
from shared.rest.texts import Amount

DESTINATION_LENGTH_MAX = 256  # An IBAN with a name, or the address of any chain.
EXTERNAL_REFERENCE_LENGTH_MAX = 128

_Asset = Annotated[str, Meta(examples=["INR"])]
_Reference = Annotated[
    str,
    Meta(description="1 to 56 letters, digits or any of _ . : -", examples=["rent-2031-05"]),
]


class WithdrawalBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask for money out; it is held at once, and goes when an operator has approved it."""

    asset: _Asset
    amount: Annotated[Amount, Meta(examples=["250"])]
    destination: Annotated[
        str,
        Meta(
            description="Where it should go: one line of at most 256 characters.",
            examples=["IBAN DE89 3704 0044 0532 0130 00, A. Trader"],
        ),
    ]
    totp_code: Annotated[
        str | None, Meta(description="Needed if you log in with one.", examples=["123456"])
    ] = None


class WithdrawalView(Struct, frozen=True, kw_only=True):
    """A withdrawal.

    `status` is `pending` (held, and waits for an operator), `settled` (gone out), `refused` by an
    operator or `cancelled` by its owner (both: available again), or `ended`: it is not pending any
    more, and only the ledger's journal knows how it ended.
    """

    withdrawal_id: int
    account_id: int
    asset: str
    amount: str
    destination: str
    status: str
    reason: str
    external_reference: str
    requested_at_ns: int
    ended_at_ns: int | None


class WithdrawalAnswer(WithdrawalView, frozen=True, kw_only=True):
    """The withdrawal as it is now.

    `n` is the journal entry that did what was asked, whose effect a read with `min_sequence` of
    `sequence` sees; both are 0 when nobody remembers them any more.
    """

    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class Withdrawals(Struct, frozen=True):
    """A page, newest first; `next_cursor` is null on the last one."""

    withdrawals: list[WithdrawalView]
    next_cursor: str | None


class DepositView(Struct, frozen=True, kw_only=True):
    """Money that came in."""

    account_id: int
    asset: str
    amount: str
    reference: str
    n: int
    sequence: int
    created_at_s: int


class Deposits(Struct, frozen=True):
    """A page, newest first; `next_cursor` is null on the last one."""

    deposits: list[DepositView]
    next_cursor: str | None


class OperatorsDepositView(DepositView, frozen=True, kw_only=True):
    """A deposit as an operator sees it.

    `state` is `done`, `refused` (`answer_code` says why), or `sent`: its answer never came, and the
    same deposit with the same reference asks for it.
    """

    state: str
    answer_code: str


class OperatorsDeposits(Struct, frozen=True):
    """A page, newest first; `next_cursor` is null on the last one."""

    deposits: list[OperatorsDepositView]
    next_cursor: str | None


class OperatorsWithdrawalView(WithdrawalView, frozen=True, kw_only=True):
    """A withdrawal as an operator sees it.

    `decision` is what was decided last, by whom: `settle`, `refuse` or `cancel`. While `status` is
    still `pending`, that is on its way, or its sender died; whoever decides again completes it. A
    `destination` of "" is of a withdrawal that this database has only from the ledger.
    """

    decision: str
    decided_by: str


class OperatorsWithdrawals(Struct, frozen=True):
    """A page, newest first; `next_cursor` is null on the last one."""

    withdrawals: list[OperatorsWithdrawalView]
    next_cursor: str | None


class DecisionAnswer(OperatorsWithdrawalView, frozen=True, kw_only=True):
    """The withdrawal after the decision; `replayed`: it was decided so before.

    `n` and `sequence` are those of the journal entry that ended it, 0 when nobody remembers them.
    """

    n: int
    sequence: int
    replayed: bool


class ApproveBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The money has left: take it out of the ledger."""

    reason: Reason = "Approved."
    external_reference: Annotated[
        str, Meta(description="Of the bank or the chain.", examples=["SEPA-2031-05-0117"])
    ] = ""


class RefuseBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The money stays: give it back to its owner, who reads the reason."""

    reason: Reason


class MoneyAccepted(Struct, frozen=True):
    """On the journal as entry `n`, and will be carried out once; look at status_url."""

    code: str
    n: int
    idempotency_key: str
    status_url: str


class TransferBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From the token's account to another account of the same user."""

    to_account_id: Annotated[int, Meta(examples=[381580437626449])]
    asset: _Asset
    amount: Annotated[Amount, Meta(examples=["250"])]
    reference: _Reference | None = None


class TransferAnswer(Struct, frozen=True, kw_only=True):
    """The transfer is in the ledger, on both accounts at `sequence`.

    The balances are those of the asset now, or null when they cannot be read just now.
    """

    from_account_id: int
    to_account_id: int
    asset: str
    amount: str
    reference: str
    from_balance: BalanceView | None
    to_balance: BalanceView | None
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class TransferStatus(Struct, frozen=True):
    """What became of a transfer: it is in the ledger since `sequence`."""

    n: int
    sequence: int
    idempotency_key: str


class FaucetBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask for play money."""

    asset: _Asset


class FaucetAnswer(Struct, frozen=True, kw_only=True):
    """Play money is in the account; the next of this asset comes tomorrow."""

    account_id: int
    asset: str
    amount: str
    reference: str
    n: int
    sequence: int
    next_at_s: int
