"""Binance spot: what its messages say."""

import json
from pathlib import Path

import pytest

from aggregator.connectors import binance_spot as binance
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Chain,
    FrameError,
    Goodbye,
    Refused,
    TouchUpdate,
    TradeUpdate,
)
from shared.messages import Side
from tests.support.recorded import (
    cut_anywhere,
    exact_json,
    parse_mutants,
    recorded_frames,
)

SPOT = binance.MANIFESTS[0]
CAPTURES = ("binance-spot-btcusdt", "binance-spot-late-snapshot")
SEED = 20_260_721

DEPTH = (
    b'{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC",'
    b'"U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"],["0.0027","0.00"]]}}'
)
BEST_LEVELS = (
    b'{"stream":"bnbbtc@depth20@100ms","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],'
    b'"asks":[["0.0026","100"]]}}'
)
TICKER = (
    b'{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000",'
    b'"B":"31.21000000","a":"25.36520000","A":"40.66000000"}}'
)
TRADE = (
    b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,'
    b'"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}}'
)
AGGREGATE = (
    b'{"stream":"bnbbtc@aggTrade","data":{"e":"aggTrade","E":1672515782136,"s":"BNBBTC",'
    b'"a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":false,"M":true}}'
)
FRAMES = (DEPTH, BEST_LEVELS, TICKER, TRADE, AGGREGATE)


def test_every_recorded_update_is_read_and_none_is_made_up(data_dir: Path) -> None:
    for name in CAPTURES:
        frames = recorded_frames(data_dir, name)
        found = [update for frame in frames for update in binance.parse_message(frame, 0)]

        wanted = [told for frame in frames if (told := told_by(frame))]
        assert [as_told(update) for update in found] == wanted
        assert len({told[0] for told in wanted}) >= 3, "books, touches and trades are in each"


def told_by(frame: bytes) -> tuple[object, ...] | None:
    """Read a frame by the standard library, and by nothing of the connector's."""
    message = exact_json(frame)
    stream, data = message["stream"], message["data"]
    if "@depth" in stream:
        levels = [[tuple(level) for level in data[side]] for side in "ba"]
        return ("book", data["s"], int(data["U"]), int(data["u"]), *levels)
    if stream.endswith("@bookTicker"):
        return ("touch", data["s"], int(data["u"]), *(data[key] for key in "bBaA"))
    if stream.endswith(("@trade", "@aggTrade")):
        number = data["t" if stream.endswith("@trade") else "a"]
        at_ns = int(data["T"]) * 1_000_000
        return ("trade", data["s"], number, data["p"], data["q"], data["m"], at_ns)
    return None


def as_told(update: object) -> tuple[object, ...]:
    if isinstance(update, BookUpdate):
        assert not update.is_snapshot
        numbers = update.first_id, update.last_id
        return ("book", update.symbol, *numbers, list(update.bids), list(update.asks))
    if isinstance(update, TouchUpdate):
        bid, ask = (update.bid, update.bid_quantity), (update.ask, update.ask_quantity)
        return ("touch", update.symbol, update.update_id, *bid, *ask)
    assert isinstance(update, TradeUpdate)
    is_buyer_maker = update.taker_side is Side.SELL
    what = update.price, update.quantity, is_buyer_maker, update.venue_at_ns
    return ("trade", update.symbol, update.trade_id, *what)


def test_recorded_changes_begin_where_the_last_one_ended(data_dir: Path) -> None:
    last: dict[str, int] = {}
    for name in CAPTURES:
        for frame in recorded_frames(data_dir, name):
            for update in binance.parse_message(frame, 0):
                if isinstance(update, BookUpdate):
                    assert update.first_id == last.get(update.symbol, update.first_id - 1) + 1
                    last[update.symbol] = update.last_id
        last.clear()
    assert SPOT.chain is Chain.CONTIGUOUS


def test_recorded_trades_are_counted_one_by_one(data_dir: Path) -> None:
    said = [binance.parse_message(frame, 0) for frame in recorded_frames(data_dir, CAPTURES[0])]
    numbers = [one.number for updates in said for one in updates if isinstance(one, TradeUpdate)]

    assert numbers == list(range(numbers[0], numbers[0] + 2_906))


def test_a_change_has_its_numbers_levels_and_time() -> None:
    (update,) = binance.parse_message(DEPTH, 0)

    assert update == BookUpdate(
        "BNBBTC",
        [("0.0024", "10")],
        [("0.0026", "100"), ("0.0027", "0.00")],
        first_id=157,
        last_id=160,
        venue_at_ns=1_672_515_782_136_000_000,
    )


def test_best_levels_are_a_whole_snapshot_of_the_symbol_that_the_stream_is_named_after() -> None:
    (update,) = binance.parse_message(BEST_LEVELS, 0)

    assert update == BookUpdate(
        "BNBBTC",
        [("0.0024", "10")],
        [("0.0026", "100")],
        is_snapshot=True,
        first_id=160,
        last_id=160,
        depth=20,
    )


def test_the_one_who_took_sold_where_the_buyer_was_there_first() -> None:
    (sold,) = binance.parse_message(TRADE, 0)
    (bought,) = binance.parse_message(TRADE.replace(b'"m":true', b'"m":false'), 0)

    assert isinstance(sold, TradeUpdate)
    assert isinstance(bought, TradeUpdate)
    assert (sold.taker_side, bought.taker_side) == (Side.SELL, Side.BUY)
    assert (sold.trade_id, sold.number, sold.is_aggregate) == ("12345", 12_345, False)


