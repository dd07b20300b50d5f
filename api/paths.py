"""The addresses of the gateway. The rule of this file: one prefix, and one address per thing."""

PREFIX = "/api/v1"
SHORT_FORMS = (
    "/depth",
    "/trades",
    "/klines",
    "/tickers",
    "/order",
    "/markets",
    "/balances",
    "/time",
)


def canonical_path(path: str) -> str:
    """Return the one address of what `path` names: no slash at the end, no short form."""
    path = path.rstrip("/") or "/"
    if path == "/login":
        return f"{PREFIX}/auth/login"
    first = "/" + path[1:].partition("/")[0]
    return PREFIX + path if first in SHORT_FORMS else path
