"""A feed's desk: routing, refusals, connections that come and go, answers, time."""

from typing import Any

import pytest

from aggregator.books.effects import Fetch, Renew, Send
from aggregator.books.prepared import PreparedSnapshot, prepare
from aggregator.books.words import BookState
from aggregator.protocol import (
    NONE,
    Accepted,
    BookUpdate,
    Chain,
    ConnectionSequence,
    Evidence,
    Kind,
    Pulse,
    Refused,
    SnapshotFrom,
    Socket,
    TradeUpdate,
)
from shared.messages import FeedState, Side
from tests.support.json_venue import (
    INSTRUMENTS,
    Scene,
    book,
    frame,
    make_connector,
    make_manifest,
    snapshot,
)

STREAMED: dict[str, Any] = {"snapshot_from": SnapshotFrom.STREAM}
SEQUENCED = {**STREAMED, "chain": Chain.NONE, "evidence": Evidence.CONNECTION_SEQUENCE}
BOTH = ("BTC/USDT", "ETH/USDT")


def streamed(*pairs: str, **facts: Any) -> Scene:
    """Return a feed whose books are live at 10, each 1@99 | 1@101."""
    scene = Scene(*pairs, manifest=make_manifest(**STREAMED | facts))
    for symbol in symbols_of(scene):
        scene.hear(snapshot(10, "1@99", "1@101", symbol=symbol))
    return scene


def symbols_of(scene: Scene) -> list[str]:
    found = [listing.instrument for listing in scene.desk.listings.values()]
    return [instrument.symbol for instrument in found if instrument is not None]


def states(scene: Scene) -> list[str]:
    return [listing.state.value for listing in scene.desk.listings.values()]


def trade(number: int, symbol: str = "BTCUSDT", *, is_history: bool = False) -> TradeUpdate:
    return TradeUpdate(
        symbol, str(number), "100", "1", Side.BUY, number, number, is_history=is_history
    )


# Symbols.


def test_a_symbol_that_nobody_asked_for_is_counted_and_passed_over() -> None:
    scene = streamed()

    scene.hear(snapshot(10, "1@99", "1@101", symbol="XRPUSDT"))

    assert list(scene.desk.listings) == ["BTC/USDT"]
    assert scene.desk.errors["symbol", "unknown"] == 1


# Refusals.


def test_a_refused_symbol_is_halted_with_the_venues_reason() -> None:
    scene = Scene(*BOTH, manifest=make_manifest(**STREAMED))

    scene.hear(Refused("No such depth.", symbol="BTCUSDT"))

    assert states(scene) == ["halted", "empty"]
    assert scene.desk.listings["BTC/USDT"].reason == "No such depth."
    assert scene.desk.status().state is FeedState.REFUSED


