"""Recording real sockets: what was heard can be replayed, and an end by signal loses nothing."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from aggregator.books.desk import DeskOptions
from aggregator.captures import writing
from aggregator.captures.player import Player
from aggregator.captures.reading import CaptureReader
from aggregator.captures.report import Tally
from aggregator.captures.rows import Row, RowKind
from aggregator.recording import Recorded, RecordError, Wanted, record
from aggregator.registry import load_connectors
from rialto.embedded_redis import choose_port
from tests.support.fake_venue import FakeVenue

PAIRS = {
    "result": {
        "XXBTZUSD": {
            "wsname": "XBT/USD",
            "pair_decimals": 1,
            "lot_decimals": 8,
            "tick_size": "0.1",
        }
    }
}

SPOT = {
    "retCode": 0,
    "retMsg": "OK",
    "result": {
        "category": "spot",
        "list": [
            {
                "symbol": "BTCEUR",
                "baseCoin": "BTC",
                "quoteCoin": "EUR",
                "status": "Trading",
                "priceFilter": {"tickSize": "0.01"},
                "lotSizeFilter": {"basePrecision": "0.00001"},
            }
        ],
    },
}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written shows at once, so no test waits for it."""
    monkeypatch.setattr(writing, "PIECE_S_MAX", 0.1)


def nothing(_now: Recorded) -> None:
    """Look at nothing."""


def when(
    condition: Callable[[Recorded], bool], act: Callable[[], None]
) -> Callable[[Recorded], None]:
    """Return a watcher that acts once, when something is so."""
    done: list[bool] = []

    def watch(now: Recorded) -> None:
        if not done and condition(now):
            done.append(True)
            act()

    return watch


async def test_a_recording_of_real_sockets_proves_what_they_said(
    data_dir: Path, tmp_path: Path
) -> None:
    # given a venue that says once more what it said on a recorded day
    day = data_dir / "captures" / "kraken-spot-btcusd-depth10.jsonl.xz"
    frames = [row.data or "" for row in CaptureReader(str(day)) if row.kind is RowKind.RECV]
    venue = FakeVenue()
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        for frame in frames:
            await connection.send(frame)
        await venue.listen(connection)

    venue.talk = talk
    out = tmp_path / "day.jsonl.xz"

    # when it is recorded until the process is told to end
    async with venue.open():
        wanted = Wanted(["kraken:spot"], ["BTC/USD"], out, venues_address=venue.address)
        end = when(lambda now: now.rows > len(frames), lambda: os.kill(os.getpid(), signal.SIGTERM))
        async with asyncio.timeout(30):
            recorded = await record(wanted, end)

    # then every frame is there as it came, and the replay proves each
    rows = list(CaptureReader(str(out)))
    assert [row.data for row in rows if row.kind is RowKind.RECV][: len(frames)] == frames
    assert {row.kind for row in rows} >= {RowKind.HTTP, RowKind.CONNECT, RowKind.SEND}
    assert (recorded.live, recorded.books, recorded.silent) == (1, 1, [])
    assert replayed(rows)["kraken:spot:BTC/USD"] == (301, 0, "live")


def replayed(rows: list[Row]) -> dict[str, tuple[int, int, str]]:
    player = Player(load_connectors(), DeskOptions(guess_symbols=True))
    for row in rows:
        player.play(row)
    tally = Tally()
    tally.add(list(player.playing.values()))
    return {book.book: (book.verified, book.mismatched, book.state) for book in tally.books}


async def test_a_book_that_never_came_is_named(tmp_path: Path) -> None:
    venue = FakeVenue()
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]
    async with venue.open():
        wanted = Wanted(
            ["kraken:spot"], ["BTC/USD"], tmp_path / "day.jsonl", 0.6, venues_address=venue.address
        )
        recorded = await record(wanted, nothing)

    assert recorded.live == 0
    assert recorded.silent[0].startswith("kraken:spot:BTC/USD was never live")


async def test_books_that_never_came_for_one_reason_are_named_together(tmp_path: Path) -> None:
    # given two feeds at an address where nobody is
    pairs, out = ["BTC/USD", "ETH/USD"], tmp_path / "day.jsonl"
    feeds = ["kraken:spot", "coinbase:spot"]
    where = f"127.0.0.1:{choose_port()}"
    recorded = await record(Wanted(feeds, pairs, out, 1.0, venues_address=where), nothing)
    # then each is one sentence, with what the feed says
    assert [sentence.partition(":spot: ")[2][:27] for sentence in recorded.silent] == [
        "2 books were never live: Th",
        "2 books were never live: Th",
    ]
    assert all("list of symbols is not to be had" in sentence for sentence in recorded.silent)


