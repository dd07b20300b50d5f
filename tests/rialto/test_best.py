"""The best execution as a person asks for it, from books to the terminal, over the real feed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from aggregator.merge import MergeOptions
from aggregator.merge.execution import Ending
from aggregator.merge.published import PublishedExecution, PublishedFill
from aggregator.outlet.consolidated import ConsolidatedOutlet
from rialto import best
from rialto.best import find_best, print_best
from rialto.cli import app
from rialto.errors import RialtoError
from shared.feed import Level
from shared.messages import BookState, ConsolidatedBook, Side, SymbolStatus
from shared.publishing import Publisher, PublisherLink
from tests.broadcaster.running import running
from tests.support.deadlines import eventually_async
from tests.support.outside_books import TableBook

BINANCE, KRAKEN = "binance:spot:BTC/USD", "kraken:spot:BTC/USD"


@asynccontextmanager
async def venue_with_books(redis_url: str) -> AsyncIterator[str]:
    """A broadcaster that shows a consolidated book; yields the feed's address."""
    async with running(redis_url) as venue:
        publisher = Publisher("aggregator", venue.keys, boot_us=time.time_ns() // 1_000)
        link = PublisherLink(redis_url, venue.keys, publisher)
        await link.start()
        outlet = ConsolidatedOutlet(publisher, MergeOptions(taker_fees_ppm={"binance:spot": 1_000}))
        outlet.merger.show(BINANCE, TableBook([("99", "2")], [("100", "1"), ("102", "4")]))
        outlet.merger.show(
            KRAKEN, TableBook([("98", "1")], [("100.05", "2")], trusted_ask="103", trusted_bid="97")
        )
        outlet.say_books(time.time_ns(), time.time_ns)
        channel = "book:consolidated:BTC/USD"
        try:
            await eventually_async(lambda: channel in venue.hub.topics)
            yield f"{venue.url}/ws"
        finally:
            await link.close()


async def test_it_is_found_from_the_feed_alone(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with venue_with_books(redis_url) as url:
        found = await asyncio.to_thread(find_best, url, "BTC/USD", Side.BUY, quantity="4")
        assert [(fill.book, fill.quantity) for fill in found.fills] == [
            (KRAKEN, "2"),
            (BINANCE, "1"),
            (BINANCE, "1"),
        ]
        assert [fill.price_after_fees for fill in found.fills] == ["100.05", "100.1", "102.102"]
        assert (found.total, found.total_after_fees) == ("402.1", "402.302")
        print_best(found, as_json=True)
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["average_price"] == "100.525"
        print_best(found, as_json=False)
        assert "buy 4: all of it" in capsys.readouterr().out
        # Below 97 nothing is known of one book, so what the others have there may not be the best.
        short = await asyncio.to_thread(find_best, url, "BTC/USD", Side.SELL, quantity="9")
        assert (short.ending, short.filled, short.left) == ("unknown", "3", "6")
        print_best(short, as_json=False)
        assert "left 6" in capsys.readouterr().out
        with pytest.raises(RialtoError, match=r"no decimal number from 0 upwards"):
            await asyncio.to_thread(find_best, url, "BTC/USD", Side.SELL, quantity="-1")


@pytest.mark.parametrize("symbol", ["BTC/EUR", "btc/usd", "BTC/USDD"])
async def test_a_symbol_that_nobody_has_is_told_with_the_nearest(
    redis_url: str, symbol: str
) -> None:
    async with venue_with_books(redis_url) as url:
        with pytest.raises(RialtoError) as refused:
            await asyncio.to_thread(find_best, url, symbol, Side.SELL, quantity="1")
    assert str(refused.value) == f"No book of {symbol} is followed; the nearest is BTC/USD."


async def test_where_nothing_is_followed_that_is_said(redis_url: str) -> None:
    async with running(redis_url) as venue:
        with pytest.raises(RialtoError) as refused:
            await asyncio.to_thread(find_best, f"{venue.url}/ws", "BTC/USD", Side.BUY, quantity="1")
    assert str(refused.value) == (
        "No book of BTC/USD is followed, nor any other: see `rialto aggregator status`."
    )


THIRDS = PublishedExecution(
    symbol="BTC/USD",
    side=Side.BUY,
    ending=Ending.DONE,
    filled="3",
    left="0",
    total="200.4",
    total_after_fees="200.6",
    average_price="66.8",
    average_price_after_fees="66.866666666666666667",
    worst_price="100.2",
    fills=(
        PublishedFill(KRAKEN, "50.1", "2", "50.1"),
        PublishedFill(BINANCE, "100.2", "1", "100.4004"),
    ),
    at_ns=1,
)


def test_the_verdict_comes_first_and_averages_are_rounded_against_the_taker(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # given an average without an end, of prices with one decimal
    print_best(THIRDS, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    # then it has two more, rounded up for who buys, and what is exact stays as it is
    assert lines[:4] == [
        "buy 3: all of it",
        "average 66.8, with fees 66.867 (rounded up; exactly with --json)",
        "worst 100.2",
        "total 200.4, with fees 200.6",
    ]
    assert lines[4].split()[:2] == ["book", "price"]
    assert len(lines) == 7
    print_best(msgspec.structs.replace(THIRDS, side=Side.SELL), as_json=False)
    assert "with fees 66.866 (rounded down; exactly with --json)" in capsys.readouterr().out


def test_an_average_that_is_short_is_not_called_rounded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_best(msgspec.structs.replace(THIRDS, average_price_after_fees="66.867"), as_json=False)
    assert "average 66.8, with fees 66.867\n" in capsys.readouterr().out


async def test_the_command_says_by_its_exit_code_whether_all_can_be_filled(redis_url: str) -> None:
    async with venue_with_books(redis_url) as url:
        words = ["best", "BTC/USD", "buy", "--url", url]
        spent = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--budget", "100"])
        assert spent.exit_code == 0, spent.output
        assert "all of it" in spent.output
        known = await asyncio.to_thread(CliRunner().invoke, app, [*words, "99"])
        assert known.exit_code == 1, known.output
        assert "beyond that, one of the books is not known" in known.output


async def test_without_a_run_the_feed_that_is_set_is_asked(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given what a container of Compose has: no run, and the address of the feed
    monkeypatch.setenv("RIALTO_HOME", str(tmp_path))
    async with venue_with_books(redis_url) as url:
        monkeypatch.setenv("RIALTO_METRICS_FEED_URL", url)
        words = ["best", "BTC/USD", "buy", "1"]
        found = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert found.exit_code == 0, found.output


def test_without_a_wish_nothing_is_asked() -> None:
    with pytest.raises(RialtoError, match="Say how much"):
        find_best("ws://127.0.0.1:9/ws", "BTC/USD", Side.BUY)


def test_a_symbol_without_a_live_book_is_told_with_the_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left_out = SymbolStatus(book="kraken:spot:BTC/USD", state=BookState.EMPTY, since_ns=1)
    info = msgspec.json.encode(ConsolidatedBook(at_ns=1, symbol="BTC/USD", left_out=(left_out,)))

    async def read(url: str, symbol: str, side: Side) -> tuple[bytes, list[Level]]:
        return info, []

    monkeypatch.setattr(best, "_read", read)
    sentence = r"No book of BTC/USD is live \(kraken:spot:BTC/USD: empty\)"
    with pytest.raises(RialtoError, match=sentence):
        find_best("ws://127.0.0.1:9/ws", "BTC/USD", Side.BUY, quantity="1")
