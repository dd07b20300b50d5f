"""What can go wrong on a connection, in words: refusals, error codes, and how a connection ends.

The rule of this file: the page and the document show these tables as they stand; a test compares
them with what the broadcaster raises.
"""

from collections.abc import Mapping
from types import MappingProxyType

ERROR_CODES: Mapping[str, str] = MappingProxyType(
    {
        "BAD_MESSAGE": "not one JSON object in a text frame",
        "UNKNOWN_OP": "`op` is none of subscribe, unsubscribe, list, auth, ping",
        "INVALID_FIELD": "a field is missing, unknown, of the wrong type or out of bounds, or the "
        "channel does not take it",
        "UNKNOWN_CHANNEL": "no channel of this name",
        "UNKNOWN_MARKET": "no market of this name",
        "AUTH_REQUIRED": "the channel needs `auth` first",
        "INVALID_TOKEN": "no token of this venue: log in again",
        "TOKEN_EXPIRED": "refresh, or log in again",
        "SESSION_REVOKED": "the session of the token has ended: log in again",
        "ACCOUNT_MISMATCH": "a token of another account: open another connection for it",
        "TOO_MANY_CONNECTIONS": "20 authenticated connections of one account",
        "TOO_MANY_SUBSCRIPTIONS": "200 on one connection, 20 of them patterns, for 2,000 channels; "
        "with the id null when a channel came that is one too many",
        "RATE_LIMITED": "more than 10 messages a second (200 at once); the message was "
        "not read, so the id is null",
        "NOT_READY": "the broadcaster has just started: try again in a second",
    }
)

DOOR_CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {  # Code -> (status of HTTP, why there is no connection).
        "BAD_REQUEST": (400, "no request that could be answered"),
        "TOKEN_IN_URL": (400, "a token in the address, where it does not belong"),
        "UNKNOWN_PARAMETER": (400, "a parameter other than `ticket`"),
        "INVALID_TICKET": (401, "a ticket that is used, expired or unknown: get another one"),
        "ORIGIN_NOT_ALLOWED": (
            403,
            "a page of another origin (setting `ws_allowed_origins`; programs send none and get "
            "in)",
        ),
        "UNKNOWN_ROUTE": (404, "another path"),
        "REQUEST_TOO_LARGE": (431, "a request with a head above 16 KiB"),
        "TOO_MANY_CONNECTIONS": (503, "close one, or try again later"),
        "NOT_READY": (503, "tickets cannot be looked up: try again in a second"),
    }
)

CLOSE_CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {  # Code -> (why, what to do).
        1007: ("text that is no UTF-8", "correct the client"),
        1008: (
            "too many bad messages (50, one more each 10 s) or frames (1,000, 50 more a second)",
            "correct the client",
        ),
        1009: ("a message above 16 KiB", "correct the client"),
        1011: ("no pong within 20 s", "reconnect"),
        1012: ("the service restarts", "reconnect after `reconnect_after_ms`"),
        1013: ("a ticket of an account with 20 connections", "close one, or try again later"),
        4401: (
            "the token has expired, or its session was revoked",
            "refresh or log in, reconnect",
        ),
        4408: ("nothing is subscribed and nothing was said for a minute", "subscribe sooner"),
        4409: ("8 MiB behind on `account` or with answers", "read faster; reconnect"),
    }
)


def error_table() -> str:
    """Return the table of the error codes in Markdown."""
    rows = [f"| `{code}` | {meaning} |\n" for code, meaning in ERROR_CODES.items()]
    return "| code | meaning |\n|---|---|\n" + "".join(rows)


def door_table() -> str:
    """Return the table of the refusals before a connection in Markdown."""
    rows = [f"| {status} `{code}` | {why} |\n" for code, (status, why) in DOOR_CODES.items()]
    return "| answer | why |\n|---|---|\n" + "".join(rows)


def close_table() -> str:
    """Return the table of how a connection ends in Markdown."""
    rows = [f"| {code} | {why} | {what} |\n" for code, (why, what) in CLOSE_CODES.items()]
    return "| code | why | what to do |\n|---|---|---|\n" + "".join(rows)
