"""One call: what to send, and what its answer is. Pure.

The rule of this file: a call is a value. Building it checks what can be checked here, and nothing
is sent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

T = TypeVar("T")

Amount = str | Decimal  # Never a float, which is not what it seems.


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request to the gateway, whose answer is a `kind`.

    `key` is the idempotency key of a command, "" for everything else.
    """

    method: str
    path: str
    kind: type[T]
    body: Mapping[str, object] | None = None
    query: Mapping[str, object] = field(default_factory=dict)
    key: str = ""
    is_open: bool = False  # To everybody, without a token.

    @property
    def may_repeat(self) -> bool:
        """Whether sending it again changes nothing more than sending it once."""
        return self.method == "GET" or bool(self.key)

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


def fields(**given: object) -> dict[str, object]:
    """Return a body of the fields that are given, Decimals as text; raises TypeError for floats."""
    return {name: _plain(name, value) for name, value in given.items() if value is not None}


def _plain(name: str, value: object) -> object:
    if isinstance(value, float):
        raise TypeError(f"{name} is a float, which is not what it seems: write it as text")
    return format(value, "f") if isinstance(value, Decimal) else value
