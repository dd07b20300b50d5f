"""The connectors that lie in their folder, and what the house may rely on about each."""

from types import ModuleType
from urllib.parse import urlsplit

import pytest

from aggregator.protocol import (
    Chain,
    Connector,
    Evidence,
    Kind,
    Manifest,
    SnapshotFrom,
    Topic,
    as_connector,
)
from aggregator.protocol.connector import NEEDED
from aggregator.registry import load_connectors

CONNECTORS = load_connectors()
EACH = pytest.mark.parametrize("feed", CONNECTORS)


def carried(manifest: Manifest, kind: Kind) -> str:
    return next((socket.name for socket in manifest.sockets if kind in socket.kinds), "")


def test_every_venue_of_the_house_is_found() -> None:
    assert set(CONNECTORS) >= {
        "binance:spot",
        "binance:linear",
        "bybit:spot",
        "bybit:linear",
        "kraken:spot",
        "coinbase:spot",
    }


@EACH
def test_a_feed_is_found_under_its_own_name(feed: str) -> None:
    connector, manifest = CONNECTORS[feed]

    assert manifest.feed == feed
    assert manifest in connector.MANIFESTS


@EACH
def test_a_manifest_says_what_can_be_relied_on(feed: str) -> None:
    _, manifest = CONNECTORS[feed]

    assert manifest.documents
    assert len(manifest.checked_on.split("-")) == 3
    assert manifest.stale_reason
    assert manifest.symbols_default
    assert all(pair.count("/") == 1 for pair in manifest.symbols_default)
    assert carried(manifest, Kind.BOOK)
    assert carried(manifest, Kind.TRADES)
    assert all(urlsplit(socket.url).scheme == "wss" for socket in manifest.sockets)
    assert min(manifest.silence_s, manifest.stale_s, manifest.subscribe_within_s) > 0
    # Ten seconds after a venue has fallen dead, none of its levels is in a consolidated book.
    is_known = not manifest.from_documents_alone
    assert 0 < manifest.mute_s < 10 or not is_known, "a dead venue is to be noticed"
    assert 0 <= manifest.heartbeat_s * 3 <= manifest.mute_s, "one that is late is no silence"
    has_heartbeats = manifest.ping is not None or carried(manifest, Kind.PULSE)
    if not has_heartbeats:
        carries_trades_alone = any(Kind.BOOK not in one.kinds for one in manifest.sockets)
        least_s = manifest.stale_s * (4 if carries_trades_alone else 2)
        assert manifest.silence_s >= least_s, "a quiet pair is no reason to cut its connection"
    if manifest.depths and manifest.depth_default:
        assert manifest.depth_default in manifest.depths
    if manifest.intervals_ms:
        assert manifest.interval_ms_default in manifest.intervals_ms
    if manifest.evidence is Evidence.TOUCH:
        assert carried(manifest, Kind.TOUCH)
    if manifest.chain is Chain.NONE:
        assert manifest.evidence in (
            Evidence.CHECKSUM,
            Evidence.CONNECTION_SEQUENCE,
            Evidence.NONE,
        ), "without numbers something else has to tell of a loss"


@EACH
def test_a_snapshot_can_be_asked_for_where_the_stream_brings_none(feed: str) -> None:
    connector, manifest = CONNECTORS[feed]

    request = connector.fetch_snapshot(manifest, "BTCUSDT", manifest.depth_default)

    assert (request is not None) is (manifest.snapshot_from is SnapshotFrom.REST)
    assert request is None or (manifest.rest and urlsplit(request.url).scheme == "https")


@EACH
def test_more_topics_than_fit_a_message_are_told_in_several(feed: str) -> None:
    connector, manifest = CONNECTORS[feed]
    socket = next(each for each in manifest.sockets if Kind.TRADES in each.kinds)
    topics = [
        Topic(Kind.TRADES, f"A{number}-USD") for number in range(socket.topics_per_message_max + 1)
    ]

    texts = connector.get_subscription_messages(manifest, socket.name, topics)

    assert len(texts) >= 2
    assert connector.get_subscription_messages(manifest, socket.name, topics) == texts
    assert connector.build_subscription_url(manifest, socket.name, topics).startswith("wss://")


@EACH
def test_a_subscription_can_be_ended_in_other_words_than_it_began(feed: str) -> None:
    connector, manifest = CONNECTORS[feed]
    topics = [Topic(Kind.TRADES, "BTC-USD")]
    socket = carried(manifest, Kind.TRADES)

    wanted = connector.get_subscription_messages(manifest, socket, topics)
    unwanted = connector.get_subscription_messages(manifest, socket, topics, wanted=False)

    assert wanted
    assert unwanted
    assert wanted != unwanted


def test_a_module_that_lacks_functions_is_named_with_all_it_lacks() -> None:
    broken = ModuleType("aggregator.connectors.broken")
    vars(broken)["parse_message"] = print

    with pytest.raises(TypeError, match="broken has no MANIFESTS, build_subscription_url"):
        as_connector(broken)
    for name in NEEDED:
        vars(broken)[name] = ()
    assert vars(as_connector(broken)) == vars(broken)


def test_two_connectors_of_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = {id(connector): connector for connector, _ in CONNECTORS.values()}.values()
    twice: Connector = first
    monkeypatch.setattr(twice, "MANIFESTS", twice.MANIFESTS * 2)

    with pytest.raises(TypeError, match=f"Two connectors are {first.MANIFESTS[0].feed}"):
        load_connectors()
