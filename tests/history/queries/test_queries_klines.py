"""Klines are what one reckons from the list of trades, interval by interval, field by field."""

from decimal import Decimal
from random import Random

import pytest
from msgspec import structs

from history.projection.candles import MarketCandles
from history.projection.intervals import INTERVALS_S, SECOND_NS, close_of, open_of
from history.projection.rows import CursorRow, TradeRow
from history.queries.cursors import cursor_of
from history.queries.standing import NotYetError
from history.sql.database import HistoryDatabase
from shared.rest.history import Kline
from shared.rest.history_queries import HistoryQuery, QueryFault
from tests.history.queries.stand import Stand, walk
from tests.history.queries.world import ASSETS, MARKETS, START_NS, World

PAST_NS = 10**18


def text(value: int, scale: int) -> str:
    """The shortest decimal text, another way than the product's."""
    found = format(Decimal(value).scaleb(-scale), "f")
    return found.rstrip("0").rstrip(".") if "." in found else found


def reckoned(
    trades: list[TradeRow], market: str, interval_s: int, watermark_ns: int, span: tuple[int, int]
) -> list[Kline]:
    """What a person would do with the list and a pencil, for intervals that begin in `span`."""
    base, quote, price_scale, tick, lot, *_ = MARKETS[market]
    of = [row for row in trades if row.market == market]
    if not of:
        return []
    klines, last = [], 0
    open_ns, length_ns = open_of(of[0].at_ns, interval_s), interval_s * SECOND_NS
    while open_ns <= watermark_ns and open_ns < span[1]:
        inside = [row for row in of if open_ns <= row.at_ns < open_ns + length_ns]
        bought = [row for row in inside if row.taker_side == "buy"]
        prices = [row.price_ticks for row in inside] or [last]
        last = prices[-1]
        kline = Kline(
            open_at_ns=open_ns,
            close_at_ns=open_ns + length_ns,
            open=text(prices[0] * tick, price_scale),
            high=text(max(prices) * tick, price_scale),
            low=text(min(prices) * tick, price_scale),
            close=text(last * tick, price_scale),
            volume=text(sum(row.quantity_lots for row in inside) * lot, ASSETS[base]),
            quote_volume=text(sum(row.quote_atoms for row in inside), ASSETS[quote]),
            trades=len(inside),
            taker_buy_volume=text(sum(row.quantity_lots for row in bought) * lot, ASSETS[base]),
            taker_buy_quote_volume=text(sum(row.quote_atoms for row in bought), ASSETS[quote]),
            first_trade_id=inside[0].trade_id if inside else None,
            last_trade_id=inside[-1].trade_id if inside else None,
            is_closed=open_ns + length_ns <= watermark_ns,
        )
        if open_ns >= span[0]:
            klines.append(kline)
        open_ns += length_ns
    return klines


