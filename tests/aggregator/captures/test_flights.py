"""The flight recorder: a wrong book leaves a recording behind that shows how it came about."""

import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.effects import Fetch, Mismatch
from aggregator.books.plan import ConnectionPlan
from aggregator.captures import flights, ring
from aggregator.captures.flights import FlightRecorder, bundle_name
from aggregator.captures.player import Player
from aggregator.captures.reading import CaptureReader
from aggregator.captures.report import Tally
from aggregator.captures.rows import Row, RowKind
from aggregator.protocol import NS_A_S
from aggregator.registry import load_connectors

# A recording of each kind of proof; of a frame near its end what to write in the place of what.
WRONGS = {
    "kraken-spot-btcusd-depth10": ("kraken:spot", r'"qty":\d\.(?=\d*[1-9])', '"qty":7.'),
    "kraken-spot-btcusd-depth25": ("kraken:spot", r'"qty":\d\.(?=\d*[1-9])', '"qty":7.'),
    "binance-spot-btcusdt": ("binance:spot", r'bookTicker(.*)"B":"', r'bookTicker\1"B":"7'),
    "binance-usdm-btcusdt": ("binance:linear", r'bookTicker"(.*)"B":"', r'bookTicker"\1"B":"7'),
    "coinbase-advanced-trade": (
        "coinbase:spot",
        r'"side":"bid",(.*?)"price_level":"\d+\.\d+","new_quantity":"[\d.]+"',
        r'"side":"bid",\1"price_level":"900000","new_quantity":"1"',
    ),
}
FRAMES_MAX = 6_000
T = TypeVar("T")


@pytest.fixture
def captures(data_dir: Path) -> Path:
    return data_dir / "captures"


@pytest.fixture(autouse=True)
def short_laps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a minute of recording has many, and the first ones are forgotten."""
    monkeypatch.setattr(ring, "LAP_NS_MAX", 2 * NS_A_S)
    monkeypatch.setattr(ring, "RING_NS_MAX", 5 * NS_A_S)


class AtOnce(Executor):
    """Does what is submitted before it returns."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> "Future[T]":
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Flight:
    """A desk that hears a recording, and before it the flight recorder, as in the service."""

    def __init__(self, folder: Path, feed: str) -> None:
        connector, manifest = load_connectors()[feed]
        self.desk = Desk(connector, manifest, (), DeskOptions(guess_symbols=True))
        self.recorder = FlightRecorder(folder, [self.desk])
        self.mismatches: list[Mismatch] = []
        self.bundles: list[Path] = []
        self._socket = manifest.sockets[0]
        self._fetches: list[Fetch] = []

    def hear(self, row: Row) -> None:
        connection = 0 if row.kind is RowKind.HTTP else 1
        self.recorder.row(row.at_ns, row.kind, row.url, row.body, connection)
        if row.kind is RowKind.CONNECT:
            plan = ConnectionPlan(0, self._socket, row.url, (), ())
            self.desk.opened(1, plan, row.at_ns)
        elif row.kind is RowKind.RECV:
            self.desk.received(1, row.body, row.at_ns)
        elif row.kind is RowKind.HTTP and self._fetches:
            self.desk.answered(self._fetches.pop().ticket, row.body, row.url, row.at_ns)
        for effect in self.desk.take_effects():
            if isinstance(effect, Fetch):
                self._fetches.append(effect)
            elif isinstance(effect, Mismatch):
                self.mismatches.append(effect)
                path = self.recorder.mismatch(effect)
                self.bundles += [path] if path is not None else []


def rows_with_a_wrong(captures: Path, name: str) -> list[Row]:
    """Return a recording up to some frames that are not as the venue sent them."""
    _, pattern, wrong = WRONGS[name]
    rows = list(CaptureReader(str(captures / f"{name}.jsonl.xz")))[:FRAMES_MAX]
    first = len(rows) * 3 // 4
    for row in rows[first:]:
        if row.data is not None:
            row.data = re.sub(pattern, wrong, row.data, count=1)
    return rows


def replay(path: Path, feed: str) -> tuple[Tally, Player]:
    player = Player({feed: load_connectors()[feed]}, DeskOptions(guess_symbols=True))
    for row in CaptureReader(str(path)):
        player.play(row)
    tally = Tally()
    tally.add(list(player.playing.values()))
    return tally, player


