"""What is so now: `bbo:` of a market, and the values of other producers.

The rule of this file: the newest number wins, and none comes again.
"""

from rialto.client.feed.keeper import Keeper
from shared.feed import Bbo, Value


class ValueKeeper(Keeper):
    """The last value of a channel: a `Bbo`, or a `Value` whose `data` is JSON of its producer.

    Values in between may have been left out, which is what such a channel is for; one that is not
    newer than the last is a `fault`.
    """

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self._value: Bbo | Value | None = None

    @property
    def value(self) -> Bbo | Value:
        """Return what is so now. Raises NotLiveError."""
        self.need_live()
        assert self._value is not None, "what is live has a value"
        return self._value

    @property
    def bbo(self) -> Bbo:
        """Return the best bid and offer. Raises NotLiveError, and TypeError for other values."""
        value = self.value
        if not isinstance(value, Bbo):
            raise TypeError(f"{self.channel} is no best bid and offer")
        return value

    @property
    def resume_after(self) -> None:
        """Return None: the next value is all there is to have."""

    def take(self, update: Bbo | Value) -> None:
        """Take over the next message of the channel."""
        last = self._sequence
        if last is not None and update.sequence == last and not update.reason:
            self._fail(f"{last} came twice")
        elif self._begin(update.sequence, update.reason):
            self._value = update
