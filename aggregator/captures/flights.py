"""The flight recorder: the last minutes of every feed, written down when a book is found wrong.

The rule of this file: it is always on, so it costs next to nothing; and one bad book cannot fill a
disk or keep a processor busy. A bundle is a recording like any other, and `rialto replay books`
shows what happened.
"""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.books.desk import Desk
from aggregator.books.effects import Mismatch
from aggregator.captures.addresses import find_feed
from aggregator.captures.ring import LAP_NS_MAX, RING_BYTES_MAX, Ring
from aggregator.captures.rows import Heard, RowKind
from aggregator.protocol import NS_A_S

BUNDLES_MAX = 20  # Enough for a bad night of several books; the oldest ones are removed.
BUNDLE_EVERY_NS = 60 * NS_A_S  # Of one book: what goes wrong again at once is the same fault.
BOOKS_MAX = 1_000  # Whose last bundle is remembered; no process has so many.
SUFFIX = ".jsonl.xz"


class FlightRecorder:
    """A recorder of the feeds of these desks; `fault` is a sentence once a bundle failed."""

    def __init__(
        self,
        folder: Path,
        desks: Iterable[Desk],
        *,
        bundles_max: int = BUNDLES_MAX,
        ring_bytes_max: int = RING_BYTES_MAX,
        executor: Executor | None = None,
    ) -> None:
        self.bundles_written = 0
        self.bundles_spared = 0
        self.fault = ""
        self._folder = folder
        self._desks = {desk.manifest.feed: desk for desk in desks}
        self._bundles_max = bundles_max
        # One thread: laps are sealed, and bundles written, in the order in which that was asked.
        self._executor = executor or ThreadPoolExecutor(1, "flight-recorder")
        self._rings = {
            feed: Ring(
                desk,
                self._executor,
                bytes_max=ring_bytes_max,
                ahead_ns=LAP_NS_MAX * at // len(self._desks),
            )
            for at, (feed, desk) in enumerate(self._desks.items())
        }
        self._connectors = {
            feed: (desk.connector, desk.manifest) for feed, desk in self._desks.items()
        }
        self._rings_of: dict[str, list[Ring]] = {}  # By address.
        self._ring_of: dict[int, Ring] = {}  # By open connection.
        self._last_at_ns: dict[str, int] = {}

    def row(
        self,
        at_ns: int,
        kind: str,
        url: str,
        data: bytes = b"",
        connection: int = 0,
        *,
        status: int = 0,
        feed: str = "",
    ) -> None:
        """Keep a row; the same as of every recorder, but before the desk hears of it."""
        if feed in self._rings:
            self._ring_of[connection] = self._rings[feed]
        heard = Heard(at_ns, kind, url, data, connection, status, feed)
        ring = self._ring_of.get(connection)
        if ring is None:
            self._take_by_address(heard)
            return
        ring.take(heard)
        if kind == RowKind.CLOSE:
            del self._ring_of[connection]

    def _take_by_address(self, heard: Heard) -> None:
        # Addresses of sockets are few; those of questions have numbers behind them.
        url, kind = heard.url, heard.kind
        address = url if kind != RowKind.HTTP else url.partition("?")[0]
        rings = self._rings_of.get(address)
        if rings is None:
            rings = self._rings_of[address] = self._find_rings(address, kind)
        for ring in rings:
            ring.take(heard)

    def _find_rings(self, address: str, kind: str) -> list[Ring]:
        if kind != RowKind.HTTP:
            feed = find_feed(address, self._connectors)
            return [self._rings[feed]] if feed else []
        # Feeds of one venue may share a host for questions: each keeps all the answers.
        return [self._rings[feed] for feed, desk in self._desks.items() if _asks(desk, address)]

    @property
    def size(self) -> int:
        """Bytes kept of what is over."""
        return sum(ring.size for ring in self._rings.values())

    @property
    def packed_bytes(self) -> int:
        """Bytes kept; each feed has some 100 KB more that are not packed yet."""
        return sum(ring.packed_bytes for ring in self._rings.values())

    def mismatch(self, effect: Mismatch) -> Path | None:
        """Have a bundle written, and return where; None when this book had one a moment ago, or
        nothing was heard of its feed.
        """
        ring = self._rings.get(":".join(effect.book.split(":")[:2]))
        last_at_ns = self._last_at_ns.get(effect.book)
        is_spared = last_at_ns is not None and effect.at_ns - last_at_ns < BUNDLE_EVERY_NS
        if is_spared or ring is None or ring.is_empty:
            self.bundles_spared += 1
            return None
        if len(self._last_at_ns) >= BOOKS_MAX:
            self._last_at_ns.clear()
        self._last_at_ns[effect.book] = effect.at_ns
        path = self._folder / bundle_name(effect)
        self._executor.submit(self._write, path, ring.rows())
        return path

    def close(self) -> None:
        """Wait until what was asked for is written."""
        self._executor.shutdown(wait=True)

    def _write(self, path: Path, rows: Callable[[], bytes]) -> None:
        # Nobody looks at the result of this thread, so what goes wrong is kept in a sentence.
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}")
            partial.write_bytes(rows())
            os.replace(partial, path)
            self.bundles_written += 1
            self._remove_old()
        except OSError as error:
            self.fault = f"{path} cannot be written: {error.strerror}"

    def _remove_old(self) -> None:
        # A name begins with its time, so they sort by age.
        bundles = sorted(self._folder.glob(f"*{SUFFIX}"))
        for path in bundles[: max(len(bundles) - self._bundles_max, 0)]:
            path.unlink(missing_ok=True)


def _asks(desk: Desk, url: str) -> bool:
    connector, manifest = desk.connector, desk.manifest
    asked = urlsplit(url)
    # The list of symbols is the largest answer of all, and a replay does without it.
    instruments = connector.fetch_instruments(manifest)
    if instruments is not None and urlsplit(instruments.url).path == asked.path:
        return False
    symbols = [
        listing.instrument.symbol
        for listing in desk.listings.values()
        if listing.instrument is not None
    ]
    requests = [
        request
        for symbol in symbols[:1]
        for request in (
            connector.fetch_snapshot(manifest, symbol, desk.rules.depth),
            connector.fetch_trades(manifest, symbol),
        )
        if request is not None
    ]
    return any(urlsplit(request.url).hostname == asked.hostname for request in requests)


def bundle_name(effect: Mismatch) -> str:
    """Return `20261121T140502.123Z-bybit-linear-BTC-USDT.jsonl.xz`."""
    seconds, rest_ns = divmod(effect.at_ns, NS_A_S)
    at = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    book = "".join(char if char.isalnum() else "-" for char in effect.book)
    return f"{at}.{rest_ns // 1_000_000:03d}Z-{book}{SUFFIX}"
