"""A level as it is kept and sent: its texts as a JSON array, encoded once, when it changes.

The rule of this file: whoever shows levels joins what is kept, so a level that many are shown, and
a whole book in a snapshot, costs no encoding. As one text a level takes a third to a half of the
memory that its texts take apart: there are tens of thousands, and all but the best are for the next
snapshot.
"""

from collections.abc import Iterable
from typing import Final, cast

import msgspec

from shared.feed import Level

Packed = bytes  # ["price","quantity"], or with more texts, of somebody who may say anything.

NOTHING: Final = "0"  # The quantity that removes a level.

_BETWEEN = b","
_FIRST_LETTER = 2  # After the bracket and the quotation mark.
_QUOTE, _ESCAPE = b'"', b"\\"
_REMOVED_END = f',"{NOTHING}"]'.encode()


class _Checked(msgspec.Struct, array_like=True, gc=False):
    """What the checksum is of; the further texts of a level are passed over."""

    price: str
    quantity: str


_read_checked = msgspec.json.Decoder(_Checked).decode
_read_all = msgspec.json.Decoder(list[tuple[str, ...]]).decode

packed = msgspec.json.Encoder().encode
unpacked = msgspec.json.Decoder(tuple[str, ...]).decode


def all_packed(levels: Iterable[Packed]) -> bytes:
    """Return the levels as a message says them."""
    return b"[" + _BETWEEN.join(levels) + b"]"


def all_unpacked(levels: Iterable[Packed]) -> list[Level]:
    """Return the texts of each level."""
    return _read_all(all_packed(levels))


def as_levels(levels: Iterable[Packed]) -> list[Level]:
    """Return what stands for the levels in a message that is only encoded, and never read here."""
    return cast(list[Level], msgspec.Raw(all_packed(levels)))


def checked(level: Packed) -> str:
    """Return what the checksum of a level is of: `price:quantity`."""
    read = _read_checked(level)
    return f"{read.price}:{read.quantity}"


def removal_of(level: Packed) -> Packed:
    """Return what says that a level is no more."""
    end = level.index(_QUOTE, _FIRST_LETTER)
    if level[end - 1 : end] == _ESCAPE:  # It may be within the price.
        return removal_at(unpacked(level)[0])
    return level[: end + 1] + _REMOVED_END


def removal_at(price: str) -> Packed:
    """Return what says that there is no level at this price."""
    return packed((price, NOTHING))
