"""A feed's desk and what its venue lists: which pair is which symbol."""

from typing import Any

from aggregator.books.effects import Fetch, Purpose
from aggregator.protocol import (
    Instrument,
    Kind,
    SnapshotFrom,
)
from tests.support.json_venue import (
    INSTRUMENTS,
    Scene,
    frame,
    make_manifest,
    snapshot,
)

STREAMED: dict[str, Any] = {"snapshot_from": SnapshotFrom.STREAM}
BOTH = ("BTC/USDT", "ETH/USDT")


def states(scene: Scene) -> list[str]:
    return [listing.state.value for listing in scene.desk.listings.values()]


def test_without_a_list_of_symbols_the_venue_is_asked_for_it_first() -> None:
    scene = Scene(*BOTH, instruments=())
    assert scene.desk.plans == []
    (fetch,) = scene.wishes(Fetch)
    assert fetch.purpose is Purpose.INSTRUMENTS

    scene.desk.answered(fetch.ticket, frame(*INSTRUMENTS), "", scene.at_ns)

    (plan,) = scene.desk.plans
    assert [topic.symbol for topic in plan.topics if topic.kind is Kind.BOOK] == [
        "BTCUSDT",
        "ETHUSDT",
    ]


def test_the_list_is_asked_for_again_when_it_was_not_to_be_had() -> None:
    scene = Scene(instruments=())
    (fetch,) = scene.wishes(Fetch)

    scene.desk.unanswered(fetch.ticket, "HTTP 503", scene.at_ns)
    assert "HTTP 503" in scene.desk.status().reason
    scene.wait(1)

    (again,) = scene.wishes(Fetch)
    scene.desk.answered(again.ticket, frame(*INSTRUMENTS), "", scene.at_ns)
    assert len(scene.desk.plans) == 1
    assert scene.desk.status().reason == ""


def test_a_pair_that_is_not_listed_is_looked_for_again_after_a_while() -> None:
    scene = Scene(*BOTH, instruments=())
    (fetch,) = scene.wishes(Fetch)
    scene.desk.answered(fetch.ticket, frame(INSTRUMENTS[1]), "", scene.at_ns)
    assert states(scene) == ["halted", "empty"]
    scene.wait(300)
    assert scene.wishes(Fetch) == []

    scene.wait(400)

    (again,) = scene.wishes(Fetch)  # It was at work on that market, and lists it now.
    scene.desk.answered(again.ticket, frame(*INSTRUMENTS), "", scene.at_ns)
    scene.open(scene.desk.plans[0])
    assert states(scene) == ["resync", "empty"]
    scene.wait(4_000)
    assert scene.wishes(Fetch) == []


def test_an_unknown_pair_halts_its_own_listing_and_names_the_nearest() -> None:
    scene = Scene("BTC/USTD", "ETH/USDT", manifest=make_manifest(**STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101", symbol="ETHUSDT"))

    assert states(scene) == ["halted", "live"]
    reason = scene.desk.listings["BTC/USTD"].reason
    assert reason == "json:spot lists no BTC/USTD; the nearest are BTC/USDT, ETH/USDT."


def test_a_symbol_may_be_delivered_by_another_name() -> None:
    instruments = (Instrument("BTC-USDC", "BTC", "USDC", delivered_as="BTC-USD"),)
    scene = Scene("BTC/USDC", manifest=make_manifest(**STREAMED), instruments=instruments)
    assert scene.desk.plans[0].topics[0].symbol == "BTC-USDC"

    scene.hear(snapshot(10, "1@99", "1@101", symbol="BTC-USD"))

    assert states(scene) == ["live"]


def test_two_pairs_that_are_delivered_as_one_are_not_mixed_up() -> None:
    instruments = (
        Instrument("BTC-USD", "BTC", "USD"),
        Instrument("BTC-USDC", "BTC", "USDC", delivered_as="BTC-USD"),
    )
    scene = Scene(
        "BTC/USD", "BTC/USDC", manifest=make_manifest(**STREAMED), instruments=instruments
    )

    assert states(scene) == ["empty", "halted"]
    assert "it is the same book" in scene.desk.listings["BTC/USDC"].reason


def test_a_recording_is_read_by_what_its_symbols_tell() -> None:
    scene = Scene(manifest=make_manifest(**STREAMED), instruments=(), guess_symbols=True)

    scene.hear(snapshot(10, "1@99", "1@101", symbol="XRPUSDT"))

    assert {pair: one.state.value for pair, one in scene.desk.listings.items()} == {
        "XRP/USDT": "live"
    }
    assert scene.wishes(Fetch) == []
