"""What is said live is what a person reckons from the trades, across every restart."""

from random import Random
from typing import NoReturn

import pytest
import sqlalchemy as sa
from msgspec import structs

from history.follow.links import BEGINNING
from history.outlet import speaking
from history.outlet.klines import STEPS_MAX
from history.outlet.outlet import Outlet
from history.projection.batch import Batch
from history.projection.intervals import INTERVALS_S, SECOND_NS, open_of
from history.projection.rows import CursorRow
from history.projection.views import scales_of, ticker_view
from history.sql.database import DatabaseAway, HistoryDatabase
from history.sql.writer import write
from shared.feed.history import LiveTickers
from shared.publishing import Publisher
from shared.rest.history import TickerView
from tests.history.outlet.listening import KEYS, Listener, is_without_gap, kline_of, ticker_of
from tests.history.outlet.pencil import DAY_NS, kline, market_row, opened_ns, ticker
from tests.history.outlet.tape import START_NS, Tape

SCALES = scales_of(market_row("any"), 4, 4)
MARKETS = ("A_INR", "B_INR", "C_INR")


class Recorder:
    """A recorder with its outlet; it can be started anew at any time."""

    def __init__(self, database: HistoryDatabase, tape: Tape) -> None:
        self.database, self.tape = database, tape
        self.listener = Listener()
        self.written: CursorRow | None = None
        self.boot_us = 0
        self.start()

    def start(self) -> None:
        self.boot_us += 10**9
        self.publisher = Publisher("history", KEYS, boot_us=self.boot_us)
        self.outlet = Outlet(self.publisher, self.database)

    async def load(self, since_ns: int = 0) -> None:
        cursor = self.tape.cursor
        await self.outlet.load(cursor, cursor.at_ns, since_ns=since_ns)

    async def keep(self, batch: Batch) -> None:
        """Write a batch."""
        if self.written != self.tape.cursor:
            await write(self.database, batch, self.tape.cursor, self.written)
            self.written = self.tape.cursor

    async def write(self, batch: Batch) -> None:
        """Write a batch, and say at the tape's watermark what it has changed."""
        await self.keep(batch)
        await self.outlet.written(batch, self.tape.cursor, self.tape.watermark_ns)
        self.listener.hear(self.publisher)


def judge(recorder: Recorder, *, is_anew: bool = False) -> None:
    """Compare all that was said with the list of trades."""
    tape, listener = recorder.tape, recorder.listener
    watermark_ns = tape.watermark_ns
    for market, trades in tape.trades.items():
        for interval in INTERVALS_S:
            newest = listener.klines[market, interval][-1]
            open_at_ns = opened_ns(watermark_ns, interval)
            assert kline_of(newest) == kline(trades, open_at_ns, interval, watermark_ns)
        said = ticker_of(listener.tickers[market])
        assert timeless(said) == timeless(ticker(trades, watermark_ns))
        assert said.close_at_ns <= watermark_ns
    shown = [ticker_view(each, SCALES) for each in recorder.outlet.tickers()]
    assert shown == [ticker(tape.trades[name], watermark_ns) for name in sorted(tape.trades)]
    assert (recorder.outlet.sequence, recorder.outlet.at_ns) == (tape.cursor.sequence, watermark_ns)
    for (market, interval), candles in listener.latest.items():
        for live in candles:
            reckoned = kline(tape.trades[market], live.open_at_ns, interval, live.at_ns)
            assert kline_of(live) == reckoned
        before = listener.klines[market, interval][: -len(candles)][-1:]
        is_whole = len(candles) <= STEPS_MAX and not is_anew
        assert is_without_gap(before + candles) or not is_whole


def timeless(view: TickerView) -> TickerView:
    """A ticker without the window's ends: they move while nothing changes."""
    return structs.replace(view, open_at_ns=0, close_at_ns=0)


@pytest.mark.parametrize("number", range(2))
async def test_after_every_batch_and_restart_all_that_was_said_is_exact(
    history_database: HistoryDatabase, seed: int, number: int
) -> None:
    random = Random(f"{seed}-{number}")
    tape = Tape(random, MARKETS)
    recorder = Recorder(history_database, tape)
    await recorder.load()
    for _ in range(45):
        is_anew = random.random() < 0.15
        if is_anew:
            recorder.start()
            await recorder.load(since_ns=tape.watermark_ns)
        batch = tape.batch(random.choice((0, 0, 1, 1, 2, 9)))
        if random.random() < 0.7:
            tape.wait()
        await recorder.write(batch)
        judge(recorder, is_anew=is_anew)


async def test_before_the_first_trade_there_are_no_tickers_and_that_is_said(
    history_database: HistoryDatabase,
) -> None:
    publisher, listener = Publisher("history", KEYS, boot_us=1), Listener()
    outlet = Outlet(publisher, history_database)
    await outlet.load(None, START_NS)
    for seconds in range(3):
        await outlet.written(Batch(), BEGINNING, START_NS + seconds * SECOND_NS)
        listener.hear(publisher)
    assert listener.all == [LiveTickers([], 0, START_NS, 0)]


