"""What a feed wants of its channels, and when one is to be begun anew.

The rule of this file: values and arithmetic; the desk decides with them.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from rialto.client.feed.keeper import Keeper
from shared.feed import Answer, Wanted

CHANNELS_PER_OP_MAX = 50  # With long names still well below the server's limit of 16 KiB.
REPAIR_MIN_S = 0.2
REPAIR_MAX_S = 10.0
STABLE_S = 30.0  # A channel that was right for so long is repaired at once the next time.
WILDCARD = "*"
OnAnswer = Callable[[Answer | None], None]  # None: the connection was lost before.


@dataclass(slots=True)
class Asked:
    """What was asked when, and who is told the answer."""

    on_answer: OnAnswer
    at_s: float


@dataclass(slots=True)
class Wish:
    """What somebody wants; `is_kept` while this connection has it."""

    wanted: Wanted
    is_kept: bool = False
    retry_at_s: float | None = None
    begin_by_s: float | None = None  # When its snapshot is to be here.


@dataclass(slots=True)
class Repair:
    """How often a channel had to begin anew lately, and when it is to do so next."""

    attempts: int = 0
    begun_at_s: float = 0.0
    due_at_s: float | None = None

    def plan(self, now_s: float) -> bool:
        """Have it begin anew when it may; return False if that is planned already."""
        if self.due_at_s is not None:
            return False
        if now_s - self.begun_at_s >= STABLE_S:
            self.attempts = 0
        self.due_at_s = now_s + (jitter_s(self.attempts) if self.attempts else 0.0)
        return True


def wanted_on(wish: Wish, keeper: Keeper | None) -> Wanted:
    """Return how to ask for it again: to go on from what is kept, where that stands still."""
    # One that is live, by a wildcard, does not stand still until the answer comes.
    after = None if keeper is None or keeper.is_live else keeper.resume_after
    return replace(wish.wanted, after_sequence=after)


def is_same(one: Wanted, other: Wanted) -> bool:
    """Return whether what is shown by both is the same, whatever their names."""
    return (one.interval_ms, one.levels) == (other.interval_ms, other.levels)


def matches(name: str, channel: str) -> bool:
    """Return whether the name is a wildcard that stands for the channel."""
    return name.endswith(WILDCARD) and channel.startswith(name[: -len(WILDCARD)])


def parts(names: list[str]) -> Iterator[list[str]]:
    """Cut names into as many as one message may have."""
    for start in range(0, len(names), CHANNELS_PER_OP_MAX):
        yield names[start : start + CHANNELS_PER_OP_MAX]


def jitter_s(attempts: int) -> float:
    """Return how long to wait before the next attempt, never the same for two clients."""
    return random.uniform(0.0, min(REPAIR_MAX_S, REPAIR_MIN_S * 2.0 ** min(attempts, 16)))


class Wishes(dict[str, Wish]):
    """All that is wished for, by name; a wildcard is one."""

    def of(self, channel: str) -> Wish | None:
        """Return by which wish the channel is shown: the one of its name, else as the longest of
        its wildcards says, as the server has it.
        """
        wildcards = self._wildcards_of(channel)
        longest = max(wildcards, key=lambda wish: len(wish.wanted.channel), default=None)
        return self.get(channel) or longest

    def is_kept(self, channel: str) -> bool:
        """Return whether this connection has the channel, by any wish."""
        own = self.get(channel)
        is_own = own is not None and own.is_kept
        return is_own or any(wish.is_kept for wish in self._wildcards_of(channel))

    def terms(self, channels: Iterable[str]) -> dict[str, Wanted]:
        """Return by what each of them is shown, of those that are wished for."""
        wishes = {channel: self.of(channel) for channel in channels}
        return {channel: wish.wanted for channel, wish in wishes.items() if wish is not None}

    def _wildcards_of(self, channel: str) -> Iterator[Wish]:
        return (wish for name, wish in self.items() if matches(name, channel))
