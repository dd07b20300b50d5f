"""What an access token says, for all who never look at a token themselves.

The rule of this file: it needs no cryptography. Checking signatures is `shared.tokens`, which takes
11 MB of a process, and one to which nobody logs in does without.
"""

from typing import Final

from msgspec import Struct

AUDIENCE: Final = "rialto"  # The public gateway and the broadcaster.
ADMIN_AUDIENCE: Final = "rialto-admin"  # The admin port, and nothing else.
LIFETIME_MAX_S = 86_400  # The longest that the settings allow; a longer token is not ours.


class TokenError(Exception):
    """A token that opens nothing; `code` is TOKEN_EXPIRED, INVALID_TOKEN or SESSION_REVOKED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Claims(Struct, frozen=True):
    """What a valid token says. The account comes from here and from nowhere else.

    Whether its session is over is not in it: ask `shared.revocations`.
    """

    user_id: str
    account_id: int
    role: str
    token_id: str
    issued_at_s: int
    expires_at_s: int
    session_id: str