def test_an_aggregate_is_told_from_the_single_trades_it_stands_for() -> None:
    (single,) = binance.parse_message(TRADE, 0)
    (aggregate,) = binance.parse_message(AGGREGATE, 0)

    assert isinstance(single, TradeUpdate)
    assert isinstance(aggregate, TradeUpdate)
    assert (single.is_aggregate, aggregate.is_aggregate) == (False, True)


def test_a_best_bid_and_ask_may_come_before_any_book() -> None:
    (touch,) = binance.parse_message(TICKER, 0)

    assert touch == TouchUpdate(
        "BNBUSDT", 400_900_217, "25.35190000", "31.21000000", "25.36520000", "40.66000000"
    )


@pytest.mark.parametrize("frame", FRAMES)
def test_the_order_of_keys_makes_no_difference(frame: bytes) -> None:
    message = json.loads(frame)
    data = dict(reversed(message["data"].items()))
    for other in ({"data": data, "stream": message["stream"]}, {**message, "data": data}):
        text = json.dumps(other).encode()

        assert binance.parse_message(text, 0) == binance.parse_message(frame, 0)


@pytest.mark.parametrize("frame", [DEPTH, TICKER, TRADE, AGGREGATE])
def test_a_message_without_the_name_of_its_stream_says_the_same(frame: bytes) -> None:
    bare = json.dumps(json.loads(frame)["data"]).encode()

    assert binance.parse_message(bare, 0) == binance.parse_message(frame, 0)


def test_best_levels_without_the_name_of_their_stream_are_of_nobody() -> None:
    bare = json.dumps(json.loads(BEST_LEVELS)["data"]).encode()

    assert binance.parse_message(bare, 0) == ()


def test_times_may_be_in_microseconds() -> None:
    fine = TRADE.replace(b"1672515782136", b"1672515782136789")
    (trade,) = binance.parse_message(fine, 0)

    assert isinstance(trade, TradeUpdate)
    assert trade.venue_at_ns == 1_672_515_782_136_789_000


@pytest.mark.parametrize(
    "frame",
    [
        b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT","k":{"u":"x"}}}',
        b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","s":"BTCUSDT","u":1,"b":"1"}}',
        b'{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}',
        b'[{"e":"24hrTicker"}]',
        b'{"e":"somethingNew","u":{"deep":[1]},"lastUpdateId":null}',
        b'{"result":["btcusdt@depth"],"id":3}',
        b"{}",
        b"null",
    ],
)
def test_what_is_of_no_interest_says_nothing(frame: bytes) -> None:
    assert list(binance.parse_message(frame, 0)) == []


def test_an_acceptance_names_no_symbol() -> None:
    assert binance.parse_message(b'{"result":null,"id":1}', 0) == (Accepted(),)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"error":{"code":2,"msg":"Invalid request: unknown variant"},"id":1}',
        b'{"code":2,"msg":"Invalid request: unknown variant","id":1}',
        b'{"code":2,"msg":"Invalid request: unknown variant"}',
    ],
)
def test_a_refusal_has_its_reason(frame: bytes) -> None:
    assert binance.parse_message(frame, 0) == (Refused("Invalid request: unknown variant"),)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
        b'{"e":"serverShutdown","E":1770123456789}',
    ],
)
def test_a_server_that_is_about_to_stop_says_goodbye(frame: bytes) -> None:
    (update,) = binance.parse_message(frame, 0)

    assert isinstance(update, Goodbye)
    assert "shut" in update.reason


@pytest.mark.parametrize(
    "frame",
    [
        DEPTH.replace(b"157", b"-157"),
        DEPTH.replace(b'"u":160', b'"u":"160"'),
        DEPTH.replace(b'"u":160,', b""),
        DEPTH.replace(b'["0.0024","10"]', b'["0.0024"]'),
        DEPTH.replace(b'["0.0024","10"]', b'["0.0024","10","0"]'),
        DEPTH.replace(b'"0.0024"', b"0.0024"),
        DEPTH.replace(b'"BNBBTC"', b"null"),
        BEST_LEVELS.replace(b"@depth20@", b"@depth21@"),
        BEST_LEVELS.replace(b'"asks"', b'"a"'),
        TICKER.replace(b'"25.35190000"', b"[]"),
        TRADE.replace(b"12345", b"12345.5"),
        TRADE.replace(b'"m":true', b'"m":1'),
        AGGREGATE.replace(b'"T":', b'"t":'),
        b'{"stream":"a@trade","data":{"e":"trade"}}',
        b"",
        b"\xff\xfe",
        b'{"stream":' + b"[" * 100_000,
    ],
)
def test_a_message_of_another_shape_is_refused_whole(frame: bytes) -> None:
    with pytest.raises(FrameError):
        binance.parse_message(frame, 0)


def test_a_frame_that_was_cut_is_never_taken_for_another(data_dir: Path) -> None:
    frames = recorded_frames(data_dir, CAPTURES[1])[:40]

    assert cut_anywhere([*frames, *FRAMES], binance.parse_message) > 5_000


def test_no_accident_to_a_frame_raises_anything_but_that_it_is_broken(data_dir: Path) -> None:
    frames = [*recorded_frames(data_dir, CAPTURES[0])[:2_000], *FRAMES * 100]

    understood, refused = parse_mutants(frames, binance.parse_message, SEED, rounds=20_000)

    assert understood > 1_000
    assert refused > 5_000
