"""Coinbase Exchange, against messages written by hand in the shapes of its documents."""

import json
from collections.abc import Sequence

import pytest

from aggregator.connectors import coinbase_exchange as exchange
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Evidence,
    FrameError,
    Instrument,
    Kind,
    Pulse,
    Refused,
    Topic,
    TradeUpdate,
    Update,
)
from shared.messages import Side
from tests.support.recorded import cut_anywhere, parse_mutants

MANIFEST = exchange.MANIFESTS[0]
SNAPSHOT = (
    b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],'
    b'"asks":[["10102.55","0.57753524"],["10103.00","0"]],"time":"2026-08-14T20:42:27.265000Z"}'
)
CHANGE = (
    b'{"type":"l2update","product_id":"BTC-USD","time":"2026-08-14T20:42:27.265Z",'
    b'"changes":[["buy","10101.80000000","0.162567"],["sell","10102.55","0.00000000"]]}'
)
MATCH = (
    b'{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66","taker_order_id":'
    b'"132fb6ae","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512",'
    b'"price":"400.23","side":"sell"}'
)
LAST_MATCH = MATCH.replace(b'"match"', b'"last_match"')
HEARTBEAT = (
    b'{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD",'
    b'"time":"2014-11-07T08:19:28.464459Z"}'
)
SUBSCRIBED = (
    b'{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]},'
    b'{"name":"heartbeat","product_ids":["BTC-USD","ETH-USD"]}]}'
)
ERROR = b'{"type":"error","message":"Failed to subscribe","reason":"BTC-ABC is not a product"}'
ALL = [SNAPSHOT, CHANGE, MATCH, LAST_MATCH, HEARTBEAT, SUBSCRIBED, ERROR]
FUZZ_SEED = 20261121
FUZZ_ROUNDS = 20_000


def parsed(frame: bytes) -> Sequence[Update]:
    return exchange.parse_message(frame, 0)


def test_it_says_that_it_is_from_documents_alone_and_unproven() -> None:
    assert MANIFEST.from_documents_alone
    assert MANIFEST.evidence is Evidence.NONE
    assert MANIFEST.feed == "coinbase-exchange:spot"


def test_the_first_picture_is_the_whole_book() -> None:
    (update,) = parsed(SNAPSHOT)
    assert update == BookUpdate(
        "BTC-USD",
        [("10101.10", "0.45054140")],
        [("10102.55", "0.57753524"), ("10103.00", "0")],
        is_snapshot=True,
        is_whole=True,
        venue_at_ns=1786740147_265000000,
    )


def test_a_change_is_of_the_side_that_rests() -> None:
    (update,) = parsed(CHANGE)
    assert isinstance(update, BookUpdate)
    assert not update.is_snapshot
    assert update.bids == [("10101.80000000", "0.162567")]
    assert update.asks == [("10102.55", "0.00000000")]


def test_the_side_of_a_match_is_the_makers_and_becomes_the_takers() -> None:
    (trade,) = parsed(MATCH)
    at_ns = 1415348367_028459000
    assert trade == TradeUpdate("BTC-USD", "10", "400.23", "5.23512", Side.BUY, at_ns, 10, False)


def test_the_match_before_we_asked_is_history() -> None:
    (trade,) = parsed(LAST_MATCH)
    assert isinstance(trade, TradeUpdate)
    assert trade.is_history


@pytest.mark.parametrize("size", [b"-1", b"NaN", b""])
def test_sizes_that_mean_nothing_are_passed_over(size: bytes) -> None:
    assert parsed(MATCH.replace(b"5.23512", size)) == ()
    (update,) = parsed(CHANGE.replace(b"0.162567", size))
    assert isinstance(update, BookUpdate)
    assert update.bids == []


def test_a_match_of_the_year_1_has_no_time() -> None:
    (trade,) = parsed(MATCH.replace(b"2014-11-07T08:19:27.028459Z", b"0001-01-01T00:00:00Z"))
    assert isinstance(trade, TradeUpdate)
    assert trade.venue_at_ns == 0


