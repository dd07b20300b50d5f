"""Cursors: where a page ended, as a text that means nothing to anybody else.

The rule of this file: a cursor belongs to the question that it came with. It carries a digest of
that question, so that one of another question, or one that somebody made up, is told apart instead
of answered with the wrong rows. It is no secret and needs none: it names a place, and what may be
seen there is decided by the question alone.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import structs

from shared.rest.history_queries import HistoryQuery, QueryFault
from shared.rest.texts import INTEGER_MAX

Place = tuple[int | str, ...]
DIGEST_SIZE = 9
# What may differ from page to page of one question.
_PER_PAGE = {"limit": 0, "cursor": "", "format": "", "min_sequence": 0}


def cursor_of(route: str, query: HistoryQuery, place: Place) -> str:
    """Return the cursor of the page of this question that begins behind `place`."""
    packed = msgspec.msgpack.encode(place)
    return urlsafe_b64encode(_digest(route, query, packed) + packed).rstrip(b"=").decode()


def place_of(route: str, query: HistoryQuery, kinds: tuple[type, ...]) -> Place | None:
    """Return where the page begins that the query asks for, None for the first one.

    Raises QueryFault INVALID_PARAMETER for a cursor that is not of this question.
    """
    if not query.cursor:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        found = urlsafe_b64decode(padded.encode("ascii"))
        digest, packed = found[:DIGEST_SIZE], found[DIGEST_SIZE:]
        place: Place = tuple(msgspec.msgpack.decode(packed, type=list[int | str]))
    except (ValueError, msgspec.MsgspecError):
        raise _fault() from None
    # One text for one place: what decodes leniently to the same is not ours either.
    is_ours = digest == _digest(route, query, packed)
    if not is_ours or cursor_of(route, query, place) != query.cursor:
        raise _fault()
    if len(place) != len(kinds) or not all(map(_fits, place, kinds)):
        raise _fault()
    return place


def _fits(value: int | str, kind: type) -> bool:
    return type(value) is kind and (isinstance(value, str) or 0 <= value <= INTEGER_MAX)


def _digest(route: str, query: HistoryQuery, packed: bytes) -> bytes:
    asked = msgspec.msgpack.encode((route, structs.astuple(structs.replace(query, **_PER_PAGE))))
    return hashlib.blake2b(packed, key=_key(asked), digest_size=DIGEST_SIZE).digest()


def _key(asked: bytes) -> bytes:
    return hashlib.blake2b(asked, digest_size=hashlib.blake2b.MAX_KEY_SIZE).digest()


def _fault() -> QueryFault:
    sentence = "A cursor is the next of a page of the same question, as it is."
    return QueryFault("INVALID_PARAMETER", sentence, "cursor")
