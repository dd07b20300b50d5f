"""What was published of one side of a consolidated book: a text a level, best one last.

The rule of this file: a sorted list of keys beside a list of their texts. A dict in which levels
come and go keeps room for four times as many as there are, and there are dozens of these sides.
"""

from bisect import bisect_left
from collections.abc import Iterator


class Told:
    """Texts by key; an empty text is no level."""

    __slots__ = ("_keys", "_texts")

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: int) -> str:
        at = bisect_left(self._keys, key)
        return self._texts[at] if at < len(self._keys) and self._keys[at] == key else ""

    def replace(self, key: int, text: str) -> bool:
        """Put a text in the place of what was there; say whether that was another one."""
        keys, texts = self._keys, self._texts
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            if text:
                keys.insert(at, key)
                texts.insert(at, text)
            return bool(text)
        if texts[at] == text:
            return False
        if text:
            texts[at] = text
        else:
            del keys[at], texts[at]
        return True

    def items(self) -> Iterator[tuple[int, str]]:
        """Give all of it, best one last."""
        return zip(self._keys, self._texts, strict=True)

    def best_first(self) -> Iterator[tuple[int, str]]:
        """Give all of it, best one first."""
        return zip(reversed(self._keys), reversed(self._texts), strict=True)
