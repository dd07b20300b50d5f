"""All connectors there are, with what no venue should send and what every desk needs."""

from contextlib import suppress

import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.protocol import (
    Connector,
    Evidence,
    FrameError,
    Instrument,
    Kind,
    Manifest,
    Request,
    Topic,
    checksum_of,
)
from aggregator.registry import load_connectors

FOUND = load_connectors()
EACH = pytest.mark.parametrize(("connector", "manifest"), FOUND.values(), ids=FOUND)


def test_what_no_recording_has_proven_says_so() -> None:
    alone = {feed for feed, (_, manifest) in FOUND.items() if manifest.from_documents_alone}
    assert alone == {
        "binance-us:spot",
        "binance:inverse",
        "bybit:inverse",
        "coinbase-exchange:spot",
        "okx:spot",
    }


@EACH
def test_a_desk_finds_connections_for_the_default_symbols(
    connector: Connector, manifest: Manifest
) -> None:
    listed = [
        Instrument(pair.replace("/", "-"), *pair.split("/")) for pair in manifest.symbols_default
    ]
    desk = Desk(connector, manifest, manifest.symbols_default, DeskOptions(), listed)
    assert desk.plans
    topics = [topic for plan in desk.plans for topic in plan.topics]
    asked = {(topic.kind, topic.symbol) for topic in topics}
    for instrument in listed:
        assert {(Kind.BOOK, instrument.symbol), (Kind.TRADES, instrument.symbol)} <= asked
    for plan in desk.plans:
        assert plan.url.startswith("wss://")
        assert plan.messages or "stream" in plan.url


@EACH
def test_a_class_of_connections_there_is_not_is_refused(
    connector: Connector, manifest: Manifest
) -> None:
    with pytest.raises(ValueError, match="no connections called"):
        connector.build_subscription_url(manifest, "none", [Topic(Kind.BOOK, "A")])


@EACH
def test_a_checksum_can_be_reckoned_where_it_is_the_evidence(
    connector: Connector, manifest: Manifest
) -> None:
    has_checksum = checksum_of(connector, None) is not None
    assert has_checksum or manifest.evidence is not Evidence.CHECKSUM
    # Beside numbers there may be one too; nothing else is looked at together with it.
    assert not has_checksum or manifest.evidence in (Evidence.CHECKSUM, Evidence.CHAIN)


@EACH
@pytest.mark.parametrize("frame", [b"", b"\xff", b"[[", b"[" * 100_000, b'{"a":'])
def test_no_venue_takes_rubbish_for_a_message(
    connector: Connector, manifest: Manifest, frame: bytes
) -> None:
    with pytest.raises(FrameError):
        connector.parse_message(frame, 0)


@EACH
@pytest.mark.parametrize("frame", [b"null", b"7", b'""', b"true"])
def test_json_that_says_nothing_gives_nothing(
    connector: Connector, manifest: Manifest, frame: bytes
) -> None:
    with suppress(FrameError):
        assert not connector.parse_message(frame, 0)


@EACH
@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b'{"a":1}', b"[" * 100_000, b"[[1]]"])
def test_no_answer_by_http_is_taken_for_what_it_is_not(
    connector: Connector, manifest: Manifest, body: bytes
) -> None:
    depth = manifest.depth_default
    requests: list[Request | None] = [
        connector.fetch_instruments(manifest),
        connector.fetch_snapshot(manifest, "BTC-USDT", depth),
        connector.fetch_trades(manifest, "BTC-USDT"),
    ]
    for request in requests:
        if request is not None:
            assert request.weight > 0
            with pytest.raises(FrameError):
                request.read(body, request.url)
