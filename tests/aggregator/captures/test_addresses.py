"""Which feed an address belongs to, and which question an answer answers."""

import msgspec
import pytest

from aggregator.captures.addresses import find_feed, find_feeds, find_socket, is_same_question
from aggregator.registry import load_connectors


@pytest.mark.parametrize(
    ("url", "feed"),
    [
        ("wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms", "binance:spot"),
        ("wss://stream.binance.com:443/ws/btcusdt@trade", "binance:spot"),
        ("wss://fstream.binance.com/stream?streams=btcusdt@depth@0ms", "binance:linear"),
        ("wss://fstream.binance.com/public/stream?streams=btcusdt@depth", "binance:linear"),
        ("wss://fstream.binance.com/market/ws/btcusdt@aggTrade", "binance:linear"),
        ("wss://stream.bybit.com/v5/public/linear", "bybit:linear"),
        ("wss://stream.bybit.com/v5/public/spot", "bybit:spot"),
        ("wss://stream.bybit.com/v5/public/option", ""),
        ("wss://ws.kraken.com/v2", "kraken:spot"),
        ("wss://advanced-trade-ws.coinbase.com", "coinbase:spot"),
        ("wss://ws-feed.exchange.coinbase.com", "coinbase-exchange:spot"),
        ("wss://ws.okx.com:8443/ws/v5/public", "okx:spot"),
        ("wss://wsaws.okex.com:8443/ws/v5/public", "okx:spot"),
        ("wss://data-stream.binance.vision/stream?streams=btcusdt@trade", "binance:spot"),
        ("wss://stream.binance.us:9443/ws/btcusdt@depth", "binance-us:spot"),
        ("wss://dstream.binance.com/stream?streams=btcusd_perp@depth", "binance:inverse"),
        ("wss://stream.bybit.com/v5/public/inverse", "bybit:inverse"),
        ("wss://somebody.else.test/v2", ""),
        ("no address at all", ""),
    ],
)
def test_an_address_belongs_to_the_feed_whose_socket_is_nearest(url: str, feed: str) -> None:
    assert find_feed(url, load_connectors()) == feed


def test_of_two_feeds_at_one_address_neither_is_guessed_at() -> None:
    connector, manifest = load_connectors()["kraken:spot"]
    other = msgspec.structs.replace(manifest, venue="other")
    connectors = {"other:spot": (connector, other), "kraken:spot": (connector, manifest)}

    assert find_feed("wss://ws.kraken.com/v2", connectors) == ""
    assert find_feeds("wss://ws.kraken.com/v2", connectors) == ["kraken:spot", "other:spot"]


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("wss://fstream.binance.com/public/stream", "/public"),
        ("wss://fstream.binance.com/market/stream", "/market"),
    ],
)
def test_a_connection_is_of_the_class_that_its_address_names(url: str, socket: str) -> None:
    manifest = load_connectors()["binance:linear"][1]

    assert socket in manifest.sockets[find_socket(url, manifest)].url


DEPTH = "https://api.venue.test/api/v3/depth"


@pytest.mark.parametrize(
    ("asked", "recorded", "is_same"),
    [
        (f"{DEPTH}?symbol=BTCUSDT&limit=5000", f"{DEPTH}?symbol=BTCUSDT&limit=1000", True),
        (f"{DEPTH}?symbol=BTCUSDT&limit=5000", f"{DEPTH}?limit=1000&symbol=btcusdt", True),
        (f"{DEPTH}?symbol=BTCUSDT", "https://api2.venue.test/api/v3/depth?symbol=BTCUSDT", True),
        (f"{DEPTH}?symbol=BTCUSDT", f"{DEPTH}?symbol=ETHUSDT", False),
        (f"{DEPTH}?symbol=BTCUSDT", "https://api.venue.test/fapi/v1/depth?symbol=BTCUSDT", False),
        (f"{DEPTH}?category=linear", f"{DEPTH}?&category=spot&status=Trading&limit=1000", False),
        (f"{DEPTH}?category=linear", f"{DEPTH}?&category=linear&status=Trading", True),
        ("https://v.test/products/BTC-USD/book", "https://v.test/products/ETH-USD/book", False),
    ],
)
def test_an_answer_is_to_the_same_question_whatever_the_limits(
    asked: str, recorded: str, is_same: bool
) -> None:
    assert is_same_question(asked, recorded) is is_same
