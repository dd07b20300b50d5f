"""Binance USD-M: what it is asked on which socket, and what its messages say."""

import json
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from aggregator.connectors import binance_usdm as binance
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Chain,
    FrameError,
    Goodbye,
    Instrument,
    Kind,
    Refused,
    Topic,
    TouchUpdate,
    TradeUpdate,
)
from shared.messages import Side
from tests.support.recorded import (
    cut_anywhere,
    exact_json,
    parse_mutants,
    recorded_frames,
    recorded_rows,
)

USDM, COINM = binance.MANIFESTS
CAPTURE = "binance-usdm-btcusdt"
SEED = 20_260_306

DEPTH = (
    b'{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":123456789,"T":123456788,'
    b'"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"]],"a":[["0.0026","0"]]}}'
)
TICKER = (
    b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":400900217,"s":"BTCUSDT",'
    b'"b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1568014460891,"E":1568014460893}}'
)
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1672515782137,"T":1672515782136,'
    b'"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}'
)
AGGREGATE = (
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,'
    b'"p":"0.001","q":"100","nq":"90","f":100,"l":105,"T":1672515782136,"m":true}}'
)
FRAMES = (DEPTH, TICKER, TRADE, AGGREGATE)


def book(depth: int = 0, interval_ms: int = 100) -> Topic:
    return Topic(Kind.BOOK, "BTCUSDT", depth, interval_ms)


def asked(topics: list[Topic], socket: str) -> list[str]:
    (message,) = binance.get_subscription_messages(USDM, socket, topics)
    streams = json.loads(message)["params"]
    assert isinstance(streams, list)
    return streams


def test_every_recorded_update_is_read_and_none_is_made_up(data_dir: Path) -> None:
    frames = recorded_frames(data_dir, CAPTURE)

    found = [update for frame in frames for update in binance.parse_message(frame, 0)]

    assert [as_told(update) for update in found] == [told_by(frame) for frame in frames]
    kinds = [type(update) for update in found]
    counts = [kinds.count(kind) for kind in (BookUpdate, TouchUpdate, TradeUpdate)]
    assert counts == [1_717, 16_436, 3_332]


def told_by(frame: bytes) -> tuple[object, ...]:
    """Read a frame by the standard library, and by nothing of the connector's."""
    data = exact_json(frame)["data"]
    at_ns = int(data["T"]) * 1_000_000
    if data["e"] == "depthUpdate":
        levels = [[tuple(level) for level in data[side]] for side in "ba"]
        return (data["s"], *(int(data[key]) for key in ("U", "u", "pu")), *levels, at_ns)
    if data["e"] == "bookTicker":
        return (data["s"], int(data["u"]), *(data[key] for key in "bBaA"), at_ns)
    assert data["e"] == "trade"
    return (data["s"], data["t"], data["p"], data["q"], data["m"], at_ns)


def as_told(update: object) -> tuple[object, ...]:
    if isinstance(update, BookUpdate):
        numbers = update.first_id, update.last_id, update.previous_id
        levels = list(update.bids), list(update.asks)
        return (update.symbol, *numbers, *levels, update.venue_at_ns)
    if isinstance(update, TouchUpdate):
        bid, ask = (update.bid, update.bid_quantity), (update.ask, update.ask_quantity)
        return (update.symbol, update.update_id, *bid, *ask, update.venue_at_ns)
    assert isinstance(update, TradeUpdate)
    is_buyer_maker = update.taker_side is Side.SELL
    what = update.price, update.quantity, is_buyer_maker, update.venue_at_ns
    return (update.symbol, update.trade_id, *what)


def test_recorded_changes_each_name_the_one_before(data_dir: Path) -> None:
    said = [binance.parse_message(frame, 0) for frame in recorded_frames(data_dir, CAPTURE)]
    changes = [one for updates in said for one in updates if isinstance(one, BookUpdate)]

    for before, after in pairwise(changes):
        assert after.previous_id == before.last_id < after.first_id
    assert USDM.chain is Chain.LINKED
    assert any(after.first_id != before.last_id + 1 for before, after in pairwise(changes)), (
        "numbers between two changes are other books'"
    )


