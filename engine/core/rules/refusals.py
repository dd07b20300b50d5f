"""How a rule says no.

The rule of this file: a refusal is a value; whoever finds the first rule broken returns it.
"""

import re
from typing import NamedTuple

from shared.messages import Reject

_client_text = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch


class Refusal(NamedTuple):
    """A rule broken, and the command's field at fault."""

    code: Reject
    field: str = ""


def within(part: str, refusal: Refusal | None) -> Refusal | None:
    """Return the refusal of a part of a command with that part's name before its field."""
    return refusal and Refusal(refusal.code, f"{part}.{refusal.field}")


def is_client_text(text: str) -> bool:
    """Say whether a text may be an idempotency key or a client order id."""
    return _client_text(text) is not None