async def test_a_feed_that_there_is_not_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no feed bybit:linaer; the nearest are bybit:linear"):
        await record(Wanted(["bybit:linaer"], [], tmp_path / "day.jsonl"), nothing)

    assert os.listdir(tmp_path) == []


async def test_a_pair_that_no_feed_lists_ends_it_at_once_with_the_nearest(tmp_path: Path) -> None:
    # given a venue with BTC/USD alone, and a recording without an end
    venue = FakeVenue()
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]
    async with venue.open():
        pairs = ["BTC/USD", "BTC/USTD"]
        out = tmp_path / "day.jsonl"
        wanted = Wanted(["kraken:spot"], pairs, out, venues_address=venue.address)
        # when one of two pairs is misspelt
        with pytest.raises(RecordError) as refused:
            async with asyncio.timeout(30):
                await record(wanted, nothing)
    # then the nearest is named, and nothing is in the way of the next try
    assert str(refused.value) == "kraken:spot lists no BTC/USTD; the nearest is BTC/USD."
    assert os.listdir(tmp_path) == []


async def test_what_was_recorded_is_kept_when_a_late_list_shows_that_a_pair_is_misspelt(
    data_dir: Path, tmp_path: Path
) -> None:
    # given a feed that brings one of two pairs, and another one whose list is not to be had yet
    day = data_dir / "captures" / "kraken-spot-btcusd-depth10.jsonl.xz"
    frames = [row.data or "" for row in CaptureReader(str(day)) if row.kind is RowKind.RECV][:20]
    venue, lists = FakeVenue(), "category=spot&status=Trading&limit=1000"
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        for frame in frames:
            await connection.send(frame)
        await venue.listen(connection)

    venue.talk = talk
    out = tmp_path / "day.jsonl"
    late: tuple[int, bytes, dict[str, str]] = 200, json.dumps(SPOT).encode(), {}
    # when that list comes at last, and has the other pair as little
    comes = when(lambda now: now.rows > len(frames), lambda: venue.answers.update({lists: [late]}))
    async with venue.open():
        feeds, pairs = ["kraken:spot", "bybit:spot"], ["BTC/USD", "BTC/USTD"]
        wanted = Wanted(feeds, pairs, out, venues_address=venue.address)
        with pytest.raises(RecordError) as ended:
            async with asyncio.timeout(30):
                await record(wanted, comes)
    # then it ends, and nothing of the first pair is lost
    assert str(ended.value).splitlines() == [
        "kraken:spot lists no BTC/USTD; the nearest is BTC/USD.",
        "bybit:spot lists no BTC/USTD; the nearest is BTC/EUR.",
        f"What was recorded of the other pairs until then is kept in {out}.",
    ]
    rows = list(CaptureReader(str(out)))
    assert [row.data for row in rows if row.kind is RowKind.RECV][: len(frames)] == frames


async def test_a_pair_that_one_of_two_feeds_lists_is_recorded_there(tmp_path: Path) -> None:
    venue = FakeVenue()
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]
    listed: tuple[int, bytes, dict[str, str]] = 200, json.dumps(SPOT).encode(), {}
    venue.answers["category=spot&status=Trading&limit=1000"] = [listed]
    async with venue.open():
        out = tmp_path / "day.jsonl"
        feeds = ["kraken:spot", "bybit:spot"]
        wanted = Wanted(feeds, ["BTC/USD"], out, 1.5, venues_address=venue.address)
        recorded = await record(wanted, nothing)
    assert (
        "bybit:spot:BTC/USD was never live: bybit:spot lists no BTC/USD; the nearest is BTC/EUR."
        in recorded.silent
    )
    assert recorded.files == (out,)


async def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    out = tmp_path / "day.jsonl"
    out.write_text("yesterday\n")

    with pytest.raises(RecordError, match="not written over"):
        await record(Wanted(["kraken:spot"], [], out), nothing)

    assert out.read_text() == "yesterday\n"


async def test_a_disk_that_fails_ends_the_recording_with_a_sentence(tmp_path: Path) -> None:
    venue = FakeVenue()
    venue.answers["AssetPairs"] = [(200, json.dumps(PAIRS).encode(), {})]
    async with venue.open():
        out = tmp_path / "absent" / "day.jsonl"
        wanted = Wanted(["kraken:spot"], ["BTC/USD"], out, venues_address=venue.address)
        with pytest.raises(RecordError, match="cannot be written: No such file"):
            async with asyncio.timeout(30):
                await record(wanted, nothing)