def test_a_refusal_that_does_not_say_of_what_is_of_the_only_one_that_is_missing() -> None:
    scene = Scene(*BOTH, manifest=make_manifest(**STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101", symbol="ETHUSDT"))

    scene.hear(Refused("Not today."))

    assert states(scene) == ["halted", "live"]


def test_what_was_refused_is_asked_for_again_when_an_operator_says_so() -> None:
    scene = Scene(*BOTH, manifest=make_manifest(**STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101", symbol="ETHUSDT"))
    scene.hear(Refused("Not today.", symbol="BTCUSDT"))

    scene.desk.resume(scene.at_ns)
    (renew,) = scene.wishes(Renew)
    assert renew.overlap
    assert states(scene) == ["halted", "live"]

    number = scene.open(scene.desk.plans[0])
    for symbol in ("BTCUSDT", "ETHUSDT"):
        scene.hear(snapshot(11, "1@99", "1@101", symbol=symbol), on=number)
    assert states(scene) == ["live", "live"]


def test_nothing_is_begun_anew_where_nothing_was_refused() -> None:
    scene = Scene(manifest=make_manifest(**STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101"))

    scene.desk.resume(scene.at_ns)

    assert scene.wishes(Renew) == []


def test_a_subscription_without_an_answer_is_told_and_tried_again_ever_more_slowly() -> None:
    scene = Scene(*BOTH, "SOL/USDT", manifest=make_manifest(**STREAMED))
    scene.hear(snapshot(10, "1@99", "1@101", symbol="ETHUSDT"))
    scene.hear(Accepted("BTCUSDT"), Refused("A riddle."))
    scene.wait(5)
    assert scene.wishes(Send) == []

    scene.wait(5.1)
    sent = [send.texts[-1] for send in scene.wishes(Send)]
    assert sent == ["subscribe book:BTCUSDT", "subscribe book:SOLUSDT"]
    listing = scene.desk.listings["BTC/USDT"]
    assert listing.state is BookState.RESYNC
    assert (
        listing.reason == "Nothing has come within 10 s of subscribing. The venue said: A riddle."
    )

    tries = 0
    for _ in range(240):
        scene.hear(snapshot(scene.at_ns, "1@99", "1@101", symbol="ETHUSDT"))
        scene.wait(0.5)
        tries += sum("BTCUSDT" in send.texts[-1] for send in scene.wishes(Send))
    assert 2 <= tries <= 11
    assert scene.desk.listings["ETH/USDT"].state is BookState.LIVE


# Numbered connections.


def test_a_missing_frame_ends_all_books_of_its_connection_at_once() -> None:
    scene = Scene(*BOTH, manifest=make_manifest(**SEQUENCED))
    for number, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        first = snapshot(NONE, "1@99", "1@101", symbol=symbol)
        scene.hear(ConnectionSequence(number), first)
    assert states(scene) == ["live", "live"]

    scene.hear(ConnectionSequence(3))

    assert states(scene) == ["resync", "resync"]
    (renew,) = scene.wishes(Renew)
    assert not renew.overlap
    scene.hear(ConnectionSequence(5))
    assert scene.wishes(Renew) == []


def test_a_frame_that_comes_again_is_not_taken_again() -> None:
    scene = Scene(manifest=make_manifest(**SEQUENCED))
    scene.hear(ConnectionSequence(0), snapshot(NONE, "1@99", "1@101"))
    scene.hear(ConnectionSequence(1), book(NONE, NONE, "2@99"))
    scene.hear(ConnectionSequence(2), book(NONE, NONE, "3@99"))

    scene.hear(ConnectionSequence(1), book(NONE, NONE, "2@99"))

    assert scene.shown() == "3@99 | 1@101"
    assert states(scene) == ["live"]


def test_a_connection_that_counts_its_frames_anew_is_not_passed_over_for_ever() -> None:
    scene = Scene(manifest=make_manifest(**SEQUENCED | {"stale_s": 30}))
    scene.hear(ConnectionSequence(500), snapshot(NONE, "1@99", "1@101"))

    for number in range(50):
        scene.hear(ConnectionSequence(number), book(NONE, NONE, "2@99"))
        scene.wait(0.1)

    assert states(scene) == ["resync"]
    (renew,) = scene.wishes(Renew)
    assert not renew.overlap
    scene.hear(ConnectionSequence(50), snapshot(NONE, "3@99", "3@101"))
    assert scene.shown() == "3@99 | 3@101"


# Frames that cannot be read.


@pytest.mark.parametrize(
    ("facts", "state", "gaps"),
    [
        ({"chain": Chain.CONTIGUOUS}, "live", 0),  # The next update will tell, by its number.
        ({"chain": Chain.NONE, "evidence": Evidence.CHECKSUM}, "resync", 1),
        ({"chain": Chain.NONE, "evidence": Evidence.CONNECTION_SEQUENCE}, "live", 0),
    ],
)
def test_an_unreadable_frame_ends_those_books_that_could_not_tell(
    facts: dict[str, Any], state: str, gaps: int
) -> None:
    class Nothing:
        def value(self, update: BookUpdate, bids: object, asks: object) -> int:
            return 0

    connector = make_connector(make_checksum=lambda instrument: Nothing())
    scene = Scene(connector=connector, manifest=make_manifest(**STREAMED | facts))
    scene.hear(snapshot(10, "1@99", "1@101"))

    for _ in range(2):
        scene.desk.received(scene.connection, frame(Pulse())[:-3], scene.at_ns)

    assert states(scene) == [state]
    assert scene.desk.listings["BTC/USDT"].counts.gaps == gaps
    assert scene.desk.errors["frame", "unreadable"] == 2
    assert scene.shown() == "1@99 | 1@101"


# Answers.


def test_a_question_without_an_answer_is_asked_again_ever_more_slowly() -> None:
    scene = Scene(manifest=make_manifest(stale_s=10**6))
    scene.hear(book(10, 10))
    asked = 0
    for _ in range(200):
        for fetch in scene.wishes(Fetch):
            asked += 1
            scene.desk.unanswered(fetch.ticket, "HTTP 500", scene.at_ns)
        scene.wait(0.5)

    assert 5 <= asked <= 12


def test_an_answer_nobody_waits_for_is_passed_over() -> None:
    scene = streamed()

    scene.desk.answered(99, b"?", "", scene.at_ns)
    scene.desk.unanswered(99, "HTTP 500", scene.at_ns)

    assert states(scene) == ["live"]


def test_an_unreadable_answer_is_no_answer() -> None:
    scene = Scene()
    scene.hear(book(10, 10))
    (fetch,) = scene.wishes(Fetch)

    scene.desk.answered(fetch.ticket, b"<html>", "", scene.at_ns)

    assert states(scene) == ["buffering"]
    assert len(scene.wishes(Fetch)) == 1


# What is around a frame.


def test_a_pulse_that_wants_an_answer_gets_it() -> None:
    scene = Scene()

    scene.hear(Pulse(answer="pong 7"))

    assert scene.wishes(Send) == [Send(scene.connection, ("pong 7",))]


def test_a_book_read_elsewhere_is_the_same_book_and_taken_over_as_it_is() -> None:
    bids = " ".join(f"1.50@{price}" for price in range(1, 400))
    asks = " ".join(f"0.25@{price}" for price in range(400, 800))
    plain = streamed()
    plain.hear(snapshot(20, bids, asks))
    apart = streamed()

    (prepared,) = prepare([snapshot(20, bids, asks)], 1000)
    assert type(prepared) is PreparedSnapshot
    apart.desk.take_parsed(apart.connection, [prepared], apart.at_ns)

    assert apart.shown() == plain.shown()
    assert apart.desk.listings["BTC/USDT"].book.bids.keys is prepared.bid_side.keys


def test_a_prepared_book_is_cut_to_what_is_kept_and_trusted_so_far() -> None:
    bids = " ".join(f"1@{price}" for price in range(1, 602))
    scene = Scene(manifest=make_manifest(**STREAMED), book_levels_kept=60)

    prepared = prepare([snapshot(20, bids, "1@700")], 60)
    scene.desk.take_parsed(scene.connection, prepared, scene.at_ns)

    shown = scene.desk.listings["BTC/USDT"].book
    assert len(shown.bids) == 60
    assert shown.trusted_bid_key == shown.bids.keys[0]
    assert shown.trusted_ask_key is None


def test_kinds_that_are_not_wanted_are_not_subscribed_to() -> None:
    scene = Scene(kinds=frozenset({Kind.TRADES}))

    assert [topic.kind for topic in scene.desk.plans[0].topics] == [Kind.TRADES]


def test_symbols_are_spread_over_connections_whole() -> None:
    small = Socket(name="public", url="wss://json.test", kinds=tuple(Kind), topics_max=7)
    manifest = make_manifest(sockets=(small,))
    scene = Scene("BTC/USDT", "ETH/USDT", "SOL/USDT", manifest=manifest, instruments=INSTRUMENTS)

    numbers = [plan.number for plan in scene.desk.plans]
    assert numbers == [0, 1, 2]
    for plan in scene.desk.plans:
        assert len({topic.symbol for topic in plan.topics if topic.symbol}) == 1
        assert len(plan.topics) == 5


def test_a_timed_desk_says_how_long_each_stage_took() -> None:
    scene = Scene(manifest=make_manifest(**STREAMED), is_timed=True)

    scene.hear(snapshot(10, "1@99", "1@101"))

    assert all(stage_ns >= 0 for stage_ns in scene.desk.last_stage_ns)
    assert sum(scene.desk.last_stage_ns) > 0
    assert states(scene) == ["live"]
