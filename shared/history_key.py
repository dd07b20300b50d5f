"""By what the history knows the gateway: a key that both make of what both have anyway.

The rule of this file: nothing is stored and nothing is sent that says the password.
"""

import hashlib
from urllib.parse import unquote, urlsplit

HEADER = "X-History-Key"


def history_key(redis_url: str) -> str:
    """Return the key of whoever has the password of this Redis: they could read everything there,
    so they may ask for any account. Without a password everybody on the network could, too.
    """
    password = unquote(urlsplit(redis_url).password or "")
    return hashlib.blake2b(password.encode(), digest_size=32, person=b"rialto history").hexdigest()
