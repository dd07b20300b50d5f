"""One call: what to send, and what its answer is. Pure.

The rule of this file: a call is a value. Building it checks what can be checked here, and nothing
is sent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Generic, TypeVar, overload
from urllib.parse import quote, urlencode

import msgspec

T = TypeVar("T")

Amount = str | Decimal | int  # Never a float, which is not what it seems.


class Accepted(Enum):
    """What is done about a 202, which says that it will be carried out once."""

    LOOK = auto()  # At its status_url, which answers as the command would have been answered.
    REPEAT = auto()  # The same again, with the same key: its status_url says less, or is not there.
    ANSWER = auto()  # Nothing: it is an answer of the same kind.


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request to the gateway, whose answer is a `kind`.

    `key` is the idempotency key of a command, "" for everything else. `repeats` says of one without
    a key that it counts once by its nature, such as by its reference.
    """

    method: str
    path: str
    kind: type[T]
    body: msgspec.Struct | None = None
    query: Mapping[str, object] = field(default_factory=dict)
    key: str = ""
    repeats: bool = False
    accepted: Accepted = Accepted.REPEAT
    is_open: bool = False  # To everybody, without a token.

    @property
    def may_repeat(self) -> bool:
        """Whether sending it again changes nothing more than sending it once."""
        return self.method == "GET" or bool(self.key) or self.repeats

    @property
    def target(self) -> str:
        """The path with the query, as it is sent and signed."""
        given = {name: value for name, value in self.query.items() if value is not None}
        return f"{self.path}?{urlencode(given)}" if given else self.path

    def content(self) -> bytes:
        return b"" if self.body is None else msgspec.json.encode(self.body)


def new_key() -> str:
    """Return an idempotency key that nobody else has."""
    return secrets.token_hex(16)


def part(name: str, value: object) -> str:
    """Return a part of a path; raises ValueError for one that would lead to another place."""
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{name} is {text!r}, which names nothing")
    return quote(text, safe="")


@overload
def decimal_text(name: str, value: Amount) -> str: ...
@overload
def decimal_text(name: str, value: Amount | None) -> str | None: ...


def decimal_text(name: str, value: Amount | None) -> str | None:
    """Return an amount as it is sent; raises TypeError for floats and other things."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"{name} is a {type(value).__name__}: write an amount as text or as a Decimal")
