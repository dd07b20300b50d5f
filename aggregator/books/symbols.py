"""Pairs such as BTC/USDT, and what a venue calls them.

The rule of this file: a pair that a venue does not have is said with those that are nearest.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from aggregator.protocol import Instrument

NEAREST_MAX = 3
COMPARED_MAX = 50  # However unlike; each takes some 20 us, and a venue may list thousands.


def pair_of(instrument: Instrument) -> str:
    return f"{instrument.base}/{instrument.quote}"


def delivered_name(instrument: Instrument) -> str:
    """Return the symbol's name in the venue's messages."""
    return instrument.delivered_as or instrument.symbol


def by_pair(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """Return instruments by pair; the first one listed stands for its pair."""
    found: dict[str, Instrument] = {}
    for instrument in instruments:
        found.setdefault(pair_of(instrument), instrument)
    return found


def unknown_pair(feed: str, pair: str, listed: Mapping[str, Instrument]) -> str:
    """Return the sentence that says that a feed has no such pair."""
    return f"{feed} lists no {pair}{nearest_words(pair, listed)}."


def nearest_words(pair: str, listed: Iterable[str]) -> str:
    """Return the end of a sentence that names those pairs of a list that are nearest; empty only
    where a long list has nothing like it.
    """
    pairs = {one.upper(): one for one in sorted(listed)}
    wanted = pair.upper()
    base, _, quote = wanted.partition("/")
    nearest = (
        get_close_matches(wanted, pairs, n=NEAREST_MAX)
        or [one for one in pairs if one.partition("/")[0] == base]
        or [one for one in pairs if one.partition("/")[2] == quote]
    )[:NEAREST_MAX]
    if not nearest and len(pairs) <= COMPARED_MAX:
        nearest = get_close_matches(wanted, pairs, n=NEAREST_MAX, cutoff=0)
    if not nearest:
        return ""
    named = ", ".join(pairs[one] for one in nearest)
    return f"; the nearest {'are' if len(nearest) > 1 else 'is'} {named}"


def twice_delivered(pair: str, other: str, name: str) -> str:
    return f"The venue sends {pair} as {name}, which is {other}: it is the same book."
