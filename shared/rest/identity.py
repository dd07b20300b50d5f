"""Who is asking: what is sent to register and log in, and what comes back.

The rule of this file: shapes only.
"""

from typing import Annotated

from msgspec import Meta, Struct

Username = Annotated[str, Meta(examples=["alice"])]
Password = Annotated[str, Meta(examples=["correct horse battery"])]
NewPassword = Annotated[
    str,
    Meta(
        description="8 to 128 characters, and not among the first to be guessed.",
        examples=["correct horse battery"],
    ),
]
TotpCode = Annotated[
    str, Meta(description="Six digits, of the user's authenticator.", examples=["123456"])
]
AccountId = Annotated[
    int,
    Meta(description="One of the user's accounts; without it, the main one.", examples=[381580437]),
]
TimeS = Annotated[int, Meta(description="Unix seconds.", examples=[1_795_228_764])]
Label = Annotated[str, Meta(description="1 to 32 characters.", examples=["grid bot"])]
Door = Annotated[str, Meta(description="public, or admin for the operators' door.")]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """A name and a password."""

    username: Username
    password: NewPassword


class LoginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A name and a password, and a code where the user has switched a second factor on."""

    username: Username
    password: Password
    totp_code: TotpCode | None = None
    account_id: AccountId | None = None


class RefreshBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token, which this uses up, and the account to speak for from now on."""

    refresh_token: str
    account_id: Annotated[
        int | None, Meta(description="Another of the user's accounts; without it, the same.")
    ] = None


class PasswordBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by who knows the present one."""

    current_password: Password
    new_password: NewPassword
    totp_code: TotpCode | None = None


class PasswordResetBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by who was given a code by the operator."""

    username: Username
    code: Annotated[str, Meta(examples=["ABCD-EFGH-2345-WXYZ"])]
    new_password: NewPassword


class TotpBeginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The password once more, so that a stolen token alone cannot lock its owner out."""

    current_password: Password


class TotpConfirmBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the authenticator that was given the secret."""

    totp_code: TotpCode


class TotpRemoveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Both factors, once more."""

    current_password: Password
    totp_code: TotpCode


class AccountBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What to call an account."""

    label: Label


class Registered(Struct, frozen=True):
    """A new user and the account that is theirs."""

    user_id: int
    username: str
    account_id: int


class UserName(Struct, frozen=True):
    """Whose password it was."""

    user_id: int
    username: str


class LoggedIn(Struct, frozen=True):
    """Send the first as `Authorization: Bearer <access_token>`; keep the other for when it is over.

    A refresh token is good once: the answer to it has the next one.
    """

    access_token: str
    token_type: str
    expires_in_s: int
    account_id: int
    refresh_token: str
    refresh_expires_in_s: int
    session_id: str


class Me(Struct, frozen=True):
    """Who the token speaks for."""

    user_id: int
    username: str
    role: str
    account_id: Annotated[int, Meta(description="The account of this token.")]
    main_account_id: int
    session_id: str
    totp_enabled: bool
    created_at_s: TimeS


class Ticket(Struct, frozen=True):
    """Connect to the feed at `/ws?ticket=<ticket>`; it is good once."""

    ticket: Annotated[str, Meta(examples=["bWVyZWx5IGFuIGV4YW1wbGUgb2YgYSB0aWNrZXQuLi4"])]
    expires_in_s: Annotated[
        int, Meta(description="At most 30, and never beyond the token.", examples=[30])
    ]


class SessionView(Struct, frozen=True):
    """One login that lasts."""

    session_id: str
    is_current: bool
    door: Door
    account_id: int
    address: Annotated[str, Meta(description="Where it was last used from.")]
    created_at_s: TimeS
    last_used_at_s: Annotated[int, Meta(description="Its login, or its last refresh.")]
    expires_at_s: TimeS


class SessionList(Struct, frozen=True):
    """The sessions of a user, the last used first."""

    sessions: list[SessionView]


class SessionsEnded(Struct, frozen=True):
    """How many sessions this ended."""

    count: int


class TotpBegun(Struct, frozen=True):
    """For the authenticator, told once; nothing changes until a code of it is confirmed."""

    secret: Annotated[str, Meta(description="Base32.")]
    otpauth_uri: Annotated[str, Meta(description="The same, as what a QR code holds.")]


class TotpState(Struct, frozen=True):
    """Whether a login needs a second factor."""

    totp_enabled: bool


class AccountView(Struct, frozen=True):
    """One trading account of the user."""

    account_id: int
    label: str
    is_main: bool
    created_at_s: TimeS


class AccountList(Struct, frozen=True):
    """The trading accounts of the user, the oldest first."""

    accounts: list[AccountView]
