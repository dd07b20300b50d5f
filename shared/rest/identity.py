"""Who is asking: what is sent to register and log in, and what comes back.

The rule of this file: shapes only.
"""

from typing import Annotated

from msgspec import Meta, Struct


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """A name and a password."""

    username: Annotated[str, Meta(examples=["alice"])]
    password: Annotated[str, Meta(examples=["correct horse battery"])]


class Registered(Struct, frozen=True):
    """A new user and the account that is theirs."""

    user_id: int
    username: str
    account_id: int


class LoggedIn(Struct, frozen=True):
    """Send it as `Authorization: Bearer <access_token>`."""

    access_token: str
    token_type: str
    expires_in_s: int
    account_id: int