def test_a_change_names_the_one_before_it() -> None:
    (update,) = binance.parse_message(DEPTH, 0)

    assert update == BookUpdate(
        "BTCUSDT",
        [("0.0024", "10")],
        [("0.0026", "0")],
        first_id=157,
        last_id=160,
        previous_id=149,
        venue_at_ns=123_456_788_000_000,
    )


@pytest.mark.parametrize("name", [b"depth5", b"depth10@100ms", b"depth20@500ms"])
def test_best_levels_look_like_changes_and_are_told_by_the_name_of_their_stream(
    name: bytes,
) -> None:
    frame = DEPTH.replace(b"depth@0ms", name)
    swapped = json.dumps(dict(reversed(json.loads(frame).items()))).encode()

    for each in (frame, swapped):
        (update,) = binance.parse_message(each, 0)

        assert isinstance(update, BookUpdate)
        assert update.is_snapshot
        assert (update.first_id, update.last_id) == (160, 160)
        assert f"depth{update.depth}".encode() == name.partition(b"@")[0]


def test_an_aggregated_trade_is_numbered_by_its_own_count() -> None:
    (trade,) = binance.parse_message(AGGREGATE, 0)

    at_ns = 1_672_515_782_136_000_000
    assert trade == TradeUpdate(
        *("BTCUSDT", "5933014", "0.001", "100", Side.SELL, at_ns, 5_933_014), is_aggregate=True
    )


def test_a_recording_with_both_kinds_of_trades_lets_one_kind_be_counted() -> None:
    both = [*binance.parse_message(TRADE, 0), *binance.parse_message(AGGREGATE, 0)]

    assert [isinstance(trade, TradeUpdate) and trade.is_aggregate for trade in both] == [
        False,
        True,
    ]


@pytest.mark.parametrize("reason", [b"INSURANCE_FUND", b"ADL", b"NA"])
def test_what_the_venue_takes_over_is_no_trade(reason: bytes) -> None:
    assert binance.parse_message(TRADE.replace(b"MARKET", reason), 0) == ()


@pytest.mark.parametrize("frame", FRAMES)
def test_the_order_of_keys_makes_no_difference(frame: bytes) -> None:
    message = json.loads(frame)
    data = dict(reversed(message["data"].items()))
    for other in ({"data": data, "stream": message["stream"]}, {**message, "data": data}):
        text = json.dumps(other).encode()

        assert binance.parse_message(text, 0) == binance.parse_message(frame, 0)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_message_without_the_name_of_its_stream_says_the_same(frame: bytes) -> None:
    bare = json.dumps(json.loads(frame)["data"]).encode()

    assert binance.parse_message(bare, 0) == binance.parse_message(frame, 0)


def test_answers_are_told_from_one_another() -> None:
    goodbye = b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}'
    refusal = b'{"error":{"code":2,"msg":"Invalid request"},"id":1}'
    mark_price = b'{"stream":"btcusdt@markPrice","data":{"e":"markPriceUpdate","p":"1"}}'

    assert binance.parse_message(b'{"result":null,"id":1}', 0) == (Accepted(),)
    assert binance.parse_message(refusal, 0) == (Refused("Invalid request"),)
    assert isinstance(binance.parse_message(goodbye, 0)[0], Goodbye)
    assert binance.parse_message(mark_price, 0) == ()
    assert binance.parse_message(b"[]", 0) == ()


def test_answers_to_the_end_of_a_subscription_are_nothing_to_the_others() -> None:
    (text,) = binance.get_subscription_messages(USDM, "public", [book()], wanted=False)

    answer = json.dumps({"result": None, "id": json.loads(text)["id"]}).encode()

    assert json.loads(text)["method"] == "UNSUBSCRIBE"
    assert binance.parse_message(answer, 0) == ()


