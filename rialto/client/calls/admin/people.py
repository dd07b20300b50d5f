"""An operator's calls about users, accounts and limits.

The rule of this file: one function for each route.
"""

from rialto.client.call import Call, new_key, part
from shared.rest.identity import TotpState
from shared.rest.limits import AccountLimitsBody, AccountLimitsView, BanList, BanView
from shared.rest.operating import (
    AccountAnswer,
    AdminAccountView,
    ReasonBody,
    SuspensionBody,
    TierBody,
)
from shared.rest.users import ResetCode, RoleName, UserList, UserPatch, UserView

_ADMIN = "/api/v1/admin"


def users(
    *, cursor: str | None = None, limit: int | None = None, username: str | None = None
) -> Call[UserList]:
    """Return a page of the users, oldest first: all, or those whose names begin so."""
    query = {"cursor": cursor, "limit": limit, "username": username}
    return Call("GET", f"{_ADMIN}/users", UserList, query=query)


def change_user(
    user_id: int,
    reason: str,
    *,
    role: RoleName | None = None,
    is_disabled: bool | None = None,
) -> Call[UserView]:
    """Change what is given, which ends the user's sessions."""
    body = UserPatch(reason=reason, role=role, is_disabled=is_disabled)
    return Call("PATCH", _user(user_id), UserView, body)


def issue_reset_code(user_id: int, reason: str) -> Call[ResetCode]:
    """Issue a code for a forgotten password; it is told once."""
    return Call("POST", f"{_user(user_id)}/reset-code", ResetCode, ReasonBody(reason=reason))


def remove_totp_of(user_id: int, reason: str) -> Call[TotpState]:
    """Switch a user's second factor off."""
    return Call("POST", f"{_user(user_id)}/remove-totp", TotpState, ReasonBody(reason=reason))


def account(account_id: int) -> Call[AdminAccountView]:
    """Return an account, its owner and what it has."""
    return Call("GET", _account(account_id), AdminAccountView)


def set_tier(
    account_id: int, tier: int, reason: str, *, idempotency_key: str = ""
) -> Call[AccountAnswer]:
    """Give an account another fee tier."""
    body, key = TierBody(tier=tier, reason=reason), idempotency_key or new_key()
    return Call("PUT", f"{_account(account_id)}/tier", AccountAnswer, body, key=key)


def set_suspension(
    account_id: int,
    is_suspended: bool,
    reason: str,
    *,
    cancel_orders: bool = True,
    idempotency_key: str = "",
) -> Call[AccountAnswer]:
    """Suspend an account, which may then only cancel, or let it trade again."""
    body = SuspensionBody(is_suspended=is_suspended, cancel_orders=cancel_orders, reason=reason)
    key = idempotency_key or new_key()
    return Call("PUT", f"{_account(account_id)}/suspension", AccountAnswer, body, key=key)


def account_limits(account_id: int) -> Call[AccountLimitsView]:
    """Return the limits of an account."""
    return Call("GET", f"{_account(account_id)}/limits", AccountLimitsView)


def set_account_limits(
    account_id: int,
    reason: str,
    *,
    orders_per_10s: int | None = None,
    orders_per_day: int | None = None,
) -> Call[AccountLimitsView]:
    """Give an account limits of its own; with neither, it has everybody's again."""
    body = AccountLimitsBody(
        reason=reason, orders_per_10s=orders_per_10s, orders_per_day=orders_per_day
    )
    return Call("PUT", f"{_account(account_id)}/limits", AccountLimitsView, body, repeats=True)


def bans(*, limit: int | None = None) -> Call[BanList]:
    """Return the addresses that are shut out now, newest first."""
    return Call("GET", f"{_ADMIN}/limits/bans", BanList, query={"limit": limit})


def lift_ban(address: str, reason: str) -> Call[BanView]:
    """Let a banned address back in."""
    query = {"address": address, "reason": reason}
    return Call("DELETE", f"{_ADMIN}/limits/bans", BanView, query=query)


def _user(user_id: int) -> str:
    return f"{_ADMIN}/users/{part('user_id', user_id)}"


def _account(account_id: int) -> str:
    return f"{_ADMIN}/accounts/{part('account_id', account_id)}"
