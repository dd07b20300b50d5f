"""A wire that loses, doubles, swaps, delays and cuts frames, as chance has it.

The rule of this file: chance is seeded, and every frame that did not arrive whole is known.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.chaos_truth import Heard


class Mischief(StrEnum):
    DROP = "drop"
    DOUBLE = "double"
    SWAP = "swap"
    DELAY = "delay"
    CUT = "cut"
    DISCONNECT = "disconnect"
    FLIP = "flip"  # A digit becomes another one, which TCP lets pass once in a very long while.


DELAY_FRAMES_MAX = 6


@dataclass
class Parcel:
    """A frame on its way."""

    frame: bytes
    heard: Heard


@dataclass
class Wire:
    """`done` counts what was done to frames, `lost` keeps those that never came whole."""

    chance: random.Random
    kinds: tuple[Mischief, ...]
    every: int  # About how many frames there are to one that something is done to.
    deliver: Callable[[Parcel], None]
    disconnect: Callable[[], None]
    done: dict[Mischief, int] = field(default_factory=dict)
    lost: list[Parcel] = field(default_factory=list)
    _held: list[tuple[int, Parcel]] = field(default_factory=list)  # Frames to wait, and what.
    _left: int = 0

    def send(self, parcel: Parcel, *, is_calm: bool = False) -> None:
        """Send a frame on its way; in calm times it simply arrives."""
        if is_calm or self._left > 0 or not (parcel.heard.books or parcel.heard.trades):
            self._left -= 1
            self._pass(parcel)
            return
        self._left = self.chance.randint(self.every // 2, self.every * 3 // 2)
        kind = self.chance.choice(self.kinds)
        self.done[kind] = self.done.get(kind, 0) + 1
        match kind:
            case Mischief.DROP:
                self.lost.append(parcel)
            case Mischief.DOUBLE:
                self._pass(parcel)
                self.deliver(parcel)
            case Mischief.SWAP:
                self._held.append((1, parcel))
            case Mischief.DELAY:
                self._held.append((self.chance.randint(2, DELAY_FRAMES_MAX), parcel))
            case Mischief.CUT:
                self.lost.append(parcel)
                end = self.chance.randrange(len(parcel.frame))
                self._pass(Parcel(parcel.frame[:end], Heard()))
            case Mischief.FLIP:
                # Only where evidence may tell: nothing at all proves what a trade says.
                is_book = bool(parcel.heard.books)
                frame = self._flipped(parcel.frame) if is_book else parcel.frame
                self._pass(Parcel(frame, parcel.heard))
            case Mischief.DISCONNECT:
                self.lost += [parcel, *(held for _, held in self._held)]
                self._held = []
                self.disconnect()

    def _flipped(self, frame: bytes) -> bytes:
        digits = [at for at, byte in enumerate(frame) if chr(byte).isdigit()]
        at = self.chance.choice(digits)
        other = self.chance.choice([digit for digit in b"0123456789" if digit != frame[at]])
        return frame[:at] + bytes([other]) + frame[at + 1 :]

    def calm(self) -> None:
        """Let everything arrive that is still on its way."""
        held, self._held = self._held, []
        for _, parcel in held:
            self.deliver(parcel)

    def _pass(self, parcel: Parcel) -> None:
        self.deliver(parcel)
        due = [held for frames, held in self._held if frames <= 1]
        self._held = [(frames - 1, held) for frames, held in self._held if frames > 1]
        for held in due:
            self.deliver(held)
