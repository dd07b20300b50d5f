"""How a setting that holds a list reads: what one entry is, and what is wrong with the text.

The rule of this file: a reader returns plain data or raises ValueError with the end of the sentence
`<name> ...`. It knows no feed and no market; whoever does checks the names.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

FEED = re.compile(r"[a-z0-9][a-z0-9-]{0,31}:[a-z0-9-]{1,32}")
VENUE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
PAIR = re.compile(r"[A-Z0-9.]{1,24}/[A-Z0-9.]{1,24}")
ASSET = re.compile(r"[A-Z0-9.]{1,24}")
NUMBER = re.compile(r"[0-9]{1,9}")
CPUS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
EVENTS = ("book", "touch", "trades")
ALL_FEEDS = ""  # The key of what was set for every feed that has nothing of its own.
PPM = 1_000_000
CPUS_MAX = 1_024  # More than any machine has: a typing error is told, and no range of it is made.

Read = TypeVar("Read")


def entries_of(text: str) -> tuple[str, ...]:
    """Return what stands between the commas, without spaces and without nothings."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def read_feeds(text: str) -> tuple[str, ...]:
    """Read `binance:spot,kraken:spot`."""
    return _once(tuple(_matched(FEED, entry, "a feed like kraken:spot") for entry in _any(text)))


def read_venues(text: str) -> tuple[tuple[str, ...], ...]:
    """Read `binance+kraken,bybit`: which venues go together."""
    parts = tuple(
        tuple(_matched(VENUE, name, "a venue like kraken") for name in entry.split("+"))
        for entry in entries_of(text)
    )
    _once(tuple(name for part in parts for name in part))
    return parts


def read_pairs(text: str) -> dict[str, tuple[str, ...]]:
    """Read `BTC/USDT,kraken:spot=BTC/USD+ETH/USD`: pairs by feed, those of all under ""."""
    found: dict[str, list[str]] = {}
    for entry in entries_of(text):
        feed, equals, listed = entry.rpartition("=")
        if equals:
            feed = _matched(FEED, feed, "a feed like kraken:spot before =")
        pairs = [_matched(PAIR, pair, "a pair like BTC/USDT") for pair in listed.split("+")]
        found.setdefault(feed, []).extend(pairs)
    return {feed: _once(tuple(pairs)) for feed, pairs in found.items()}


def read_numbers(text: str) -> dict[str, int]:
    """Read `kraken:spot=10,binance:spot=20`: a whole number by feed."""
    found: dict[str, int] = {}
    for entry in entries_of(text):
        feed, _, number = entry.partition("=")
        _matched(FEED, feed, "a feed and a number like kraken:spot=10")
        if feed in found:
            raise ValueError(f"names {feed} twice")
        found[feed] = int(_matched(NUMBER, number, "a feed and a number like kraken:spot=10"))
    return found


def read_fees(text: str) -> dict[str, int]:
    """Read `kraken:spot=4000`: millionths by feed."""
    fees = read_numbers(text)
    for feed, fee in fees.items():
        if fee >= PPM:
            raise ValueError(f"has for {feed} {fee} of {PPM} millionths, which leaves nothing")
    return fees


def read_quotes(text: str) -> dict[str, str]:
    """Read `USDT=USD,USDC=USD`: which quote assets count as which."""
    found: dict[str, str] = {}
    for entry in entries_of(text):
        quote, _, counts_as = entry.partition("=")
        for asset in (quote, counts_as):
            _matched(ASSET, asset, "two assets like USDT=USD")
        if quote in found:
            raise ValueError(f"names {quote} twice")
        found[quote] = counts_as
    chained = sorted(found.keys() & set(found.values()))
    if chained:
        raise ValueError(f"maps {chained[0]} and maps another asset to it")
    return found


def read_events(text: str) -> tuple[str, ...]:
    """Read `book,trades`: what is asked of venues."""
    for entry in _any(text):
        if entry not in EVENTS:
            raise ValueError(f"must list some of {', '.join(EVENTS)}, and {entry!r} is none")
    return _once(entries_of(text))


def read_cpus(text: str) -> tuple[int, ...]:
    """Read `0,2-3`: processors by number."""
    found: list[int] = []
    for entry in entries_of(text):
        match = CPUS.fullmatch(entry)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not 0 <= first <= last < CPUS_MAX:
            raise ValueError(f"must list processors like 0,2-3, and {entry!r} is none")
        found += range(first, last + 1)
    return tuple(sorted(set(found)))


def read_address(text: str) -> tuple[str, int] | None:
    """Read `127.0.0.1:8090`; None where nothing is set."""
    if not text:
        return None
    match = ADDRESS.fullmatch(text)
    if not match or not 0 < int(match[2]) < 1 << 16:
        raise ValueError(f"must be an address like 127.0.0.1:8095, not {text!r}")
    return match[1].strip("[]"), int(match[2])


def read_feed_url(text: str) -> str:
    """Read `ws://127.0.0.1:8080/ws`; empty where nothing is set."""
    if text and not text.startswith(("ws://", "wss://")):
        raise ValueError(f"must be an address like ws://127.0.0.1:8080/ws, not {text!r}")
    return text


def fault_of(read: Callable[[str], object], text: str) -> str | None:
    """Return what is wrong with a text that this reader reads; None for nothing."""
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return None


def of_feed(values: Mapping[str, Read], feed: str, default: Read) -> Read:
    """Return what was set for the feed, or for all feeds, or the default."""
    return values.get(feed, values.get(ALL_FEEDS, default))


def _any(text: str) -> tuple[str, ...]:
    entries = entries_of(text)
    if not entries:
        raise ValueError("must name at least one")
    return entries


def _matched(form: re.Pattern[str], text: str, what: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(f"must list {what}, and {text!r} is none")
    return text


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ValueError(f"names {name} twice")
    return names