async def tight(stand: Stand, draw: Random) -> None:
    """Trades so near to each other that every interval can be reckoned."""
    world = stand.world
    for _ in range(60):
        step_ns = draw.choice((0, 1, SECOND_NS // 2, SECOND_NS, 7 * SECOND_NS, 61 * SECOND_NS))
        if draw.random() < 0.3:
            interval_s = draw.choice((1, 60, 300))
            step_ns = close_of(open_of(world.at_ns, interval_s), interval_s) - world.at_ns
            step_ns += draw.choice((-1, 0, 1))
        world.at_ns += max(0, step_ns)
        world.n += 1
        draw.choice((world.place, world.trade, world.trade))()
    await stand.write(*world.taken())
    stand.watermark_ns = world.at_ns + draw.choice((0, 1, 5 * SECOND_NS, 200 * SECOND_NS))


@pytest.fixture
async def near(history_database: HistoryDatabase, seed: int) -> Stand:
    stand = Stand(history_database, Random(seed))
    for _ in range(4):
        stand.world.place()
    await tight(stand, stand.draw)
    return stand


@pytest.mark.parametrize("market", MARKETS)
async def test_klines_are_what_one_reckons_from_the_trades(near: Stand, market: str) -> None:
    watermark_ns = near.standing().watermark_ns
    for interval, interval_s in INTERVALS_S.items():
        query = HistoryQuery(market=market, interval=interval, from_ns=1, limit=101)
        pages = await walk(near.queries.klines, query, "klines")
        expected = reckoned(near.world.trades, market, interval_s, watermark_ns, (0, 2**63))
        assert [each for page in pages for each in page] == expected


async def test_a_span_is_of_the_intervals_that_begin_in_it(near: Stand) -> None:
    draw, watermark_ns = near.draw, near.standing().watermark_ns
    for _ in range(8):
        interval = draw.choice(("1s", "1m", "5m", "1h", "1w"))
        market, length_s = draw.choice(list(MARKETS)), INTERVALS_S[interval]
        edges = sorted(
            open_of(START_NS + draw.randint(-(10**11), 10**12), length_s) + draw.choice((-1, 0, 1))
            for _ in range(2)
        )
        if edges[0] == edges[1]:
            continue
        asked = HistoryQuery(
            market=market, interval=interval, from_ns=edges[0], to_ns=edges[1], limit=59
        )
        all_of_them = reckoned(
            near.world.trades, market, length_s, watermark_ns, (edges[0], edges[1])
        )
        pages = await walk(near.queries.klines, asked, "klines")
        assert [each for page in pages for each in page] == all_of_them
        backward = structs.replace(asked, from_ns=0)
        pages = await walk(near.queries.klines, backward, "klines")
        older = reckoned(near.world.trades, market, length_s, watermark_ns, (0, edges[1]))
        assert [each for page in reversed(pages) for each in page] == older
        assert pages[0] == older[-59:], "the newest come first, each page oldest first"


@pytest.mark.parametrize("is_forward", [True, False])
async def test_pages_are_each_interval_once_while_trades_come_in(
    near: Stand, is_forward: bool
) -> None:
    query = HistoryQuery(market="TATA_INR", interval="1m", from_ns=int(is_forward), limit=3)

    async def more() -> None:
        if len(near.world.trades) < 200:
            await tight(near, near.draw)

    pages = await walk(near.queries.klines, query, "klines", between=more)
    opens = [each.open_at_ns for page in (pages if is_forward else pages[::-1]) for each in page]
    assert opens == list(range(opens[0], opens[-1] + 1, 60 * SECOND_NS))
    first_ns = next(row.at_ns for row in near.world.trades if row.market == "TATA_INR")
    assert opens[0] == open_of(first_ns, 60)
    if is_forward:
        assert opens[-1] == open_of(near.standing().watermark_ns, 60)


async def of_trades(database: HistoryDatabase, *times_ns: int) -> Stand:
    stand = Stand(database, Random(1))
    batch, _ = World(Random(1)).taken()
    for number, at_ns in enumerate(times_ns, 1):
        terms = ("TATA_INR", number, at_ns, number, number, 100 + number, 2, 1_000 + 10 * number)
        batch.trades.append(TradeRow(*terms, "buy", 1, 1, 0, 2, 2, 0))
    batch.candles += MarketCandles("TATA_INR").add(batch.trades)
    await stand.write(batch, CursorRow(len(times_ns), len(times_ns), max(times_ns, default=0), ""))
    return stand


async def test_ten_years_without_a_trade_are_answered_as_fast_as_a_page(
    history_database: HistoryDatabase,
) -> None:
    first_ns = PAST_NS
    stand = await of_trades(history_database, first_ns, first_ns + 10 * 365 * 86_400 * SECOND_NS)
    query = HistoryQuery(market="TATA_INR", interval="1s", limit=1_000)
    newest = await stand.queries.klines(query)
    assert [len(newest.klines), newest.klines[-1].trades] == [1_000, 1]
    assert {each.close for each in newest.klines[:-1]} == {"5.05"}
    oldest = await stand.queries.klines(structs.replace(query, from_ns=1))
    assert [len(oldest.klines), oldest.klines[0].trades] == [1_000, 1]
    middle_ns = first_ns + 10**17
    middle = await stand.queries.klines(structs.replace(query, from_ns=middle_ns))
    assert [len(middle.klines), middle.klines[0].open_at_ns] == [1_000, middle_ns]
    assert {each.volume for each in middle.klines} == {"0"}
    assert middle.klines[0].first_trade_id is None


async def test_a_market_that_has_not_traded_has_no_klines(
    history_database: HistoryDatabase,
) -> None:
    stand = await of_trades(history_database)
    stand.watermark_ns = PAST_NS
    for from_ns in (0, 1):
        query = HistoryQuery(market="BTC_INR", interval="1m", from_ns=from_ns, limit=10)
        answer = await stand.queries.klines(query)
        assert (answer.klines, answer.next) == ([], None)


async def test_a_trade_at_a_boundary_begins_the_next_interval(
    history_database: HistoryDatabase,
) -> None:
    monday_ns = close_of(open_of(PAST_NS, 604_800), 604_800)
    stand = await of_trades(history_database, monday_ns - 1, monday_ns)
    for interval in INTERVALS_S:
        query = HistoryQuery(market="TATA_INR", interval=interval, limit=10)
        before, after = (await stand.queries.klines(query)).klines
        assert (before.close_at_ns, after.open_at_ns) == (monday_ns, monday_ns)
        assert (before.trades, after.trades) == (1, 1)
        assert (before.is_closed, after.is_closed) == (True, False)


async def test_a_candle_is_closed_when_the_watermark_is_at_its_end(
    history_database: HistoryDatabase,
) -> None:
    stand = await of_trades(history_database, PAST_NS)
    query = HistoryQuery(market="TATA_INR", interval="1m", limit=10)
    close_ns = close_of(open_of(PAST_NS, 60), 60)
    stand.watermark_ns = close_ns - 1
    assert [each.is_closed for each in (await stand.queries.klines(query)).klines] == [False]
    stand.watermark_ns = close_ns
    answer = await stand.queries.klines(query)
    assert [each.is_closed for each in answer.klines] == [True, False]
    assert answer.at_ns == close_ns


async def test_an_unknown_market_is_said_to_be_unknown(near: Stand) -> None:
    query = HistoryQuery(market="NO_SUCH", interval="1m", limit=10, account_id=1)
    for path, ask in near.queries.answers.items():
        if path != "/orders/story":
            with pytest.raises(QueryFault) as caught:
                await ask(query)
            assert (caught.value.code, caught.value.field) == ("UNKNOWN_MARKET", "market"), path


async def test_what_is_not_reached_is_not_answered(near: Stand) -> None:
    sequence = near.cursor.sequence
    query = HistoryQuery(market="TATA_INR", interval="1m", limit=1, min_sequence=sequence)
    assert (await near.queries.klines(query)).sequence == sequence
    later = structs.replace(query, min_sequence=sequence + 1, account_id=1, order_id=1)
    for ask in near.queries.answers.values():
        with pytest.raises(NotYetError):
            await ask(later)


async def test_a_cursor_between_two_intervals_is_refused(near: Stand) -> None:
    query = HistoryQuery(market="TATA_INR", interval="1m", limit=1)
    forged = structs.replace(query, cursor=cursor_of("/klines", query, (PAST_NS + 1,)))
    with pytest.raises(QueryFault):
        await near.queries.klines(forged)