@pytest.mark.parametrize(
    "frame",
    [
        DEPTH.replace(b'"pu":149,', b""),
        DEPTH.replace(b"157", b"-157"),
        DEPTH.replace(b'["0.0024","10"]', b'["0.0024"]'),
        DEPTH.replace(b"depth@0ms", b"depth200@0ms"),
        TICKER.replace(b'"61800.20"', b"61800.20"),
        TRADE.replace(b'"MARKET"', b"null"),
        AGGREGATE.replace(b'"a":', b'"t":'),
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_message_of_another_shape_is_refused_whole(frame: bytes) -> None:
    with pytest.raises(FrameError):
        binance.parse_message(frame, 0)


def test_a_frame_that_was_cut_is_never_taken_for_another(data_dir: Path) -> None:
    frames = recorded_frames(data_dir, CAPTURE)[1:60]

    assert cut_anywhere([*frames, *FRAMES], binance.parse_message) > 10_000


def test_no_accident_to_a_frame_raises_anything_but_that_it_is_broken(data_dir: Path) -> None:
    frames = [*recorded_frames(data_dir, CAPTURE)[:2_000], *FRAMES * 100]

    understood, refused = parse_mutants(frames, binance.parse_message, SEED, rounds=20_000)

    assert understood > 1_000
    assert refused > 5_000


def test_books_and_trades_are_asked_for_on_connections_of_two_classes() -> None:
    touch, trades = Topic(Kind.TOUCH, "BTCUSDT"), Topic(Kind.TRADES, "BTCUSDT")

    assert asked([book(), touch], "public") == ["btcusdt@depth@100ms", "btcusdt@bookTicker"]
    assert asked([trades], "market") == ["btcusdt@aggTrade"]
    public = binance.build_subscription_url(USDM, "public", [book(), touch])
    market = binance.build_subscription_url(USDM, "market", [trades])
    assert public == "wss://fstream.binance.com/public/stream"
    assert market == "wss://fstream.binance.com/market/stream"


@pytest.mark.parametrize(
    ("socket", "kind"), [("public", Kind.TRADES), ("market", Kind.BOOK), ("market", Kind.TOUCH)]
)
def test_a_topic_on_a_connection_of_the_wrong_class_is_refused(socket: str, kind: Kind) -> None:
    topics = [Topic(kind, "BTCUSDT")]

    with pytest.raises(ValueError, match=f"The {socket} connections of binance:linear carry no"):
        binance.get_subscription_messages(USDM, socket, topics)
    with pytest.raises(ValueError, match=f"carry no {kind}"):
        binance.build_subscription_url(USDM, socket, topics)


@pytest.mark.parametrize(
    ("topic", "stream"),
    [
        (book(interval_ms=0), "btcusdt@depth@0ms"),
        (book(interval_ms=100), "btcusdt@depth@100ms"),
        (book(interval_ms=250), "btcusdt@depth"),
        (book(interval_ms=500), "btcusdt@depth@500ms"),
        (book(20, interval_ms=100), "btcusdt@depth20@100ms"),
        (book(10, interval_ms=250), "btcusdt@depth10"),
        (book(5, interval_ms=0), "btcusdt@depth5@100ms"),
    ],
)
def test_each_interval_has_its_stream(topic: Topic, stream: str) -> None:
    assert asked([topic], "public") == [stream]


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [(0, 1_000, 20), (50, 50, 2), (100, 100, 5), (500, 500, 10), (5_000, 1_000, 20)],
)
def test_a_snapshot_weighs_what_the_venue_says(depth: int, limit: int, weight: int) -> None:
    request = binance.fetch_snapshot(USDM, "BTCUSDT", depth)

    assert request is not None
    assert parse_qs(urlsplit(request.url).query) == {"symbol": ["BTCUSDT"], "limit": [str(limit)]}
    assert request.weight == weight
    assert binance.fetch_snapshot(USDM, "BTCUSDT", 20) is None


def test_the_recorded_snapshot_is_read_whole(data_dir: Path) -> None:
    (row,) = (row for row in recorded_rows(data_dir, CAPTURE) if row.kind == "http")
    request = binance.fetch_snapshot(USDM, "BTCUSDT", 0)
    assert request is not None

    (update,) = request.read(row.data.encode(), row.url)

    told = json.loads(row.data)
    assert isinstance(update, BookUpdate)
    assert [list(level) for level in update.bids] == told["bids"]
    assert [list(level) for level in update.asks] == told["asks"]
    assert (update.first_id, update.last_id) == (told["lastUpdateId"], told["lastUpdateId"])
    assert (update.is_snapshot, update.is_whole) == (True, False)
    assert update.venue_at_ns == told["T"] * 1_000_000
    with pytest.raises(FrameError):
        request.read(row.data.encode()[:-1], row.url)


def test_an_answer_with_fewer_levels_than_asked_for_is_the_whole_book() -> None:
    request = binance.fetch_snapshot(USDM, "BTCUSDT", 0)
    body = b'{"lastUpdateId":7,"bids":[["1","2"]],"asks":[["3","4"],["5","6"]]}'
    assert request is not None

    (whole,) = request.read(body, "https://fapi.binance.com/fapi/v1/depth?symbol=X&limit=3")
    (part,) = request.read(body, "https://fapi.binance.com/fapi/v1/depth?symbol=X&limit=2")

    assert isinstance(whole, BookUpdate)
    assert isinstance(part, BookUpdate)
    assert (whole.is_whole, part.is_whole) == (True, False)


def test_contracts_with_a_date_are_not_listed_beside_the_perpetual_one() -> None:
    request = binance.fetch_instruments(USDM)
    listed = {"status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}]
    symbols = [
        {"symbol": name, "contractType": kind, "filters": filters, **listed}
        for name, kind in (("BTCUSDT", "PERPETUAL"), ("BTCUSDT_261225", "CURRENT_QUARTER"))
    ]
    symbols.append({**symbols[0], "symbol": "GONEUSDT", "status": "SETTLING"})
    assert request is not None

    found = request.read(json.dumps({"symbols": symbols}).encode(), request.url)

    assert found == [Instrument("BTCUSDT", "BTC", "USDT", "0.10")]


def test_missed_trades_are_asked_for_and_have_the_numbers_of_the_stream() -> None:
    request = binance.fetch_trades(USDM, "BTCUSDT")
    past = json.loads(AGGREGATE)["data"]
    body = json.dumps([{key: past[key] for key in ("a", "p", "q", "f", "l", "T", "m")}]).encode()
    assert request is not None

    (trade,) = request.read(body, request.url)

    (live,) = binance.parse_message(AGGREGATE, 0)
    assert isinstance(trade, TradeUpdate)
    assert trade.is_history
    trade.is_history = False
    assert trade == live


def test_a_name_tells_its_pair_unless_it_has_a_date() -> None:
    assert binance.guess_instrument(USDM, "BTCUSDT") == Instrument("BTCUSDT", "BTC", "USDT")
    assert binance.guess_instrument(USDM, "BTCUSDT_261225") is None


def test_coin_m_is_one_socket_with_addresses_of_its_own() -> None:
    topics = [Topic(Kind.BOOK, "BTCUSD_PERP"), Topic(Kind.TRADES, "BTCUSD_PERP")]
    (message,) = binance.get_subscription_messages(COINM, "market", topics)
    snapshot = binance.fetch_snapshot(COINM, "BTCUSD_PERP", 0)

    assert json.loads(message)["params"] == ["btcusd_perp@depth@0ms", "btcusd_perp@aggTrade"]
    assert snapshot is not None
    assert snapshot.url.startswith("https://dapi.binance.com/dapi/v1/depth?symbol=BTCUSD_PERP&")
    guessed = binance.guess_instrument(COINM, "BTCUSD_PERP")
    assert guessed == Instrument("BTCUSD_PERP", "BTC", "USD")
    assert binance.guess_instrument(COINM, "BTCUSD_261225") is None


def test_of_coin_m_the_field_that_tells_what_is_traded_has_another_name() -> None:
    request = binance.fetch_instruments(COINM)
    listed = {"contractType": "PERPETUAL", "baseAsset": "BTC", "quoteAsset": "USD", "filters": []}
    symbols = [
        {"symbol": "BTCUSD_PERP", "contractStatus": "TRADING", **listed},
        {"symbol": "OLDUSD_PERP", "contractStatus": "DELIVERED", **listed},
    ]
    assert request is not None

    found = request.read(json.dumps({"symbols": symbols}).encode(), request.url)

    assert found == [Instrument("BTCUSD_PERP", "BTC", "USD")]
