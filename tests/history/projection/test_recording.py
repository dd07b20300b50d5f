"""The rows of a day are what the exchange did, whoever writes it down and however it is cut."""

from random import Random
from typing import Any, get_args, get_type_hints

from msgspec import convert, json, structs

from history.projection.intervals import INTERVALS_S, close_of, open_of
from history.projection.recording import LEAVES_NOTHING, TAKERS
from history.projection.rows import AssetRow, RejectionRow, TradeRow
from history.projection.statement import MOVES
from history.projection.tickers import WINDOW_NS
from shared import messages as m
from shared.messages import Event, Market
from tests.history.projection.days import RecordedDay
from tests.history.projection.pencil import Pencil
from tests.history.projection.shelf import KEYS, Shelf, recorded
from tests.history.projection.test_candles import MARKET as CANDLES_MARKET
from tests.history.projection.test_candles import reckoned as candles_of
from tests.history.projection.test_tickers import Stored
from tests.history.projection.test_tickers import reckoned as ticker_of

OF_THE_VENUE = (
    m.AssetCreated,
    m.MarketCreated,
    m.MarketUpdated,
    m.MarketStatusChanged,
    m.AccountUpdated,
    m.CancelTimerSet,
    m.OrdersCancelled,
    m.UnreadableCommand,
    m.CommandSkipped,
)


def test_every_event_there_is_leaves_rows_or_is_named_as_one_that_does_not() -> None:
    known = [m.TradeExecuted, *TAKERS, *MOVES, *LEAVES_NOTHING]
    assert sorted(map(repr, known)) == sorted(map(repr, get_args(Event)))


def test_trades_and_fills_are_those_of_the_naive_exchange(day: RecordedDay) -> None:
    rows, pencil = recorded(one.applied for one in day.told), Pencil(day)
    assert rows.trades == pencil.trades
    assert rows.fills == pencil.fills


def test_orders_are_as_the_core_has_them_and_as_they_ended(day: RecordedDay) -> None:
    rows, pencil = recorded(one.applied for one in day.told), Pencil(day)
    assert rows.orders == pencil.orders


def test_order_changes_come_in_order_with_what_is_left(day: RecordedDay) -> None:
    rows, pencil = recorded(one.applied for one in day.told), Pencil(day)
    assert rows.order_changes == pencil.changes


def test_deposits_and_withdrawals_are_told_with_their_end(day: RecordedDay) -> None:
    rows, pencil = recorded(one.applied for one in day.told), Pencil(day)
    assert rows.deposits == pencil.deposits
    assert rows.withdrawals == pencil.withdrawals
    assert any(row.status == "pending" for row in rows.withdrawals.values()) == bool(
        day.naive.world.withdrawals
    )


def test_every_no_is_told_to_whom_it_was_said(day: RecordedDay) -> None:
    rows = recorded(one.applied for one in day.told).rejections
    codes = [fact[1] for one in day.told for _, fact in one.facts if fact[0] == "rejected"]
    assert [row.code for row in rows] == codes
    assert rows == [
        RejectionRow(
            sequence=event.sequence,
            at_ns=one.applied.at_ns,
            n=one.applied.n,
            account_id=event.account_id,
            code=str(event.code),
            field=event.field,
            market=event.market,
            order_id=event.order_id,
            client_order_id=event.client_order_id,
        )
        for one in day.told
        for event in one.applied.events
        if isinstance(event, m.Rejected)
    ]


def test_what_the_operator_and_time_did_is_told_with_all_there_is_to_say(
    day: RecordedDay,
) -> None:
    rows = recorded(one.applied for one in day.told).venue_events
    told = [
        (one.applied, event)
        for one in day.told
        for event in one.applied.events
        if isinstance(event, OF_THE_VENUE)
    ]
    assert len(rows) == len(told)
    for row, (applied, event) in zip(rows, told, strict=True):
        assert (row.sequence, row.at_ns, row.n) == (event.sequence, applied.at_ns, applied.n)
        assert row.kind == event.__struct_config__.tag
        assert row.account_id == getattr(event, "account_id", 0)
        named = event.market if hasattr(event, "market") else ""
        assert row.market == (named.market if isinstance(named, Market) else named)
        assert from_names(json.decode(row.details), type(event)) == event


def from_names(named: Any, kind: Any) -> Any:
    """Return the message that an object with all its names stands for."""
    hints = get_type_hints(kind)
    assert set(named) == set(kind.__struct_fields__)
    values = {
        name: from_names(value, hints[name])
        if isinstance(value, dict)
        else tuple(from_names(each, m.FeeTier) for each in value)
        if isinstance(value, list)
        else convert(value, hints[name])
        for name, value in named.items()
    }
    return kind(**values)


def test_markets_and_assets_are_as_they_are_now(day: RecordedDay) -> None:
    rows = recorded(one.applied for one in day.told)
    at_ns = day.told[0].applied.at_ns
    state = day.exchange.state
    assert list(rows.assets.values()) == [
        AssetRow(asset.asset, asset.scale, at_ns) for asset in state.assets.values()
    ]
    for live, row in zip(state.markets.values(), rows.markets.values(), strict=True):
        market = live.market
        assert row[:7] == structs.astuple(market)[:7]
        assert row.fee_asset == market.fee_asset.value
        assert from_names(json.decode(row.rules), type(market.rules)) == market.rules
        assert row.created_at_ns == at_ns


def test_candles_and_tickers_are_those_of_the_list_of_trades(day: RecordedDay, seed: int) -> None:
    rows = recorded((one.applied for one in day.told), Random(seed))
    for name in day.naive.world.markets:
        trades = [trade for trade in rows.trades if trade.market == name]
        for interval_s in INTERVALS_S.values():
            candles = [
                row for row in rows.candles if (row.market, row.interval_s) == (name, interval_s)
            ]
            expected = candles_of(trades, interval_s)
            assert candles == [row._replace(market=name) for row in expected]
        watched = Stored()
        for trade in trades:
            watched.add(trade._replace(market=CANDLES_MARKET))
        for at_ns in boundaries(trades):
            assert watched.at(at_ns) == ticker_of(watched.trades, at_ns)


def boundaries(trades: list[TradeRow]) -> list[int]:
    """Return the moments around the last trade and around every edge of a window after it."""
    if not trades:
        return []
    last_ns = trades[-1].at_ns
    edges = {trade.at_ns + WINDOW_NS for trade in trades}
    edges |= {close_of(open_of(last_ns, each), each) for each in INTERVALS_S.values()}
    moments = {edge + step for edge in edges for step in (-1, 0, 1)}
    return sorted(moment for moment in moments if moment >= last_ns)


def test_rows_are_made_of_plain_words_and_numbers(day: RecordedDay) -> None:
    """A driver of a database need not know what an enumeration is."""
    rows = recorded(one.applied for one in day.told)
    for name in (*KEYS, "candles", "orders", "withdrawals", "markets", "assets"):
        table = getattr(rows, name)
        for row in table.values() if isinstance(table, dict) else table:
            assert {type(value) for value in row} <= {int, str, bool}, row


def test_a_day_cut_anywhere_and_begun_anew_from_its_rows_gives_the_same_rows(
    day: RecordedDay, seed: int
) -> None:
    applied = [one.applied for one in day.told]
    whole = recorded(applied)
    assert_same(recorded(applied, Random(seed)), whole)


def assert_same(one: Shelf, other: Shelf) -> None:
    for name in (*KEYS, "candles", "orders", "withdrawals", "markets", "assets"):
        assert getattr(one, name) == getattr(other, name), name