@pytest.mark.parametrize("name", WRONGS)
def test_a_bundle_of_the_last_seconds_shows_the_same_mismatch(
    captures: Path, tmp_path: Path, name: str
) -> None:
    # given a feed that has run for longer than anything is kept
    feed = WRONGS[name][0]
    flight = Flight(tmp_path, feed)
    rows = rows_with_a_wrong(captures, name)

    # when a frame near the end makes a book wrong
    for row in rows:
        flight.hear(row)
    flight.recorder.close()

    # then the bundle has only the last seconds, and in a replay the books are right until then
    found = flight.mismatches[0]
    tally, player = replay(flight.bundles[0], feed)
    (playing,) = player.playing.values()
    assert flight.bundles[0].name == bundle_name(found)
    assert [(one.book, one.reason, one.at_ns) for one in playing.mismatches] == [
        (found.book, found.reason, found.at_ns)
    ]
    kept = list(CaptureReader(str(flight.bundles[0])))
    assert kept[-1].at_ns - kept[0].at_ns < 12 * NS_A_S < rows[-1].at_ns - rows[0].at_ns
    assert [row.kind for row in kept][:1] == [RowKind.CONNECT]
    assert any(row.kind is RowKind.BOOK for row in kept)
    (book,) = (book for book in tally.books if book.book == found.book)
    assert book.verified > 0
    assert (book.gaps, book.mismatched) == (0, 1)


def test_a_bundle_of_a_young_connection_begins_where_the_connection_did(
    captures: Path, tmp_path: Path
) -> None:
    name = "kraken-spot-btcusd-depth10"
    rows = rows_with_a_wrong(captures, name)
    first = next(n for n, row in enumerate(rows) if '"update"' in (row.data or "") and n > 8)
    text, count = re.subn(WRONGS[name][1], WRONGS[name][2], rows[first].data or "", count=1)
    assert count
    rows[first].data = text
    flight = Flight(tmp_path, "kraken:spot")
    for row in rows[: first + 1]:
        flight.hear(row)
    flight.recorder.close()

    kept = list(CaptureReader(str(flight.bundles[0])))

    assert [row.body for row in kept] == [row.body for row in rows[: first + 1]]
    assert not any(row.kind is RowKind.BOOK for row in kept)


def test_a_book_that_goes_wrong_again_and_again_leaves_a_bundle_a_minute(tmp_path: Path) -> None:
    flight = Flight(tmp_path, "kraken:spot")
    flight.hear(Row(0, RowKind.CONNECT, "wss://ws.kraken.com/v2"))
    book = "kraken:spot:BTC/USD"

    paths = [
        flight.recorder.mismatch(Mismatch(book, "wrong", second * NS_A_S))
        for second in range(0, 180, 10)
    ]
    other = flight.recorder.mismatch(Mismatch("kraken:spot:ETH/USD", "wrong", NS_A_S))
    flight.recorder.close()

    assert [path is not None for path in paths] == [
        second % 60 == 0 for second in range(0, 180, 10)
    ]
    assert other is not None
    assert flight.recorder.bundles_written == 4
    assert flight.recorder.bundles_spared == 15


def test_only_the_newest_bundles_stay(tmp_path: Path) -> None:
    flight = Flight(tmp_path, "kraken:spot")
    flight.recorder = FlightRecorder(tmp_path, [flight.desk], bundles_max=2)
    flight.hear(Row(0, RowKind.CONNECT, "wss://ws.kraken.com/v2"))
    paths = [
        flight.recorder.mismatch(
            Mismatch("kraken:spot:BTC/USD", "wrong", n * flights.BUNDLE_EVERY_NS)
        )
        for n in range(4)
    ]
    flight.recorder.close()

    assert sorted(tmp_path.iterdir()) == paths[2:]


def test_a_folder_that_cannot_be_written_is_told_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    flight = Flight(tmp_path / "file" / "flights", "kraken:spot")
    flight.hear(Row(0, RowKind.CONNECT, "wss://ws.kraken.com/v2"))
    flight.recorder.mismatch(Mismatch("kraken:spot:BTC/USD", "wrong", 0))
    flight.recorder.close()

    assert "cannot be written" in flight.recorder.fault


def test_what_is_kept_is_bounded(captures: Path, tmp_path: Path) -> None:
    flight = Flight(tmp_path, "binance:linear")
    limit = 100_000
    flight.recorder = FlightRecorder(
        tmp_path, [flight.desk], ring_bytes_max=limit, executor=AtOnce()
    )
    sizes = []
    for row in list(CaptureReader(str(captures / "binance-usdm-btcusdt.jsonl.xz")))[:FRAMES_MAX]:
        flight.hear(row)
        sizes.append(flight.recorder.size)
    flight.recorder.close()

    # Laps of 2 s within 5 s; what is over the limit goes when the next one is over.
    assert limit // 4 < max(sizes) < 2 * limit


