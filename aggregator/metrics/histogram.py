"""How long something takes: percentiles of the last minute in a few kilobytes.

The rule of this file: pure; nanoseconds in, nanoseconds out. A value falls into one of sixteen
buckets of its octave, so a percentile is off by at most a 32nd of itself; count, mean, min and max
are exact (min and max to the slice they leave the window with). The window slides by slices.
To add a value is to put it on a list, and nothing else, for whoever is in a hurry; values are
sorted into buckets when somebody looks, or when there are many.
"""

import msgspec

SLICES = 6
SLICE_NS = 10_000_000_000  # The window is 50 to 60 s: several looks of whoever scrapes.
SUB_BITS = 4  # 16 buckets an octave.
SUB = 1 << SUB_BITS
PENDING_MAX = 4_096  # Not in buckets yet: some seconds of a busy process, 130 KB at most.
VALUE_MAX = (1 << 40) - 1  # 18 minutes; whatever takes longer is counted as that.


class Percentiles(msgspec.Struct, frozen=True):
    """What a histogram says of its window, in nanoseconds; all 0 where nothing was counted."""

    count: int = 0
    mean: int = 0
    min: int = 0
    max: int = 0
    p50: int = 0
    p95: int = 0
    p99: int = 0

    def in_us(self) -> dict[str, int]:
        """Return the same in whole microseconds, rounded up: what took something is not 0."""
        named = msgspec.structs.asdict(self)
        return {name: ns if name == "count" else -(-ns // 1_000) for name, ns in named.items()}


class _Slice:
    __slots__ = ("counts", "max", "min", "sum")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.sum = 0
        self.min = VALUE_MAX
        self.max = 0


class Histogram:
    """Add what was measured; call `slide` now and then with the time."""

    __slots__ = ("_counted", "_now", "_pending", "_slices", "_until_ns")

    def __init__(self) -> None:
        self._counted = 0  # Since the beginning, without those that are pending.
        self._pending: list[int] = []
        self._now = _Slice()
        self._slices = [self._now]
        self._until_ns = 0

    @property
    def total(self) -> int:
        """How many were added since the beginning."""
        return self._counted + len(self._pending)

    def add(self, value_ns: int) -> None:
        """Count a value; one below zero, of a clock that was set back, is 0."""
        pending = self._pending
        pending.append(value_ns)
        if len(pending) >= PENDING_MAX:
            self._settle()

    def slide(self, at_ns: int) -> None:
        """Let the oldest slice go once a new one is due; after a long pause, all of them."""
        self._settle()
        if not self._until_ns:
            self._until_ns = at_ns + SLICE_NS
        elif at_ns >= self._until_ns + SLICES * SLICE_NS:
            self._until_ns = at_ns + SLICE_NS
            self._now = _Slice()
            self._slices = [self._now]
        while at_ns >= self._until_ns:
            self._until_ns += SLICE_NS
            self._now = _Slice()
            self._slices = [*self._slices[1 - SLICES :], self._now]

    def _settle(self) -> None:
        pending = self._pending
        if not pending:
            return
        self._pending = []
        self._counted += len(pending)
        now, counts = self._now, self._now.counts
        values = [min(max(value_ns, 0), VALUE_MAX) for value_ns in pending]
        for value_ns in values:
            index = bucket_of(value_ns)
            counts[index] = counts.get(index, 0) + 1
        now.sum += sum(values)
        now.min = min(now.min, *values)
        now.max = max(now.max, *values)

    def percentiles(self) -> Percentiles:
        """Return what there is to say of the window."""
        self._settle()
        counts: dict[int, int] = {}
        for each in self._slices:
            for index, count in each.counts.items():
                counts[index] = counts.get(index, 0) + count
        total = sum(counts.values())
        if not total:
            return Percentiles()
        smallest = min(each.min for each in self._slices)
        largest = max(each.max for each in self._slices)
        ranked = sorted(counts.items())
        p50, p95, p99 = (
            min(max(_at_rank(ranked, -(-total * share // 100)), smallest), largest)
            for share in (50, 95, 99)
        )
        mean = sum(each.sum for each in self._slices) // total
        return Percentiles(total, mean, smallest, largest, p50, p95, p99)


def bucket_of(value: int) -> int:
    """Return the number of the bucket: exact below 32, then 16 of each octave."""
    shift = value.bit_length() - SUB_BITS - 1
    if shift <= 0:
        return value
    return (shift << SUB_BITS) + (value >> shift)


def middle_of(bucket: int) -> int:
    """Return the value in the middle of a bucket."""
    if bucket < 2 * SUB:
        return bucket
    shift = (bucket >> SUB_BITS) - 1
    low = (bucket - (shift << SUB_BITS)) << shift
    return low + (1 << shift) // 2


def _at_rank(ranked: list[tuple[int, int]], rank: int) -> int:
    for bucket, count in ranked:
        rank -= count
        if rank <= 0:
            return middle_of(bucket)
    raise AssertionError("a rank is at most the count")
