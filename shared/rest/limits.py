"""What operators read and write of limits.

The rule of this file: shapes only.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.audit import Reason

OwnLimit = Annotated[
    int,
    Meta(
        ge=0,
        le=10_000_000_000,
        description="0 is no limit; left out or null it is as for everybody.",
        examples=[100_000],
    ),
]


class BanView(Struct, frozen=True):
    """An address that is shut out; `count` is the how manieth time in a row. Unix seconds."""

    address: str
    count: int
    at_s: int
    until_s: int


class BanList(Struct, frozen=True):
    """The bans that hold now, the newest first; `total` counts those that are not shown too."""

    bans: list[BanView]
    total: int


class AccountLimitsBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The limits of one account in place of everybody's; its keys have the same."""

    reason: Reason
    orders_per_10s: OwnLimit | None = None
    orders_per_day: OwnLimit | None = None


class AccountLimitsView(Struct, frozen=True):
    """The limits of one account; null is as for everybody, 0 is none."""

    account_id: int
    orders_per_10s: int | None
    orders_per_day: int | None
