"""What every keeper of a channel has in common: it is live, or it says why not.

The rule of this file: what is not proven is not shown. A keeper that has missed something, or whose
checksum is wrong, raises NotLiveError to whoever reads it until it is right again.
"""

from rialto.client.errors import ClientError
from shared.feed import Reason

NOTHING_YET = "nothing has been received yet"


class NotLiveError(ClientError):
    """The channel cannot be read now; the sentence says why."""


class Keeper:
    """The state of one channel, taken over message by message. No I/O.

    `fault` is why it is not live, "" while it is. `faults` counts how often something did not
    follow. What was right before a hole is kept, so that it can go on after `resume_after`.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.fault = NOTHING_YET
        self.faults = 0
        self.snapshots = 0
        self.last_reason: Reason = ""  # Of the last snapshot.
        self._sequence: int | None = None  # None: nothing is held that a message could follow.
        # Another broadcaster may have been asked to go on, which is a moment behind the last one.
        self._may_lead_back = False

    @property
    def is_live(self) -> bool:
        return not self.fault

    @property
    def sequence(self) -> int:
        """Return the number of the last message. Raises NotLiveError."""
        self.need_live()
        assert self._sequence is not None, "what is live has a sequence"
        return self._sequence

    @property
    def resume_after(self) -> int | None:
        """Return the number after which it could go on; None where only a fresh start helps."""
        return self._sequence

    def need_live(self) -> None:
        """Raise NotLiveError unless what is held is right."""
        if self.fault:
            raise NotLiveError(f"{self.channel}: {self.fault}")

    def pause(self, reason: str) -> None:
        """Show nothing for now; what is held stays, to go on from."""
        if not self.fault:
            self.fault = reason

    def go_on(self) -> None:
        """Be live again with what is held: the server has agreed to go on from there."""
        if self._sequence is not None:
            self.fault = ""
            self._may_lead_back = True

    def forget(self, reason: str = NOTHING_YET) -> None:
        """Hold nothing any more; only a fresh start helps."""
        self.fault = reason
        self._sequence = None

    def expect_snapshot(self, reason: str) -> None:
        """Show nothing before the snapshot that is to come, whichever place it is of."""
        self.forget(reason)

    # ---- for the keepers ----

    def _begin(self, sequence: int, reason: Reason) -> bool:
        """Be at a snapshot's number, unless it would lead back and nobody said so."""
        last = self._sequence
        may_lead_back = self._may_lead_back or reason == "resync"
        if last is not None and sequence < last and not may_lead_back:
            self._fail(f"a snapshot of {sequence} after {last}")
            return False
        self._sequence, self.fault = sequence, ""
        self._may_lead_back = False
        self.snapshots += 1
        self.last_reason = reason
        return True

    def _follow(self, first: int, last: int) -> bool:
        """Be at `last` if `first` follows; a message that does not is not taken over."""
        if self.fault or self._sequence is None:
            return False  # Waiting: what comes in between is of no use.
        if first != self._sequence + 1 or last < first:
            self._fail(f"{first} to {last} does not follow {self._sequence}")
            return False
        self._sequence = last
        self._may_lead_back = False
        return True

    def _fail(self, reason: str, *, is_spoilt: bool = False) -> None:
        self.faults += 1
        self.fault = reason
        if is_spoilt:
            self._sequence = None
