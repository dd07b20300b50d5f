"""Calls about who is asking. The rule of this file: one function for each route."""

from rialto.client.call import Call, fields
from shared.rest.identity import LoggedIn, Registered

_AUTH = "/api/v1/auth"


def register(username: str, password: str) -> Call[Registered]:
    """Register a user with an account of its own."""
    body = fields(username=username, password=password)
    return Call("POST", f"{_AUTH}/register", Registered, body, is_open=True)


def log_in(username: str, password: str) -> Call[LoggedIn]:
    """Get tokens."""
    body = fields(username=username, password=password)
    return Call("POST", f"{_AUTH}/login", LoggedIn, body, is_open=True)
