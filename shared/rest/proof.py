"""The proof report, and what the venue has earned, as an operator reads it.

The rule of this file: shapes only; amounts are decimal text.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.audit import Reason
from shared.rest.texts import Amount


class AssetProofView(Struct, frozen=True):
    """One asset: `difference` is what is there too much, and must be 0."""

    asset: str
    deposits: str
    withdrawals: str
    available: str
    held: str
    fees: str
    difference: str


class ProofView(Struct, frozen=True):
    """All assets, of one instant: when `sequence` was the last event, at journal entry `position`.

    `balances` is how many rows were added up.
    """

    adds_up: bool
    position: int
    sequence: int
    balances: int
    assets: list[AssetProofView]


class FeesView(Struct, frozen=True):
    """What the venue has earned and not paid out, by asset."""

    fees: dict[str, str]
    sequence: int


class PayoutBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give of the fees to an account; a reference counts once, for ever."""

    asset: Annotated[str, Meta(examples=["INR"])]
    amount: Annotated[Amount, Meta(examples=["250.5"])]
    account: int
    reference: Annotated[str, Meta(examples=["fees-2031-05"])]
    reason: Reason


class PayoutAnswer(Struct, frozen=True):
    """The fees are in the account. `fees_left` is what is left to pay out, or null when that cannot
    be read just now.
    """

    account_id: int
    asset: str
    amount: str
    reference: str
    fees_left: str | None
    n: int
    sequence: int
    replayed: bool