def test_nothing_waits_for_the_end_of_a_lap_to_be_packed(captures: Path, tmp_path: Path) -> None:
    # given laps that are not over for a long while
    flight = Flight(tmp_path, "binance:linear")
    flight.recorder = FlightRecorder(tmp_path, [flight.desk], executor=AtOnce())
    rows = list(CaptureReader(str(captures / "binance-usdm-btcusdt.jsonl.xz")))[:FRAMES_MAX]

    # when much is heard within the first one
    heard = packed = 0
    for row in rows:
        flight.recorder.row(rows[0].at_ns, row.kind, row.url, row.body, 1)
        heard += len(row.body)
        packed = max(packed, flight.recorder.packed_bytes)

    # then most of it is packed already
    assert heard > 10 * ring.PIECE_BYTES
    assert packed > heard // 20


def test_no_book_is_copied_while_the_desk_has_not_seen_all_that_was_heard(
    captures: Path, tmp_path: Path
) -> None:
    # given frames that were heard and wait for the desk
    flight = Flight(tmp_path, "kraken:spot")
    rows = list(CaptureReader(str(captures / "kraken-spot-btcusd-depth10.jsonl.xz")))
    for row in rows[:200]:
        flight.hear(row)
    for row in rows[200:]:
        flight.recorder.row(row.at_ns, row.kind, row.url, row.body, 1)
    flight.recorder.mismatch(Mismatch("kraken:spot:BTC/USD", "wrong", rows[-1].at_ns))
    flight.recorder.close()

    (bundle,) = tmp_path.iterdir()
    kept = list(CaptureReader(str(bundle)))
    books = [row.at_ns for row in kept if row.kind is RowKind.BOOK]
    assert all(at_ns <= rows[200].at_ns for at_ns in books)
    assert kept[-1].body == rows[-1].body


def test_answers_go_to_the_feeds_that_ask_there_but_for_lists_of_symbols(tmp_path: Path) -> None:
    # given two feeds that know their symbols
    desks = []
    for feed in ("binance:spot", "binance:linear"):
        connector, manifest = load_connectors()[feed]
        guess = connector.guess_instrument(manifest, "BTCUSDT")
        assert guess is not None
        desks.append(Desk(connector, manifest, ["BTC/USDT"], DeskOptions(), [guess]))
    recorder = FlightRecorder(tmp_path, desks)

    # when answers come from the host of one of them
    host = "https://api.binance.com/api/v3"
    recorder.row(1, RowKind.HTTP, f"{host}/exchangeInfo", b"everything")
    recorder.row(2, RowKind.HTTP, f"{host}/depth?symbol=BTCUSDT&limit=5000", b"book")
    paths = [
        recorder.mismatch(Mismatch(f"{desk.manifest.feed}:BTC/USDT", "wrong", 3)) for desk in desks
    ]
    recorder.close()

    # then only that one keeps them, and of the other there is nothing to write
    assert paths[0] is not None
    assert [row.data for row in CaptureReader(str(paths[0]))] == ["book"]
    assert paths[1] is None


def test_of_two_feeds_at_one_address_each_has_a_bundle_of_its_own(tmp_path: Path) -> None:
    # given two venues of one address
    connector, manifest = load_connectors()["kraken:spot"]
    manifests = manifest, msgspec.structs.replace(manifest, venue="other")
    desks = [Desk(connector, one, (), DeskOptions(guess_symbols=True)) for one in manifests]
    recorder = FlightRecorder(tmp_path, desks)
    url = "wss://ws.kraken.com/v2"
    for connection, desk in enumerate(desks, 1):
        recorder.row(1, RowKind.CONNECT, url, b"", connection, feed=desk.manifest.feed)
    # when both say something, and a book of one of them is found wrong
    for connection in (2, 1, 2):
        recorder.row(2, RowKind.RECV, url, b"of %d" % connection, connection)
    path = recorder.mismatch(Mismatch("other:spot:BTC/USD", "wrong", NS_A_S))
    recorder.close()
    # then what that one said is kept, with its name
    assert path is not None
    rows = list(CaptureReader(str(path)))
    assert [(row.kind, row.conn, row.feed) for row in rows[:1]] == [("connect", 2, "other:spot")]
    assert [row.data for row in rows[1:]] == ["of 2", "of 2"]
