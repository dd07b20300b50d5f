"""What is wrong with a setting's text, where a pattern cannot say it.

The rule of this file: a fault is the end of the sentence `<name> ...`; None is no fault.
"""

import re
from collections.abc import Callable

from shared.logs import parse_levels
from shared.networks import parse_networks

# An asset, and an amount of it above zero.
FAUCET_AMOUNT = re.compile(r"([A-Z][A-Z0-9]{0,15})=(?=[0-9.]*[1-9])([0-9]{1,19}(?:\.[0-9]{1,8})?)")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")


def split_origins(text: str) -> tuple[str, ...]:
    return tuple(origin.strip() for origin in text.split(",") if origin.strip())


def _fault_of_log(text: str) -> str | None:
    try:
        parse_levels(text)
    except ValueError as error:
        return f"cannot be used: {error}"
    return None


def _fault_of_redis_url(url: str) -> str | None:
    if not url or url.startswith(("redis://", "rediss://", "unix://")):
        return None
    return "must start with redis://, rediss:// or unix://"


def _fault_of_database_url(url: str) -> str | None:
    return None if not url or "://" in url else "must be a URL, like sqlite:///users.db"


def _fault_of_history_database_url(url: str) -> str | None:
    # Of SQLite there is one file, which backups and Parquet files lie beside: another place that
    # was named here would be passed over.
    is_server = url.partition("://")[0] in ("postgresql", "postgres", "postgresql+asyncpg")
    is_known = not url or url == "sqlite://" or (is_server and "://" in url)
    return None if is_known else "must be a URL of PostgreSQL, or sqlite:// for the file in home"


def _fault_of_origins(text: str) -> str | None:
    for origin in split_origins(text):
        if not ORIGIN.fullmatch(origin):
            return f"must list origins like https://example.org, and {origin!r} is none"
    return None


def _fault_of_faucet(text: str) -> str | None:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not FAUCET_AMOUNT.fullmatch(part):
            return f"must list amounts like INR=1000, and {part!r} is none"
    if len({part.partition("=")[0] for part in parts}) < len(parts):
        return "names an asset twice"
    return None


def _fault_of_proxies(text: str) -> str | None:
    try:
        parse_networks(text)
    except ValueError as error:
        return f"must list addresses and networks like 10.0.0.0/8, and {error}"
    return None


FAULTS: dict[str, Callable[[str], str | None]] = {
    "log": _fault_of_log,
    "redis_url": _fault_of_redis_url,
    "limits_redis_url": _fault_of_redis_url,
    "database_url": _fault_of_database_url,
    "history_database_url": _fault_of_history_database_url,
    "faucet_amounts": _fault_of_faucet,
    "ws_allowed_origins": _fault_of_origins,
    "cors_allowed_origins": _fault_of_origins,
    "trusted_proxies": _fault_of_proxies,
}
