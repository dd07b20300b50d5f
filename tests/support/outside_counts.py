"""Texts of numbers as counts of a venue's smallest part, each read once.

The rule of this file: most texts of a book are those of its last message, and who judges all
messages reads millions of them.
"""

from aggregator.protocol import to_units


class Counts(dict[str, int]):
    """Counts of one grain by text; asked for by `counts[text]`. It stays for a test, and no more.

    Raises AssertionError for what is no multiple of the grain.
    """

    def __init__(self, grain: int = 1) -> None:
        super().__init__()
        self._grain = grain

    def __missing__(self, text: str) -> int:
        count, rest = divmod(to_units(text), self._grain)
        assert not rest, f"{text} is no multiple of the venue's smallest part"
        self[text] = count
        return count
