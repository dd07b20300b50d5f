"""Calls about who is asking. The rule of this file: one function for each route."""

from rialto.client.call import Call, part
from shared.rest.identity import (
    Credentials,
    LoggedIn,
    LoginBody,
    Me,
    PasswordBody,
    PasswordResetBody,
    RefreshBody,
    Registered,
    SessionList,
    SessionsEnded,
    Ticket,
    TotpBeginBody,
    TotpBegun,
    TotpConfirmBody,
    TotpRemoveBody,
    TotpState,
    UserName,
)

_AUTH = "/api/v1/auth"


def register(username: str, password: str) -> Call[Registered]:
    """Register a user with an account of its own."""
    return Call(
        "POST", f"{_AUTH}/register", Registered, Credentials(username, password), is_open=True
    )


def log_in(
    username: str,
    password: str,
    *,
    totp_code: str | None = None,
    account_id: int | None = None,
) -> Call[LoggedIn]:
    """Get tokens, for one of the user's accounts or for the main one."""
    body = LoginBody(username, password, totp_code, account_id)
    return Call("POST", f"{_AUTH}/login", LoggedIn, body, is_open=True)


def refresh(refresh_token: str, *, account_id: int | None = None) -> Call[LoggedIn]:
    """Get the next tokens, for the same account or another one; the token is used up by it."""
    body = RefreshBody(refresh_token, account_id)
    # An answer that was lost is given again, for longer than any call takes.
    return Call("POST", f"{_AUTH}/refresh", LoggedIn, body, repeats=True, is_open=True)


def log_out() -> Call[SessionsEnded]:
    """End the session of the token."""
    return Call("POST", f"{_AUTH}/logout", SessionsEnded)


def me() -> Call[Me]:
    """Return who the token speaks for."""
    return Call("GET", f"{_AUTH}/me", Me)


def sessions() -> Call[SessionList]:
    """Return the user's sessions, the last used first."""
    return Call("GET", f"{_AUTH}/sessions", SessionList)


def end_session(session_id: str) -> Call[SessionsEnded]:
    """End one session."""
    path = f"{_AUTH}/sessions/{part('session_id', session_id)}"
    return Call("DELETE", path, SessionsEnded)


def end_other_sessions() -> Call[SessionsEnded]:
    """End all sessions but this one."""
    return Call("DELETE", f"{_AUTH}/sessions", SessionsEnded, repeats=True)


def feed_ticket() -> Call[Ticket]:
    """Get what opens one connection to the feed, for who cannot send the token on it."""
    # A ticket whose answer was lost opens nothing: nobody knows it.
    return Call("POST", f"{_AUTH}/ticket", Ticket, repeats=True)


def change_password(
    current_password: str, new_password: str, *, totp_code: str | None = None
) -> Call[UserName]:
    """Set a new password, which ends all sessions but this one."""
    body = PasswordBody(current_password, new_password, totp_code)
    return Call("POST", f"{_AUTH}/password", UserName, body)


def reset_password(username: str, code: str, new_password: str) -> Call[UserName]:
    """Set a new password with a code that an operator issued, which ends all sessions."""
    body = PasswordResetBody(username, code, new_password)
    return Call("POST", f"{_AUTH}/password/reset", UserName, body, is_open=True)


def begin_totp(current_password: str) -> Call[TotpBegun]:
    """Get a secret for an authenticator; nothing changes until a code of it is confirmed."""
    return Call("POST", f"{_AUTH}/totp", TotpBegun, TotpBeginBody(current_password))


def confirm_totp(totp_code: str) -> Call[TotpState]:
    """Switch the second factor on."""
    return Call("POST", f"{_AUTH}/totp/confirm", TotpState, TotpConfirmBody(totp_code))


def remove_totp(current_password: str, totp_code: str) -> Call[TotpState]:
    """Switch the second factor off."""
    body = TotpRemoveBody(current_password, totp_code)
    return Call("POST", f"{_AUTH}/totp/remove", TotpState, body)