async def test_a_recorder_that_was_started_anew_says_nothing_of_a_time_that_was_shown(
    history_database: HistoryDatabase,
) -> None:
    # Given a recorder that has shown candles of a quiet hour, by the journal's clock.
    tape = Tape(Random(1), MARKETS[:1])
    recorder = Recorder(history_database, tape)
    await recorder.load()
    await recorder.write(tape.batch(3))
    shown_ns = tape.watermark_ns = tape.watermark_ns + 3_600 * SECOND_NS
    await recorder.write(Batch())
    # When another one begins with what is stored, which is an hour older.
    recorder.start()
    await recorder.load(since_ns=shown_ns + SECOND_NS)
    tape.watermark_ns = tape.cursor.at_ns
    # Then it says nothing until it is as far, and then everything once.
    assert recorder.publisher.channels.keys() >= {"ticker:A_INR", "klines:A_INR:1s", "tickers"}
    await recorder.write(Batch())
    assert recorder.listener.hear(recorder.publisher) == []
    assert not recorder.listener.latest
    tape.watermark_ns = shown_ns + SECOND_NS
    await recorder.write(Batch())
    assert len(recorder.listener.latest) == len(INTERVALS_S)
    judge(recorder, is_anew=True)


async def test_without_a_change_nothing_is_said(history_database: HistoryDatabase) -> None:
    tape = Tape(Random(1), MARKETS)
    recorder = Recorder(history_database, tape)
    await recorder.load()
    await recorder.write(tape.batch(20))
    tape.watermark_ns = open_of(tape.watermark_ns, 1) + SECOND_NS
    await recorder.write(Batch())
    for _ in range(5):
        tape.watermark_ns += SECOND_NS // 10
        await recorder.outlet.written(Batch(), tape.cursor, tape.watermark_ns)
        said = recorder.listener.hear(recorder.publisher)
        assert [name for name in said if name != "tickers"] == []


async def test_a_database_that_is_away_delays_the_tickers_and_not_the_candles(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = Tape(Random(1), MARKETS[:1])
    recorder = Recorder(history_database, tape)
    await recorder.load()
    await recorder.write(tape.batch(5))
    before = recorder.outlet.tickers()
    tape.watermark_ns = tape.trades["A_INR"][0].at_ns + DAY_NS
    with monkeypatch.context() as patched:
        patched.setattr(history_database, "reading", away)
        await recorder.write(Batch())
    newest = recorder.listener.klines["A_INR", "1s"][-1]
    assert newest.open_at_ns == open_of(tape.watermark_ns, 1)
    assert recorder.outlet.tickers() == before
    assert recorder.outlet.unread == 1
    tape.watermark_ns += 90 * SECOND_NS
    await recorder.write(Batch())
    judge(recorder)


def away() -> NoReturn:
    raise DatabaseAway("The history cannot be read now: it is away")


async def test_one_statement_reads_for_all_markets_whose_edges_move(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given fifty markets that all trade in the same second.
    names = tuple(f"M{number}_INR" for number in range(50))
    tape = Tape(Random(1), names)
    recorder = Recorder(history_database, tape)
    await recorder.load()
    while len(tape.trades) < len(names):
        tape.watermark_ns = open_of(START_NS, 60) + 10 * SECOND_NS
        tape.later_ns = lambda: tape.watermark_ns + 1  # type: ignore[method-assign]
        await recorder.write(tape.batch(20))
    # When the end of the window moves on over that second.
    statements: list[str] = []

    def note(*given: object) -> None:
        if str(given[2]).startswith("SELECT candles") or str(given[2]).startswith("SELECT trades"):
            statements.append(str(given[2]))

    engine = history_database._reading.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    for step_ns in (0, 10, 100, SECOND_NS, 60 * SECOND_NS):
        tape.watermark_ns = open_of(START_NS, 60) + 10 * SECOND_NS + DAY_NS + step_ns
        await recorder.write(Batch())
    sa.event.remove(engine, "before_cursor_execute", note)
    # Then the minute and the second were each read once.
    assert len(statements) == 2
    assert {each.trades for each in recorder.outlet.tickers()} == {0}


async def test_more_markets_than_there_is_room_for_are_in_tickers_alone(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "MARKETS_MAX", 2)
    tape = Tape(Random(1), MARKETS)
    recorder = Recorder(history_database, tape)
    await recorder.load()
    while len(tape.trades) < len(MARKETS):
        await recorder.write(tape.batch(1))
    assert recorder.outlet.markets_left_out == 1
    assert len(recorder.listener.tickers) == 2
    tape.watermark_ns += SECOND_NS
    await recorder.write(tape.batch(1))
    assert [each.market for each in recorder.listener.all[-1].tickers] == list(MARKETS)
