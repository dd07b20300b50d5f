"""What a venue's file must have, and a venue as the rest of the house sees it.

The rule of this file: a connector is a module of plain functions of their arguments. It has no
clock, no socket and no memory: what must be remembered from one frame to the next is the desk's.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Protocol, cast

from aggregator.protocol.checksums import Checksum
from aggregator.protocol.manifest import Evidence, Manifest, Topic
from aggregator.protocol.notices import Instrument
from aggregator.protocol.requests import Request
from aggregator.protocol.updates import Update


class Connector(Protocol):
    """A module of `aggregator.connectors`.

    With `Evidence.CHECKSUM` a module has `make_checksum(instrument)` as well: see `checksum_of`.
    With `Evidence.CHAIN` it may have, if some updates have a checksum and some have not.
    """

    MANIFESTS: tuple[Manifest, ...]

    @staticmethod
    def build_subscription_url(manifest: Manifest, socket: str, topics: Sequence[Topic]) -> str:
        """Return the address of a connection of this class that will carry these topics."""

    @staticmethod
    def get_subscription_messages(
        manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
    ) -> list[str]:
        """Return what to send for these topics, or with `wanted` False to be rid of them."""

    @staticmethod
    def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
        """Return what a frame says, in its order; nothing for what is of no interest.

        Raises FrameError for what cannot be read. `at_ns` is when it was received.
        """

    @staticmethod
    def fetch_snapshot(manifest: Manifest, symbol: str, depth: int) -> Request | None:
        """Return what to ask for a symbol's book; None where the stream brings it."""

    @staticmethod
    def fetch_instruments(manifest: Manifest) -> Request | None:
        """Return what to ask for the list of symbols; None where the stream brings it."""

    @staticmethod
    def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
        """Return what to ask for a symbol's latest trades, marked as history, to fill in what a
        lost connection missed; None where there is no such thing.
        """

    @staticmethod
    def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
        """Return a symbol's pair as far as its name tells, for recordings without a list."""


NEEDED = (
    "MANIFESTS",
    "build_subscription_url",
    "get_subscription_messages",
    "parse_message",
    "fetch_snapshot",
    "fetch_instruments",
    "fetch_trades",
    "guess_instrument",
)


def checksum_of(connector: Connector, instrument: Instrument | None) -> Checksum | None:
    """Return what reckons the checksum of a new book; None where the venue sends no checksum.

    `instrument` None: the venue's precision of the symbol is not known, and is learnt from the
    snapshot.
    """
    make: Callable[[Instrument | None], Checksum] | None
    make = getattr(connector, "make_checksum", None)
    return make(instrument) if make is not None else None


def as_connector(module: ModuleType) -> Connector:
    """Return a module as a connector; raises TypeError naming what it lacks."""
    missing = [name for name in NEEDED if not hasattr(module, name)]
    has_checksum = any(
        manifest.evidence is Evidence.CHECKSUM for manifest in getattr(module, "MANIFESTS", ())
    )
    if has_checksum and not hasattr(module, "make_checksum"):
        missing.append("make_checksum")
    if missing:
        raise TypeError(f"{module.__name__} has no {', '.join(missing)}.")
    return cast(Connector, module)
