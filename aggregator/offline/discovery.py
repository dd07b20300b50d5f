"""The venues that can be spoken for: whatever lies in `aggregator/offline/speakers`.

The rule of this file: it knows no venue. A new one is a new file there and nothing else.
"""

import importlib
import pkgutil

from aggregator.offline import speakers
from aggregator.offline.words import Speaker


def load_speakers() -> dict[str, Speaker]:
    """Return every speaker by feed, `venue:market_type`."""
    found: dict[str, Speaker] = {}
    for entry in sorted(pkgutil.iter_modules(speakers.__path__), key=lambda entry: entry.name):
        module = importlib.import_module(f"{speakers.__name__}.{entry.name}")
        for speaker in module.SPEAKERS:
            assert speaker.feed not in found, f"Two files speak for {speaker.feed}."
            found[speaker.feed] = speaker
    return found
