"""Recordings of real venues, played at the addresses where they were made."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from aggregator.captures.reading import CaptureError
from aggregator.offline.discovery import load_speakers
from aggregator.offline.playing import Recordings
from aggregator.offline.server import VenuesServer
from tests.support.shapes import frames_of, recorded

FAST = 2_000.0
BEGIN_NS = 1_700_000_000_000_000_000


@contextlib.asynccontextmanager
async def _playing(*files: Path, speed: float = FAST) -> AsyncIterator[str]:
    recordings = Recordings([str(file) for file in files], speed=speed)
    server = VenuesServer(load_speakers(), recordings=recordings)
    await server.start("127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        await server.stop()


async def _all_of(url: str, *messages: str) -> list[str]:
    frames: list[str] = []
    async with asyncio.timeout(20), connect(url, max_size=8 * 1024 * 1024) as connection:
        for message in messages:
            await connection.send(message)
        with contextlib.suppress(ConnectionClosed):
            while True:
                frames.append(str(await connection.recv()))
        assert connection.close_code == 1000
    return frames


def _write(path: Path, *rows: tuple[str, str, str]) -> Path:
    lines = [
        json.dumps({"at_ns": BEGIN_NS + number * 1_000_000, "kind": kind, "url": url, "data": data})
        for number, (kind, url, data) in enumerate(rows)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.asyncio
async def test_a_recording_is_played_whole_to_each_who_calls(data_dir: Path) -> None:
    # Given a recording that was made by subscribing.
    name = "kraken-spot-btcusd-depth10"
    file = data_dir / "captures" / f"{name}.jsonl.xz"
    rows = list(recorded(data_dir, name))
    async with _playing(file) as address:
        # When two clients subscribe one after the other.
        for _ in range(2):
            frames = await _all_of(f"ws://{address}/ws.kraken.com/v2", *frames_of(rows, "send"))
            # Then each gets every frame, and then the end.
            assert frames == frames_of(rows)


@pytest.mark.asyncio
async def test_an_answer_by_http_is_the_recorded_one(data_dir: Path) -> None:
    name = "binance-spot-late-snapshot"
    file = data_dir / "captures" / f"{name}.jsonl.xz"
    (first, *_) = [row for row in recorded(data_dir, name) if row["kind"] == "http"]
    async with _playing(file) as address, httpx.AsyncClient() as client:
        url = first["url"].replace("https://", f"http://{address}/").replace("1000", "5000")
        answer = await client.get(url)
        assert answer.text == first["data"]
        # What was not recorded is not made up, but the list of symbols is always there.
        unknown = await client.get(url.replace("NKNUSDT", "BTCUSDT"))
        assert unknown.status_code == 400
        listed = await client.get(f"http://{address}/api.binance.com/api/v3/exchangeInfo")
        assert listed.json()["symbols"]


@pytest.mark.asyncio
async def test_a_venue_that_nobody_speaks_for_can_be_played(tmp_path: Path) -> None:
    # Given a recording of a venue of which nothing is known.
    url = "wss://ws.example.com/feed"
    file = _write(tmp_path / "other.jsonl", ("recv", url, "one"), ("recv", url, "two"))
    async with _playing(file) as address:
        assert await _all_of(f"ws://{address}/ws.example.com/feed") == ["one", "two"]


@pytest.mark.asyncio
async def test_a_ping_is_answered_while_a_recording_is_played(tmp_path: Path) -> None:
    url = "wss://ws.kraken.com/v2"
    rows = [("send", url, "{}"), *(("recv", url, f"frame {number}") for number in range(3))]
    async with _playing(_write(tmp_path / "k.jsonl", *rows)) as address:
        frames = await _all_of(f"ws://{address}/ws.kraken.com/v2", '{"method":"ping"}')
    assert [text for text in frames if '"pong"' in text]
    assert [text for text in frames if "frame" in text] == ["frame 0", "frame 1", "frame 2"]


@pytest.mark.asyncio
async def test_a_recording_of_one_socket_is_parted_between_the_two_of_today(
    tmp_path: Path,
) -> None:
    # Given a recording from when Binance's futures had one socket for everything.
    url = "wss://fstream.binance.com/stream?streams=btcusdt@depth@0ms/btcusdt@aggTrade"
    book = '{"stream":"btcusdt@depth@0ms","data":{}}'
    trade = '{"stream":"btcusdt@aggTrade","data":{}}'
    file = _write(tmp_path / "b.jsonl", ("recv", url, book), ("recv", url, trade))
    # Then each of today's two brings its own.
    async with _playing(file) as address:
        host = f"ws://{address}/fstream.binance.com"
        assert await _all_of(f"{host}/public/stream") == [book]
        assert await _all_of(f"{host}/market/stream") == [trade]


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no recording")
    with pytest.raises(CaptureError):
        Recordings([str(tmp_path / "x")])
