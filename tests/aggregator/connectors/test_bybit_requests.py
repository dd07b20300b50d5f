"""Bybit v5: what it is asked, over the stream and beside it."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from aggregator.connectors import bybit
from aggregator.protocol import FrameError, Instrument, Kind, Topic, TradeUpdate
from shared.messages import Side
from tests.support.recorded import recorded_rows

SPOT, LINEAR, INVERSE = bybit.MANIFESTS
CAPTURE = "bybit-v5-linear-and-spot"


def book(symbol: str = "BTCUSDT", depth: int = 0) -> Topic:
    return Topic(Kind.BOOK, symbol, depth)


def test_requests_have_ten_topics_at_most_and_are_named_by_them() -> None:
    topics = [book(f"X{number}USDT", 50) for number in range(11)]

    requests = [
        json.loads(text) for text in bybit.get_subscription_messages(SPOT, "public", topics)
    ]

    assert [len(request["args"]) for request in requests] == [10, 1]
    assert {request["op"] for request in requests} == {"subscribe"}
    assert requests[1] == {
        "req_id": "orderbook.50.X10USDT",
        "op": "subscribe",
        "args": ["orderbook.50.X10USDT"],
    }


def test_each_kind_has_its_topic() -> None:
    topics = [book(), book(depth=1), book(depth=1_000), Topic(Kind.TRADES, "BTCUSDT")]

    (text,) = bybit.get_subscription_messages(LINEAR, "public", topics, wanted=False)

    assert json.loads(text)["op"] == "unsubscribe"
    assert json.loads(text)["args"] == [
        "orderbook.200.BTCUSDT",
        "orderbook.1.BTCUSDT",
        "orderbook.1000.BTCUSDT",
        "publicTrade.BTCUSDT",
    ]


def test_spot_and_linear_are_two_addresses_and_two_feeds() -> None:
    urls = [bybit.build_subscription_url(each, "public", [book()]) for each in (SPOT, LINEAR)]

    assert (SPOT.feed, LINEAR.feed) == ("bybit:spot", "bybit:linear")
    assert urls == [
        "wss://stream.bybit.com/v5/public/spot",
        "wss://stream.bybit.com/v5/public/linear",
    ]


def test_what_the_venue_does_not_send_cannot_be_asked_for() -> None:
    for topic in (book(depth=25), Topic(Kind.TOUCH, "BTCUSDT"), Topic(Kind.PULSE)):
        with pytest.raises(ValueError, match="bybit:linear"):
            bybit.get_subscription_messages(LINEAR, "public", [topic])


def test_the_recorded_lists_are_read_and_each_pair_is_there_once(data_dir: Path) -> None:
    answers = [row for row in recorded_rows(data_dir, CAPTURE) if row.kind == "http"]
    for manifest, row, count in zip((LINEAR, SPOT), answers, (760, 557), strict=True):
        request = bybit.fetch_instruments(manifest)
        assert request is not None
        assert parse_qs(urlsplit(row.url).query) == parse_qs(urlsplit(request.url).query)

        found = request.read(row.data.encode(), row.url)

        listed = [one for one in found if isinstance(one, Instrument)]
        assert len(listed) == len({(one.base, one.quote) for one in listed}) == count
        assert all(one.price_tick and one.quantity_step for one in listed)
        (btc,) = (one for one in listed if (one.base, one.quote) == ("BTC", "USDT"))
        assert btc.symbol == "BTCUSDT"


def test_the_list_of_another_market_is_refused(data_dir: Path) -> None:
    linear_row = next(row for row in recorded_rows(data_dir, CAPTURE) if row.kind == "http")
    request = bybit.fetch_instruments(SPOT)
    assert request is not None

    with pytest.raises(FrameError, match="about 'linear', not about 'spot'"):
        request.read(linear_row.data.encode(), linear_row.url)


def test_missed_trades_are_asked_for_and_come_in_their_order() -> None:
    trades = [
        {"execId": f"id{at_ms}", "symbol": "BTCUSDT", "price": "1.5", "size": "2", "side": "Buy"}
        | {"time": str(at_ms), "isBlockTrade": False}
        for at_ms in (1_672_304_486_866, 1_672_304_486_865)
    ]
    result = {"category": "spot", "list": trades}
    body = json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()
    request = bybit.fetch_trades(SPOT, "BTCUSDT")
    assert request is not None
    assert parse_qs(urlsplit(request.url).query)["limit"] == ["60"]

    first, second = request.read(body, request.url)

    assert isinstance(second, TradeUpdate)
    assert first == TradeUpdate(
        *("BTCUSDT", "id1672304486865", "1.5", "2", Side.BUY, 1_672_304_486_865_000_000),
        is_history=True,
    )
    assert second.trade_id == "id1672304486866"


def test_an_answer_that_is_a_complaint_is_refused() -> None:
    request = bybit.fetch_trades(LINEAR, "BTCUSDT")
    assert request is not None

    with pytest.raises(FrameError, match="Too many visits"):
        request.read(b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', request.url)


def test_no_snapshot_is_asked_for() -> None:
    assert bybit.fetch_snapshot(SPOT, "BTCUSDT", 200) is None


def test_a_name_tells_its_pair_unless_it_has_a_date() -> None:
    assert bybit.guess_instrument(LINEAR, "BTCUSDT") == Instrument("BTCUSDT", "BTC", "USDT")
    assert bybit.guess_instrument(LINEAR, "ETHPERP") == Instrument("ETHPERP", "ETH", "USDC")
    assert bybit.guess_instrument(LINEAR, "BTCUSDT-25DEC26") is None


def test_inverse_is_a_third_address_and_lists_what_has_no_end() -> None:
    listed = {"status": "Trading", "baseCoin": "BTC", "quoteCoin": "USD"}
    rows = [
        {"symbol": "BTCUSD", "contractType": "InversePerpetual", **listed},
        {"symbol": "BTCUSDZ26", "contractType": "InverseFutures", **listed},
    ]
    result = {"category": "inverse", "list": rows}
    request = bybit.fetch_instruments(INVERSE)
    assert request is not None

    found = request.read(json.dumps({"retCode": 0, "result": result}).encode(), request.url)

    assert found == [Instrument("BTCUSD", "BTC", "USD")]
    url = bybit.build_subscription_url(INVERSE, "public", [book("BTCUSD")])
    assert url == "wss://stream.bybit.com/v5/public/inverse"
    assert bybit.guess_instrument(INVERSE, "BTCUSDZ26") is None
