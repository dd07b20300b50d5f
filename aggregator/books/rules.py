"""By which rules the books of a feed are built: the manifest's facts and the operator's wishes.

The rule of this file: settled once, before the first frame.
"""

from dataclasses import dataclass, field

from aggregator.books.words import Need
from aggregator.protocol import Chain, Evidence, Kind, Manifest, SnapshotFrom

LEVELS_KEPT = 1_000
# Whole books grow and shrink; cutting only far past what is kept makes a cut rare.
CUT_FACTOR = 10
# With less than this part of its levels left between touch and edge, a book is asked for again.
REFRESH_DIVISOR = 10


@dataclass(frozen=True)
class DeskOptions:
    """`depth` and `interval_ms` 0: the manifest's defaults. `guess_symbols`: symbols that come
    unasked are taken for what their names tell, for recordings; no pairs then means all of them.
    `is_timed`: how long each stage of a frame took is kept.
    """

    depth: int = 0
    interval_ms: int = 0
    kinds: frozenset[Kind] = field(default_factory=lambda: frozenset(Kind))
    book_levels_kept: int = LEVELS_KEPT
    guess_symbols: bool = False
    is_timed: bool = False


@dataclass(frozen=True)
class BookRules:
    """`levels_kept`: of each side, when it is cut at all."""

    chain: Chain
    snapshot_from: SnapshotFrom
    evidence: Evidence
    truncates: bool
    depths: tuple[int, ...]
    depth: int
    levels_kept: int
    stale_ns: int

    @property
    def need(self) -> Need:
        """What a book has to be given to begin anew."""
        return Need.SNAPSHOT if self.snapshot_from is SnapshotFrom.REST else Need.SUBSCRIPTION

    @property
    def keeps_nothing(self) -> bool:
        """Updates before a snapshot are of no use: without numbers they join nothing."""
        return self.chain is Chain.NONE


def settle_depth(manifest: Manifest, depth: int) -> int:
    """Return the depth to subscribe to: the smallest that has what is wanted, else the largest;
    the largest is the whole book where that can be had.
    """
    wanted = depth or manifest.depth_default
    if not manifest.depths:
        return wanted
    largest = 0 if 0 in manifest.depths else max(manifest.depths)
    return min((one for one in manifest.depths if one >= wanted), default=largest)


def settle_interval_ms(manifest: Manifest, interval_ms: int) -> int:
    """Return how often to be told of changes: the slowest that is as fast as wanted, else the
    fastest there is.
    """
    wanted = interval_ms or manifest.interval_ms_default
    if not manifest.intervals_ms:
        return wanted
    fast_enough = [one for one in manifest.intervals_ms if one <= wanted]
    return max(fast_enough, default=min(manifest.intervals_ms))


def rules_of(manifest: Manifest, options: DeskOptions) -> BookRules:
    return BookRules(
        chain=manifest.chain,
        snapshot_from=manifest.snapshot_from,
        evidence=manifest.evidence,
        truncates=manifest.truncates,
        depths=manifest.depths,
        depth=settle_depth(manifest, options.depth),
        levels_kept=manifest.book_levels_kept or options.book_levels_kept,
        stale_ns=int(manifest.stale_s * 1_000_000_000),
    )
