"""All chosen feeds examined at once.

The rule of this file: one venue's trouble costs no other one time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from aggregator.doctor.examining import Examination
from aggregator.doctor.findings import Report
from aggregator.registry import load_connectors
from shared.settings_lists import of_feed
from shared.settings_outside import OutsideSettings


def unknown_feeds(feeds: Iterable[str]) -> list[str]:
    """Return a sentence for each feed that no connector is for; it names the nearest."""
    asked = tuple(feeds)
    known = load_connectors(wanted=asked)
    sentences = []
    for feed in asked:
        if feed not in known:
            near = get_close_matches(feed, known, n=1, cutoff=0)
            sentences.append(f"There is no feed {feed}; did you mean {near[0]}?")
    return sentences


async def examine_all(
    settings: OutsideSettings, feeds: Sequence[str], offline_address: str, wait_s: float
) -> list[Report]:
    """Return a report of each feed, with the first of the pairs that are followed there."""
    connectors = load_connectors(wanted=feeds)
    examinations = []
    for feed in feeds:
        connector, manifest = connectors[feed]
        pair = next(iter(of_feed(settings.pairs_by_feed, feed, manifest.symbols_default)))
        examinations.append(
            Examination(connector, manifest, pair, offline_address=offline_address, wait_s=wait_s)
        )
    return list(await asyncio.gather(*(examination.run() for examination in examinations)))
