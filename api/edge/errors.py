"""Every way in which the gateway says no: code, status, sentence.

The rule of this file: a code that is not in `ERRORS` cannot be sent, and a code never changes its
meaning. `docs/errors.md` is this table. A 503 means that nothing was done; a 504 that nobody can
say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ECHO_LENGTH_MAX = 64  # Of what a client sent, no more than this is ever said back.


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One code.

    Its HTTP status, the sentence that is sent unless a better one is known, and a Retry-After.
    """

    status: int
    sentence: str
    retry_after_s: int = 0


_E = ErrorKind

ERRORS: Mapping[str, ErrorKind] = MappingProxyType(
    {
        # The request itself.
        "INVALID_JSON": _E(400, "The body is not valid JSON."),
        "DUPLICATE_FIELD": _E(422, "A field is given twice."),
        "UNKNOWN_FIELD": _E(422, "There is no such field here."),
        "MISSING_FIELD": _E(422, "A field is missing."),
        "INVALID_FIELD": _E(422, "A field has a value of the wrong kind."),
        "AMOUNT_NOT_TEXT": _E(422, 'Send amounts as strings, for example "price": "101.5".'),
        "USER_ID_NOT_ALLOWED": _E(
            422, "Leave it out: the account comes from the access token, never from the request."
        ),
        "INVALID_TEXT": _E(422, "A text holds characters that are not allowed."),
        "BODY_TOO_LARGE": _E(413, "The body is larger than this address takes."),
        "BODY_TIMEOUT": _E(408, "The body did not arrive in time."),
        "UNSUPPORTED_MEDIA_TYPE": _E(415, "Send JSON with Content-Type: application/json."),
        "UNSUPPORTED_ENCODING": _E(415, "Send the body as it is, without Content-Encoding."),
        "HEADERS_TOO_LARGE": _E(431, "The request's head is larger than 16 KiB."),
        "NOT_FOUND": _E(404, "There is nothing at this address."),
        "METHOD_NOT_ALLOWED": _E(405, "This address does not answer to that method."),
        "BAD_REQUEST": _E(400, "The request cannot be understood."),
        "UNKNOWN_OP": _E(422, "There is no such op here."),
        "INTERNAL_ERROR": _E(500, "Something went wrong here; the log knows it by the request_id."),
        # Who is asking.
        "TOKEN_MISSING": _E(401, "Send the access token: Authorization: Bearer <token>."),
        "INVALID_TOKEN": _E(401, "The access token is not valid."),
        "TOKEN_EXPIRED": _E(401, "The access token has expired; refresh it, or log in again."),
        "SESSION_REVOKED": _E(401, "This session has ended; log in again."),
        "INVALID_REFRESH_TOKEN": _E(401, "The refresh token is not good any more; log in again."),
        "TWO_CREDENTIALS": _E(401, "Send an access token or a key's signature, not both."),
        "SIGNATURE_MISSING": _E(
            401, "A signed request has X-Api-Key, X-Timestamp and X-Signature, each once."
        ),
        "TIMESTAMP_OUT_OF_WINDOW": _E(
            401,
            "X-Timestamp is Unix milliseconds, at most X-Recv-Window (5000) ago and 1000 ahead.",
        ),
        "INVALID_KEY": _E(
            401,
            "There is no such key any more, or the signature is not of this request and this key.",
        ),
        "ADDRESS_NOT_ALLOWED": _E(403, "The key may not be used from this address."),
        "INVALID_CREDENTIALS": _E(401, "The username or the password is wrong."),
        "TOTP_REQUIRED": _E(401, "Send a totp_code of your authenticator, too."),
        "INVALID_TOTP_CODE": _E(401, "The totp_code is wrong, too old, or was used before."),
        "USER_DISABLED": _E(403, "The operator has disabled this user."),
        "FORBIDDEN": _E(403, "This is not for your role, or not in the scopes of your key."),
        "ORIGIN_NOT_ALLOWED": _E(
            403, "This page may not connect; see the setting ws_allowed_origins."
        ),
        "ACCOUNT_MISMATCH": _E(409, "This connection speaks for another account; open a new one."),
        "TOO_MANY_CONNECTIONS": _E(
            503, "Too many connections; close one or try again later.", retry_after_s=1
        ),
        "TOO_MANY_ATTEMPTS": _E(429, "Too many attempts; wait a little.", retry_after_s=10),
        "TOO_MANY_REQUESTS": _E(
            429, "This is more than your address may ask in a minute.", retry_after_s=1
        ),
        "TOO_MANY_TICKETS": _E(
            429, "You have as many unused tickets as an account may have; wait.", retry_after_s=1
        ),
        "TOO_MANY_ORDERS": _E(
            429, "These are more orders than you may send; nothing was done.", retry_after_s=1
        ),
        "BANNED": _E(
            418, "You went on after 429: this address is shut out for a while.", retry_after_s=120
        ),
        "UNKNOWN_BAN": _E(404, "This address is not banned."),
        "TOO_MANY_EXCEPTIONS": _E(
            409, "Too many accounts have limits of their own; change those of all."
        ),
        "INVALID_USERNAME": _E(
            422, "A username has 3 to 32 letters, digits, dots, dashes or underscores."
        ),
        "INVALID_PASSWORD": _E(422, "A password has 8 to 128 characters."),
        "USERNAME_TAKEN": _E(409, "This username is taken."),
        "UNKNOWN_USER": _E(404, "There is no such user."),
        "UNKNOWN_SESSION": _E(404, "There is no such session."),
        "UNKNOWN_ACCOUNT": _E(404, "There is no such account."),
        "INVALID_RESET_CODE": _E(422, "The code is wrong, too old, or was used before."),
        "INVALID_LABEL": _E(422, "A label has 1 to 32 printable characters."),
        "TOTP_ENABLED": _E(409, "There is a second factor already; remove it first."),
        "TOTP_NOT_ENABLED": _E(409, "There is no second factor."),
        "TOO_MANY_ACCOUNTS": _E(409, "You have as many accounts as a user may have."),
        "INVALID_REASON": _E(422, "A reason is one line of 1 to 500 characters."),
        "UNKNOWN_KEY": _E(404, "You have no such key."),
        "TOO_MANY_KEYS": _E(
            409, "You have 20 keys, or made 100 of late; revoke one, or wait an hour."
        ),
        "INVALID_PUBLIC_KEY": _E(
            422, "A public_key is that of an Ed25519 key: PEM, or its 32 bytes in base64."
        ),
        # What was asked for.
        "UNKNOWN_MARKET": _E(404, "There is no such market."),
        "UNKNOWN_ASSET": _E(404, "There is no such asset."),
        "UNKNOWN_ORDER": _E(404, "There is no such order."),
        "UNKNOWN_WITHDRAWAL": _E(404, "There is no such withdrawal."),
        "UNKNOWN_IDEMPOTENCY_KEY": _E(
            404,
            "No answer is stored under this key. A request still on its way may show up; "
            "sending it again with the same key is safe.",
        ),
        "INVALID_DECIMAL": _E(422, 'Write amounts as plain decimal text such as "12.5".'),
        "TOO_MANY_DECIMALS": _E(422, "The amount has too many decimals."),
        "INVALID_TICK": _E(422, "The price is not a multiple of the market's price step."),
        "INVALID_LOT": _E(422, "The quantity is not a multiple of the market's quantity step."),
        "INVALID_PRICE": _E(422, "The price must be above zero."),
        "INVALID_STOP_PRICE": _E(422, "This order cannot have that stop_price."),
        "INVALID_TRAIL": _E(
            422, "A trailing stop has a trail above zero, or a trail_ppm up to 1000000."
        ),
        "INVALID_QUANTITY": _E(422, "The quantity must be above zero."),
        "INVALID_DISPLAY_QUANTITY": _E(
            422, "A display_quantity is for limit orders that may rest, and below the quantity."
        ),
        "INVALID_BUDGET": _E(
            422,
            "A quote_quantity is above zero, and for orders to buy without a price or market "
            "orders to sell.",
        ),
        "INVALID_AMOUNT": _E(422, "The amount must be above zero."),
        "AMOUNT_LIMIT": _E(422, "The amount is too large for this exchange."),
        "INVALID_TIME_IN_FORCE": _E(422, "This order type does not take that time_in_force."),
        "INVALID_EXPIRY": _E(422, "A gtd order, and no other, has an expires_at_ns to come."),
        "INVALID_POST_ONLY": _E(422, "Only a limit order that may rest can be post_only."),
        "INVALID_ORDER_PAIR": _E(422, "These two orders do not make a pair."),
        "INVALID_TIMEOUT": _E(422, "A timeout is zero, or from one second to 24 hours."),
        "INVALID_CLIENT_ORDER_ID": _E(
            422, "A client_order_id has 1 to 64 letters, digits or any of _ . : -"
        ),
        "INVALID_IDEMPOTENCY_KEY": _E(
            422, "An Idempotency-Key has 1 to 64 letters, digits or any of _ . : -"
        ),
        "INVALID_REFERENCE": _E(422, "A reference has 1 to 56 letters, digits or any of _ . : -"),
        "INVALID_DESTINATION": _E(422, "A destination is one line of 1 to 256 characters."),
        "INVALID_EXTERNAL_REFERENCE": _E(
            422, "An external_reference is one line of at most 128 characters."
        ),
        "INVALID_PARAMETER": _E(422, "A parameter has a value that is not allowed."),
        "UNKNOWN_PARAMETER": _E(422, "There is no such parameter here."),
        "HISTORY_OFF": _E(404, "This exchange keeps no history."),
        "SEQUENCE_NOT_REACHED": _E(
            409, "The state has not reached min_sequence yet; try again.", retry_after_s=1
        ),
        # What the engine said; final, and nothing was changed.
        "INSUFFICIENT_FUNDS": _E(422, "The available balance does not cover this."),
        "DUPLICATE_CLIENT_ORDER_ID": _E(409, "An open order of yours has this client_order_id."),
        "QUANTITY_TOO_SMALL": _E(422, "The quantity is below the market's least."),
        "QUANTITY_TOO_LARGE": _E(422, "The quantity is above the market's most."),
        "NOTIONAL_TOO_SMALL": _E(422, "The order's worth is below the market's least."),
        "PRICE_OUT_OF_BAND": _E(422, "The price is too far from the market's last price."),
        "NO_PRICE_YET": _E(409, "The market has no price yet that a trailing stop could follow."),
        "TOO_MANY_OPEN_ORDERS": _E(409, "You have as many orders here as the market allows."),
        "TOO_MANY_WITHDRAWALS": _E(409, "You have as many pending withdrawals as there may be."),
        "ACCOUNT_SUSPENDED": _E(403, "The account is suspended: it may cancel, and nothing else."),
        "MARKET_POST_ONLY": _E(409, "The market takes only orders that rest just now."),
        "MARKET_CANCEL_ONLY": _E(409, "The market takes only cancels just now."),
        "MARKET_HALTED": _E(409, "The market is halted just now."),
        "MARKET_CLOSED": _E(409, "The market is closed."),
        "POST_ONLY_WOULD_TAKE": _E(409, "The order would not rest but take at once."),
        "STOP_ALREADY_MET": _E(409, "The stop price is reached already."),
        "LINKED_ORDER": _E(409, "An order of a pair cannot be amended now; cancel it."),
        "NOTHING_TO_AMEND": _E(422, "The order is already as the amendment wants it."),
        "IDEMPOTENCY_MISMATCH": _E(
            409,
            "This Idempotency-Key was used before, with other parameters. Nothing was done now.",
        ),
        "INVALID_COMMAND": _E(422, "The engine refused the request as invalid."),
        "INVALID_ACCOUNT": _E(422, "The account is not valid."),
        "INVALID_ASSET": _E(422, "The asset is not valid."),
        "INVALID_MARKET": _E(422, "The market is not valid."),
        "ASSET_EXISTS": _E(409, "The asset exists already."),
        "MARKET_EXISTS": _E(409, "The market exists already."),
        "COMMAND_SKIPPED": _E(409, "The operator passed over this request; nothing was done."),
        # Money in and out.
        "REFERENCE_USED": _E(409, "This reference was used before, for another deposit."),
        "DEPOSIT_UNRESOLVED": _E(
            409, "An old attempt at this deposit never got its answer; check the account's balance."
        ),
        "WITHDRAWAL_DECIDED": _E(409, "The withdrawal was decided otherwise before."),
        "WITHDRAWAL_TOO_YOUNG": _E(409, "The withdrawal cannot be approved so soon."),
        "WITHDRAWAL_UNRESOLVED": _E(
            409,
            "An old request under this Idempotency-Key never got its answer, and no withdrawal of "
            "it is pending; check the balance, and ask again under another key.",
        ),
        "FAUCET_USED": _E(429, "The faucet gives once a day."),
        # Not now. Nothing was done.
        "BUSY": _E(503, "The exchange is busy; nothing was done.", retry_after_s=1),
        "HALTED": _E(503, "The exchange is halted; nothing was done.", retry_after_s=30),
        "REDIS_UNAVAILABLE": _E(503, "The exchange cannot be reached; try again.", retry_after_s=1),
        "ENGINE_UNAVAILABLE": _E(503, "The engine is not running just now.", retry_after_s=1),
        "USERS_UNAVAILABLE": _E(503, "The users cannot be read just now.", retry_after_s=1),
        "HISTORY_UNAVAILABLE": _E(
            503, "The history cannot be read just now; nothing else is affected.", retry_after_s=2
        ),
        "AUDIT_UNAVAILABLE": _E(
            503, "The audit log cannot be written just now; nothing was done.", retry_after_s=1
        ),
        "REPORT_OVERTAKEN": _E(
            503, "The exchange has moved on faster than the report; try again.", retry_after_s=5
        ),
        # Nobody can say.
        "UNKNOWN_OUTCOME": _E(
            504,
            "The connection to the journal broke: the request may be carried out, once, or never. "
            "Ask at status_url, or send the same request again with the same Idempotency-Key.",
        ),
    }
)


class ApiError(Exception):
    """A no with a code of `ERRORS`; the one way to leave a request handler unsuccessfully.

    `details` are further fields of the body, such as the journal number of a rejection.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        field: str = "",
        retry_after_s: int = 0,
        details: Mapping[str, object] | None = None,
    ) -> None:
        kind = ERRORS[code]
        super().__init__(code)
        self.code = code
        self.status = kind.status
        self.message = message or kind.sentence
        self.field = echo(field)
        self.retry_after_s = retry_after_s or kind.retry_after_s
        self.details = details or {}


def echo(text: str) -> str:
    """Return what may be said back of a client's text: short, and harmless in any log."""
    return text[:ECHO_LENGTH_MAX].encode("ascii", "replace").decode() if text.isprintable() else "?"
