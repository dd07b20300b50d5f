"""Which feeds and pairs to follow, from the settings: what exists, and what is a typing error.

The rule of this file: a name that nobody knows is an error in one sentence that names the nearest.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from aggregator.books.desk import Desk, DeskOptions
from aggregator.protocol import Connector, Kind, Manifest
from shared.settings_lists import of_feed
from shared.settings_outside import OutsideSettings

# What is asked of every venue that has it, whatever is wanted: without it nothing is known.
ALWAYS = frozenset({Kind.PULSE, Kind.INSTRUMENTS})

Connectors = Mapping[str, tuple[Connector, Manifest]]


class ChoiceError(Exception):
    """One sentence for the person who wrote the settings."""


def make_desks(
    settings: OutsideSettings, feeds: Iterable[str], connectors: Connectors
) -> list[Desk]:
    """Return a desk for each feed; raises ChoiceError."""
    # Of all feeds, since another process may be the one that would find the error.
    for setting, named in (
        ("venues", settings.feeds),
        ("outside_pairs", settings.pairs_by_feed),
        ("outside_depths", settings.depths_by_feed),
        ("outside_intervals_ms", settings.intervals_by_feed),
        ("taker_fees_ppm", settings.fees_by_feed),
    ):
        check_feeds(setting, named, connectors)
    return [_make_desk(settings, *connectors[feed]) for feed in feeds]


def taker_fees(settings: OutsideSettings, connectors: Connectors) -> dict[str, int]:
    """Return what takers pay in millionths, by feed: of all feeds, whoever follows them."""
    listed = {feed: manifest.taker_fee_ppm for feed, (_, manifest) in connectors.items()}
    return listed | settings.fees_by_feed


def check_feeds(setting: str, feeds: Iterable[str], connectors: Connectors) -> None:
    """Raise ChoiceError for a feed that no connector is for; an empty name stands for all."""
    for feed in feeds:
        if feed and feed not in connectors:
            near = get_close_matches(feed, connectors, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}" if near else f"there are {', '.join(connectors)}"
            raise ChoiceError(f"{setting}: there is no feed {feed}; {hint}.")


def _make_desk(settings: OutsideSettings, connector: Connector, manifest: Manifest) -> Desk:
    feed = manifest.feed
    options = DeskOptions(
        depth=settings.depths_by_feed.get(feed, 0),
        interval_ms=settings.intervals_by_feed.get(feed, 0),
        kinds=frozenset(map(Kind, settings.events)) | ALWAYS,
        book_levels_kept=manifest.book_levels_kept or settings.book_levels_kept,
        is_timed=settings.metrics_enabled,
    )
    pairs = of_feed(settings.pairs_by_feed, feed, manifest.symbols_default)
    return Desk(connector, manifest, pairs, options)
