"""What answers have beside rows: how far they are, and amounts in the words of their market."""

import pytest

from history.projection.tickers import Ticker
from shared.rest.history_queries import HistoryQuery, QueryFault
from tests.history.queries.stand import Stand
from tests.history.queries.world import World


def quiet(market: str, at_ns: int) -> Ticker:
    return Ticker(market, at_ns, 95, 95, 95, 95, 0, 0, 0, 0, 0, 0, 0, 95, last_lots=7)


async def test_every_answer_says_how_far_the_history_is(stand: Stand) -> None:
    stand.watermark_ns = stand.cursor.at_ns + 5
    for path, ask in stand.queries.answers.items():
        order = stand.world.orders[1]
        query = HistoryQuery(market=order.market, interval="1m", account_id=1, limit=5)
        if path == "/orders/story":
            query = HistoryQuery(account_id=order.account_id, order_id=1, limit=5)
        answer = await ask(query)
        assert answer.sequence == stand.cursor.sequence, path
        assert answer.at_ns == stand.cursor.at_ns + 5, path


async def test_tickers_are_by_name_and_as_the_outlet_has_them(stand: Stand) -> None:
    standing = stand.standing()
    stand.tickers = [quiet("TATA_INR", standing.watermark_ns), quiet("BTC_INR", 0)]
    stand.queries.snapshots.standing = lambda: standing
    await stand.grow(60)
    answer = await stand.queries.tickers(HistoryQuery())
    assert (answer.sequence, answer.at_ns) == standing
    assert [each.market for each in answer.tickers] == ["BTC_INR", "TATA_INR"]
    assert [each.last_quantity for each in answer.tickers] == ["0.7", "7"]
    one = await stand.queries.tickers(HistoryQuery(market="BTC_INR"))
    assert one.tickers == answer.tickers[:1]


async def test_a_market_without_a_trade_has_no_ticker(stand: Stand) -> None:
    stand.tickers = [quiet("TATA_INR", stand.cursor.at_ns)]
    assert (await stand.queries.tickers(HistoryQuery(market="BTC_INR"))).tickers == []


async def test_an_unknown_asset_is_said_to_be_unknown(stand: Stand) -> None:
    with pytest.raises(QueryFault) as caught:
        await stand.queries.ledger(HistoryQuery(account_id=1, asset="GOLD", limit=5))
    assert (caught.value.code, caught.value.field) == ("UNKNOWN_ASSET", "asset")


async def test_an_account_without_a_line_has_an_empty_statement(stand: Stand) -> None:
    answer = await stand.queries.ledger(HistoryQuery(account_id=99, limit=5))
    assert (answer.account_id, answer.lines, answer.next) == (99, [], None)


async def test_a_market_that_comes_later_is_known_then(stand: Stand) -> None:
    query = HistoryQuery(market="NEW_INR", interval="1m", limit=5)
    with pytest.raises(QueryFault):
        await stand.queries.klines(query)
    batch, cursor = World(stand.draw).taken()
    batch.markets = {"NEW_INR": batch.markets["TATA_INR"]._replace(market="NEW_INR")}
    batch.assets = {}
    await stand.write(batch, cursor._replace(sequence=10**6))
    assert (await stand.queries.klines(query)).klines == []


async def test_amounts_are_written_on_the_grid_of_their_market(stand: Stand) -> None:
    trade = next(row for row in reversed(stand.world.trades) if row.market == "BTC_INR")
    [view] = (await stand.queries.trades(HistoryQuery(market="BTC_INR", limit=1))).trades
    # A lot is a tenth of a coin, a tick a rupee.
    assert view.price == str(trade.price_ticks)
    assert view.quantity == f"{trade.quantity_lots // 10}.{trade.quantity_lots % 10}".removesuffix(
        ".0"
    )
    assert (view.side, view.buyer_is_maker) == (trade.taker_side, trade.taker_side == "sell")
