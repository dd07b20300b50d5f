"""Where a venue's address leads to when there is no internet.

The rule of this file: a connector's URL stays what it is; only who opens it turns it around.
"""

from urllib.parse import urlsplit

PLAIN_SCHEMES = {"wss": "ws", "ws": "ws", "https": "http", "http": "http"}


def offline_url(url: str, address: str) -> str:
    """Return `wss://host/path?q` as `ws://ADDRESS/host/path?q`, and https as http likewise.

    `address` is host and port of the server that stands for all venues; empty: the URL as it is.
    Raises ValueError for a URL of another kind.
    """
    if not address:
        return url
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in PLAIN_SCHEMES or not urlsplit(url).hostname:
        raise ValueError(f"{url!r} is no address of a WebSocket or of HTTP.")
    # A host that is followed by a query at once would run into it as one word.
    host, mark, query = rest.partition("?")
    if mark and "/" not in host:
        host += "/"
    return f"{PLAIN_SCHEMES[scheme]}://{address}/{host}{mark}{query}"
