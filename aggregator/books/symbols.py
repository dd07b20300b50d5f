"""Pairs such as BTC/USDT, and what a venue calls them.

The rule of this file: a pair that a venue does not have is said with those that are nearest.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from aggregator.protocol import Instrument

NEAREST_MAX = 3


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
    nearest: Sequence[str] = get_close_matches(pair.upper(), listed, n=NEAREST_MAX)
    hint = f"; the nearest are {', '.join(nearest)}" if nearest else ""
    return f"{feed} lists no {pair}{hint}."


def twice_delivered(pair: str, other: str, name: str) -> str:
    return f"The venue sends {pair} as {name}, which is {other}: it is the same book."
