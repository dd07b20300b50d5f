"""What a client of the broadcaster sees of candles and tickers, over a WebSocket."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from history.projection.batch import Batch
from history.projection.intervals import SECOND_NS, open_of
from history.sql.database import open_history
from shared.feed.history import LiveKline, LiveTicker, LiveTickers
from shared.publishing import Publisher, PublisherLink
from tests.broadcaster.running import Running, running
from tests.history.outlet.listening import KEYS, follows, is_without_gap, kline_of, ticker_of
from tests.history.outlet.pencil import kline, ticker
from tests.history.outlet.tape import Tape
from tests.history.outlet.test_outlet import Recorder, timeless
from tests.support.deadlines import eventually_async
from tests.support.feed_client import FeedClient

MARKET = "TATA_INR"
CHANNELS = [f"klines:{MARKET}:1s", f"ticker:{MARKET}", "tickers"]


class Watcher:
    """Somebody who draws what comes on the three channels."""

    def __init__(self, client: FeedClient) -> None:
        self.client = client
        self.candles: list[LiveKline] = []
        self.tickers: list[LiveTicker] = []
        self.all: list[LiveTickers] = []

    async def until(self, at_ns: int) -> None:
        """Read on until the candle that is being drawn at a watermark has come."""
        while not self.candles or self.candles[-1].is_closed or self.candles[-1].at_ns < at_ns:
            self._take(await self.client.next())

    async def until_all(self, at_ns: int) -> None:
        """Read on until the tickers of a watermark have come."""
        while not self.all or self.all[-1].at_ns < at_ns:
            self._take(await self.client.next())

    def _take(self, message: dict[str, Any]) -> None:
        assert message.get("op") != "unsubscribed", "a channel has ceased to exist"
        data = msgspec.json.encode(message.get("data"))
        match message.get("channel", "").partition(":")[0]:
            case "klines":
                candle = msgspec.json.decode(data, type=LiveKline)
                if self.candles:
                    follows(self.candles[-1], candle)
                self.candles.append(candle)
            case "ticker":
                self.tickers.append(msgspec.json.decode(data, type=LiveTicker))
            case "tickers":
                self.all.append(msgspec.json.decode(data, type=LiveTickers))


@asynccontextmanager
async def publishing(redis_url: str, publisher: Publisher) -> AsyncIterator[None]:
    link = PublisherLink(redis_url, KEYS, publisher)
    await link.start()
    try:
        yield
    finally:
        await link.close()


async def subscribed(venue: Running) -> Watcher:
    client = await venue.client()

    async def is_there() -> bool:
        answer = await client.ask(op="subscribe", channels=CHANNELS)
        return bool(answer["op"] == "subscribed")

    await eventually_async(is_there)
    return Watcher(client)


async def test_a_client_sees_candles_and_tickers_also_of_a_recorder_that_was_started_anew(
    redis_url: str, tmp_path: Path
) -> None:
    database = await open_history(tmp_path, "")
    tape = Tape(Random(7), (MARKET,))
    tape.later_ns = lambda: tape.watermark_ns + SECOND_NS // 10  # type: ignore[method-assign]
    tape.watermark_ns = open_of(tape.watermark_ns, 1)
    recorder = Recorder(database, tape)
    recorder.boot_us = time.time_ns() // 1_000
    recorder.start()
    async with running(redis_url) as venue:
        # Given nobody who records, there are no such channels.
        early = await venue.client()
        for channel in CHANNELS:
            answer = await early.ask(op="subscribe", channels=[channel])
            assert (answer["op"], answer["code"]) == ("error", "UNKNOWN_CHANNEL")
        # When trades are recorded, they come, and what is said is what a person reckons.
        await recorder.load()
        async with publishing(redis_url, recorder.publisher):
            await tell(recorder, tape.batch(3))
            watcher = await subscribed(venue)
            for _ in range(8):
                await tell(recorder, tape.batch(3))
                await watcher.until(tape.watermark_ns)
                judge(watcher, tape)
            tape.watermark_ns += 3 * SECOND_NS
            await tell(recorder, Batch())
            await watcher.until(tape.watermark_ns)
            judge(watcher, tape)
            assert is_without_gap(watcher.candles)
            assert sum(candle.trades == 0 for candle in watcher.candles) >= 3
            # When the recorder is killed, another one begins, and the client stays where it is.
            shown_ns = tape.watermark_ns
            recorder.start()
            await recorder.load(since_ns=shown_ns)
            async with publishing(redis_url, recorder.publisher):
                tape.watermark_ns = tape.cursor.at_ns
                await tell(recorder, Batch())
                tape.watermark_ns = shown_ns + SECOND_NS
                await tell(recorder, tape.batch(2))
                await watcher.until(tape.watermark_ns)
                await watcher.until_all(tape.watermark_ns)
                judge(watcher, tape)
    await database.close()


async def tell(recorder: Recorder, batch: Batch) -> None:
    await recorder.keep(batch)
    await recorder.outlet.written(batch, recorder.tape.cursor, recorder.tape.watermark_ns)


def judge(watcher: Watcher, tape: Tape) -> None:
    trades = tape.trades[MARKET]
    for candle in watcher.candles[-5:]:
        known = [each for each in trades if each.at_ns <= candle.at_ns]
        assert kline_of(candle) == kline(known, candle.open_at_ns, "1s", candle.at_ns)
    if watcher.tickers:
        newest = watcher.tickers[-1]
        known = [each for each in trades if each.at_ns <= newest.close_at_ns]
        assert ticker_of(newest) == ticker(known, newest.close_at_ns)
    if watcher.all:
        [shown] = watcher.all[-1].tickers
        known = [each for each in trades if each.at_ns <= shown.close_at_ns]
        assert timeless(shown) == timeless(ticker(known, shown.close_at_ns))
