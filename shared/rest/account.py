"""What an account has.

The rule of this file: shapes only; amounts are decimal text.
"""

from msgspec import Struct


class BalanceView(Struct, frozen=True):
    """`held` is what open orders hold; `total` is both."""

    available: str
    held: str
    total: str


class Balances(Struct, frozen=True):
    """Every asset of the exchange, also where there is nothing, as it stood at `sequence`."""

    account_id: int
    balances: dict[str, BalanceView]
    sequence: int