def test_heartbeats_acceptance_and_errors_are_told() -> None:
    assert parsed(HEARTBEAT) == (Pulse(),)
    assert parsed(SUBSCRIBED) == [
        Accepted("BTC-USD", "level2_batch"),
        Accepted("BTC-USD", "heartbeat"),
        Accepted("ETH-USD", "heartbeat"),
    ]
    assert parsed(ERROR) == (Refused("Failed to subscribe: BTC-ABC is not a product"),)
    assert parsed(b'{"type":"status","products":[]}') == ()


def test_a_message_of_another_shape_is_refused() -> None:
    for frame in (
        b"{}",
        MATCH.replace(b'"BTC-USD"', b'""'),
        MATCH.replace(b'"sell"', b'"none"'),
        CHANGE.replace(b'"buy"', b'"bid"'),
        SNAPSHOT.replace(b'"bids"', b'"bid"'),
    ):
        with pytest.raises(FrameError):
            parsed(frame)


def test_products_are_listed_and_trades_can_be_asked_for() -> None:
    products = exchange.fetch_instruments(MANIFEST)
    assert products is not None
    body = (
        b'[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01",'
        b'"base_increment":"0.00000001","status":"online"},{"id":"OLD-USD","base_currency":"OLD",'
        b'"quote_currency":"USD","status":"delisted"}]'
    )
    assert products.read(body, products.url) == [
        Instrument("BTC-USD", "BTC", "USD", "0.01", "0.00000001")
    ]
    trades = exchange.fetch_trades(MANIFEST, "BTC-USD")
    assert trades is not None
    body = (
        b'[{"trade_id":75,"side":"sell","size":"0.02","price":"11","time":"2026-11-07T01:08:43Z"},'
        b'{"trade_id":74,"side":"buy","size":"0.01","price":"10","time":"2026-11-07T01:08:42Z"}]'
    )
    first, second = trades.read(body, trades.url)
    assert isinstance(first, TradeUpdate)
    assert isinstance(second, TradeUpdate)
    assert (first.symbol, first.number, second.number) == ("BTC-USD", 74, 75)
    assert (first.taker_side, second.taker_side) == (Side.SELL, Side.BUY)
    assert first.is_history


def test_a_heartbeat_is_asked_for_with_every_product() -> None:
    topics = [Topic(Kind.BOOK, "BTC-USD"), Topic(Kind.TRADES, "ETH-USD"), Topic(Kind.PULSE)]
    texts = exchange.get_subscription_messages(MANIFEST, "feed", topics)
    asked = [(message["channels"], message["product_ids"]) for message in map(json.loads, texts)]
    assert asked == [
        (["level2_batch"], ["BTC-USD"]),
        (["matches"], ["ETH-USD"]),
        (["heartbeat"], ["BTC-USD", "ETH-USD"]),
    ]
    (rid,) = exchange.get_subscription_messages(MANIFEST, "feed", topics[:1], wanted=False)
    assert json.loads(rid)["type"] == "unsubscribe"
    assert exchange.build_subscription_url(MANIFEST, "feed", topics).startswith("wss://ws-feed.")
    assert exchange.fetch_snapshot(MANIFEST, "BTC-USD", 0) is None
    assert exchange.guess_instrument(MANIFEST, "BTC-USD") == Instrument("BTC-USD", "BTC", "USD")
    assert exchange.guess_instrument(MANIFEST, "BTCUSD") is None


def test_a_frame_cut_anywhere_is_refused() -> None:
    assert cut_anywhere(ALL, exchange.parse_message) == sum(map(len, ALL))


def test_a_broken_frame_raises_nothing_but_a_frame_error() -> None:
    understood, refused = parse_mutants(ALL, exchange.parse_message, FUZZ_SEED, FUZZ_ROUNDS)
    assert min(understood, refused) > FUZZ_ROUNDS // 20
