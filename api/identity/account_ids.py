"""The ids of accounts.

The rule of this file: they are drawn at random, never counted: the balances are in another place
than the users, and after a lost or changed users' database a counter would hand them, one by one,
to new users.
"""

import secrets

ACCOUNT_ID_MAX = 2**53 - 1  # Every reader of JSON keeps it exact; all of them to draw from.


def draw_account_id() -> int:
    """Return an id that nobody has, but for a miracle that the database notices."""
    return secrets.randbelow(ACCOUNT_ID_MAX) + 1
