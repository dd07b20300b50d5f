"""Binance spot: what it is asked, over the stream and beside it."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from aggregator.connectors import binance_spot as binance
from aggregator.protocol import (
    NONE,
    BookUpdate,
    FrameError,
    Instrument,
    Kind,
    Topic,
    TradeUpdate,
)
from tests.support.recorded import recorded_rows

SPOT, US = binance.MANIFESTS
CAPTURES = ("binance-spot-btcusdt", "binance-spot-late-snapshot")
TRADE = (
    b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,'
    b'"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}}'
)


def book(symbol: str = "BTCUSDT", depth: int = 0, interval_ms: int = 0) -> Topic:
    return Topic(Kind.BOOK, symbol, depth, interval_ms)


def asked(messages: list[str]) -> list[list[str]]:
    return [json.loads(message)["params"] for message in messages]


def test_answers_to_the_end_of_a_subscription_are_nothing_to_the_others() -> None:
    (text,) = binance.get_subscription_messages(SPOT, "market", [book()], wanted=False)
    number = json.loads(text)["id"]

    assert json.loads(text)["method"] == "UNSUBSCRIBE"
    for answer in ({"result": None, "id": number}, {"error": {"code": 2}, "id": number}):
        assert binance.parse_message(json.dumps(answer).encode(), 0) == ()


def test_subscriptions_are_told_in_messages_of_a_hundred_streams() -> None:
    topics = [book(f"X{number}USDT") for number in range(250)]

    messages = binance.get_subscription_messages(SPOT, "market", topics)

    assert [len(streams) for streams in asked(messages)] == [100, 100, 50]
    assert [json.loads(message)["id"] for message in messages] == [1, 2, 3]
    assert {json.loads(message)["method"] for message in messages} == {"SUBSCRIBE"}
    assert asked(messages)[2][-1] == "x249usdt@depth@100ms"


def test_each_kind_has_its_stream() -> None:
    topics = [
        book(),
        book(interval_ms=100),
        book(interval_ms=1_000),
        book(depth=20),
        book(depth=5, interval_ms=1_000),
        Topic(Kind.TOUCH, "BTCUSDT"),
        Topic(Kind.TRADES, "BTCUSDT"),
    ]

    (streams,) = asked(binance.get_subscription_messages(SPOT, "market", topics))

    assert streams == [
        "btcusdt@depth@100ms",
        "btcusdt@depth@100ms",
        "btcusdt@depth",
        "btcusdt@depth20@100ms",
        "btcusdt@depth5",
        "btcusdt@bookTicker",
        "btcusdt@trade",
    ]


def test_what_the_venue_does_not_send_cannot_be_asked_for() -> None:
    for topic in (book(depth=7), book(interval_ms=250), Topic(Kind.PULSE)):
        with pytest.raises(ValueError, match="binance:spot"):
            binance.get_subscription_messages(SPOT, "market", [topic])
    with pytest.raises(ValueError, match="no connections called 'public'"):
        binance.build_subscription_url(SPOT, "public", [book()])


def test_all_streams_come_over_the_address_of_combined_ones() -> None:
    url = binance.build_subscription_url(SPOT, "market", [book()])

    assert url == "wss://stream.binance.com:9443/stream"


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [(0, 5_000, 250), (100, 100, 5), (500, 500, 25), (1_000, 1_000, 50), (9_999, 5_000, 250)],
)
def test_a_snapshot_weighs_what_the_venue_says(depth: int, limit: int, weight: int) -> None:
    request = binance.fetch_snapshot(SPOT, "BTCUSDT", depth)

    assert request is not None
    assert parse_qs(urlsplit(request.url).query) == {"symbol": ["BTCUSDT"], "limit": [str(limit)]}
    assert request.weight == weight


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_books_that_come_as_snapshots_need_no_other(depth: int) -> None:
    assert binance.fetch_snapshot(SPOT, "BTCUSDT", depth) is None


def test_recorded_snapshots_are_read_whole(data_dir: Path) -> None:
    answers = 0
    for name in CAPTURES:
        for row in recorded_rows(data_dir, name):
            if row.kind != "http":
                continue
            symbol = parse_qs(urlsplit(row.url).query)["symbol"][0]
            request = binance.fetch_snapshot(SPOT, symbol, 0)
            assert request is not None

            (update,) = request.read(row.data.encode(), row.url)

            told = json.loads(row.data)
            levels = [[tuple(level) for level in told[side]] for side in ("bids", "asks")]
            assert isinstance(update, BookUpdate)
            assert (update.symbol, update.is_snapshot) == (symbol, True)
            assert [update.bids, update.asks] == levels
            assert update.first_id == update.last_id == told["lastUpdateId"]
            assert update.previous_id == NONE
            assert update.is_whole is (max(map(len, levels)) < 1_000)
            answers += 1
    assert answers == 5


@pytest.mark.parametrize("body", [b"", b"{}", b'{"code":-1003,"msg":"Too many requests"}'])
def test_an_answer_that_is_no_snapshot_is_refused(body: bytes) -> None:
    request = binance.fetch_snapshot(SPOT, "BTCUSDT", 0)
    assert request is not None

    with pytest.raises(FrameError):
        request.read(body, request.url)


def test_only_what_is_traded_is_listed() -> None:
    request = binance.fetch_instruments(SPOT)
    listed = {
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001"},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
    }
    symbols = [
        {"symbol": "BTCUSDT", "status": "TRADING", **listed},
        {"symbol": "OLDUSDT", "status": "BREAK", **listed},
    ]
    assert request is not None

    found = request.read(json.dumps({"symbols": symbols}).encode(), request.url)

    assert found == [Instrument("BTCUSDT", "BTC", "USDT", "0.01", "0.00001")]


def test_missed_trades_are_asked_for_and_have_the_numbers_of_the_stream() -> None:
    request = binance.fetch_trades(SPOT, "BNBBTC")
    past = {"id": 12345, "price": "0.001", "qty": "100", "quoteQty": "0.1", "isBestMatch": True}
    body = json.dumps([{**past, "time": 1_672_515_782_136, "isBuyerMaker": True}]).encode()
    assert request is not None

    (trade,) = request.read(body, request.url)

    (live,) = binance.parse_message(TRADE, 0)
    assert isinstance(trade, TradeUpdate)
    assert trade.is_history
    trade.is_history = False
    assert trade == live


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("BLZETH", "BLZ", "ETH"),
        ("RUNEEUR", "RUNE", "EUR"),
        ("LRCBTC", "LRC", "BTC"),
        ("BTCFDUSD", "BTC", "FDUSD"),
        ("USDCUSDT", "USDC", "USDT"),
        ("USDTTRY", "USDT", "TRY"),
    ],
)
def test_a_name_tells_its_pair(symbol: str, base: str, quote: str) -> None:
    assert binance.guess_instrument(SPOT, symbol) == Instrument(symbol, base, quote)


def test_a_name_that_ends_in_no_quote_tells_nothing() -> None:
    assert binance.guess_instrument(SPOT, "USDT") is None
    assert binance.guess_instrument(SPOT, "WHATEVER") is None


def test_binance_us_is_asked_at_its_own_addresses() -> None:
    asked = [
        binance.fetch_snapshot(US, "BTCUSDT", 0),
        binance.fetch_instruments(US),
        binance.fetch_trades(US, "BTCUSDT"),
    ]

    assert all(one and one.url.startswith("https://api.binance.us/api/v3/") for one in asked)
    url = binance.build_subscription_url(US, "market", [book()])
    assert url == "wss://stream.binance.us:9443/stream"
    assert US.feed == "binance-us:spot"
