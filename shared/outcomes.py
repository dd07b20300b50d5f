"""What became of a command that was handed to the bus, as far as its sender can know.

The rule of this file: five outcomes, and each says whether the command was carried out.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.wire import CommandResult


class Refusal(StrEnum):
    """Why a command was certainly not journalled."""

    BUSY = "BUSY"  # The backlog is at its limit.
    HALTED = "HALTED"  # The operator, or the third death at one command, halted the venue.
    REDIS_UNAVAILABLE = "REDIS_UNAVAILABLE"
    ENGINE_UNAVAILABLE = "ENGINE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Answered:
    """Final: journalled as entry `n`, decided and committed. `replayed`: by an earlier request."""

    n: int
    result: CommandResult
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Final, nothing done: the idempotency key was used with other parameters, as entry
    `original_n`. So says a lookup; a reply says the same as Answered with the engine's
    Reject.IDEMPOTENCY_MISMATCH.
    """

    original_n: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """Journalled as entry `n`; it will be carried out exactly once, but its result is not known
    yet. `fingerprint` is the command's, by which an answer under its key is known to be its own.
    """

    n: int
    fingerprint: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Certainly not journalled and never carried out; try again after `retry_after_s`."""

    refusal: Refusal
    sentence: str
    retry_after_s: int = 1


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke while the command was on its way: it may be carried out, once, or never.

    Ask, or send it again with the same idempotency key.
    """


Outcome = Answered | Mismatch | Accepted | NotAccepted | Unknown
