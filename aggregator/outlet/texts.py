"""Units as the texts that are published.

The rule of this file: a text is the shortest plain decimal, and memory is bounded whatever comes.
"""

from aggregator.protocol.decimals import to_text

TEXTS_MAX = 12_000  # Some 2 MB. The same quantities come and go; what is forgotten is made anew.


class Texts(dict[int, str]):
    """Texts already made: a lookup is ten times as fast as making one."""

    def __init__(self, texts_max: int = TEXTS_MAX) -> None:
        super().__init__()
        self._texts_max = texts_max

    def __missing__(self, units: int) -> str:
        text = to_text(units)
        if len(self) >= self._texts_max:
            self.clear()
        self[units] = text
        return text
