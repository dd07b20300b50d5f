"""What can be made to go wrong on purpose at a venue, once or until it is ended.

The rule of this file: it changes finished frames and says what the server should do; it knows no
venue and has no clock. Only frames of books are dropped, doubled, swapped and spoilt, so that a
test knows what should come of it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from aggregator.offline.words import Answer, Frame, Moods
from aggregator.protocol.manifest import Kind

CHECKSUM = re.compile(r'("checksum":)(-?\d+)')


@dataclass
class Faults:
    """The faults of one feed. Numbers count down as they are used up; the rest stays set."""

    moods: Moods = field(default_factory=Moods)
    kind: Kind = Kind.BOOK
    symbol: str = ""  # Of which symbol's frames; empty: whichever comes next.
    drops: int = 0
    doubles: int = 0
    swaps: int = 0
    wrong_checksums: int = 0
    is_frozen: bool = False  # Nothing moves any more; heartbeats go on.
    is_mute: bool = False  # Nothing is sent at all, and nothing is said about it.
    never_answers: bool = False  # A connection is taken, and the handshake never comes.
    http_refusals: int = 0  # So many requests are answered with `http_status`.
    http_status: int = 429
    retry_after_s: int = 1
    http_delay_s: float = 0
    socket_refusals: int = 0  # So many handshakes are answered with `http_status`.
    held: list[Frame] = field(default_factory=list)

    def spoil(self, frames: Iterable[Frame]) -> list[Frame]:
        """Return the frames as they shall be sent."""
        passed: list[Frame] = []
        for frame in frames:
            if frame.kind is self.kind and self.symbol in ("", frame.symbol):
                passed += self._spoil(frame)
            else:
                passed.append(frame)
        return passed

    def _spoil(self, frame: Frame) -> list[Frame]:
        if self.drops:
            self.drops -= 1
            return []
        if self.wrong_checksums and CHECKSUM.search(frame.text):
            self.wrong_checksums -= 1
            # Its lowest bit turned round: still a number of the same form.
            wrong = CHECKSUM.sub(lambda found: f"{found[1]}{int(found[2]) ^ 1}", frame.text)
            return [frame._replace(text=wrong)]
        if self.doubles:
            self.doubles -= 1
            return [frame, frame]
        if self.swaps and not self.held:
            self.held.append(frame)
            return []
        if self.held:
            self.swaps -= 1
            return [frame, self.held.pop()]
        return [frame]

    def socket_fault(self) -> Answer | None:
        """Return the refusal that the next handshake gets, if one is due."""
        if not self.socket_refusals:
            return None
        self.socket_refusals -= 1
        return self._refusal()

    def http_fault(self) -> Answer | None:
        """Return the refusal that the next request gets, if one is due."""
        if not self.http_refusals:
            return None
        self.http_refusals -= 1
        return self._refusal()

    def _refusal(self) -> Answer:
        headers = {"Retry-After": str(self.retry_after_s)}
        return Answer('{"error":"Too many requests."}', self.http_status, headers)
