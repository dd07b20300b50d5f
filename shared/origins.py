"""Which web pages may open a WebSocket here.

The rule of this file: a browser says where a page came from, and what is no page says nothing; a
page of anybody else's must not trade with the tokens that somebody's browser keeps.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit


def origin_is_allowed(named: Sequence[str], host: str, origins: tuple[str, ...]) -> bool:
    """Whether a page may connect: `named` are its Origin headers, `host` is the Host it asked for.

    With a list, exactly the `origins` on it; without, pages from the host name they connect to.
    """
    if not named:
        return True
    if len(named) > 1:
        return False
    if origins:
        return named[0] in origins
    try:
        host_name = urlsplit("//" + host).hostname
        origin = urlsplit(named[0])
        return (
            origin.scheme in ("http", "https")
            and host_name is not None
            and origin.hostname == host_name
        )
    except ValueError:
        return False
