"""The users, as an operator sees and changes them.

The rule of this file: shapes only; never a password, a hash, or a secret.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

RoleName = Literal["trader", "admin", "auditor"]
Reason = Annotated[str, Meta(description="For the audit log.", examples=["ticket 17"])]


class UserView(Struct, frozen=True):
    """One user."""

    user_id: int
    username: str
    role: RoleName
    account_id: Annotated[int, Meta(description="The main one.")]
    is_disabled: bool
    created_at_s: Annotated[int, Meta(description="Unix seconds.")]


class UserList(Struct, frozen=True):
    """The oldest first; `next_cursor` asks for those after, null when there are none."""

    users: list[UserView]
    next_cursor: str | None


class UserPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of a user; what is not named stays. A change ends all their sessions."""

    reason: Reason
    role: RoleName | None = None
    is_disabled: bool | None = None


class ResetCode(Struct, frozen=True):
    """Tell it to the user, once you know that it is they; it is told once, and works once."""

    user_id: int
    username: str
    code: Annotated[str, Meta(examples=["ABCD-EFGH-2345-WXYZ"])]
    expires_in_s: int
