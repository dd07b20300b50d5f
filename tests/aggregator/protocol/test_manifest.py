"""What a manifest lets through."""

import pytest

from aggregator.protocol import (
    Chain,
    Evidence,
    Kind,
    Manifest,
    SnapshotFrom,
    Socket,
    Topic,
)

VENUE = Manifest(
    venue="somewhere",
    market_type="spot",
    documents=("https://somewhere.example",),
    checked_on="2026-11-21",
    sockets=(
        Socket(name="books", url="wss://a.example", kinds=(Kind.BOOK,), topics_max=10),
        Socket(name="trades", url="wss://b.example", kinds=(Kind.TRADES,), topics_max=10),
    ),
    chain=Chain.NONE,
    snapshot_from=SnapshotFrom.STREAM,
    evidence=Evidence.NONE,
    depths=(0, 20),
    intervals_ms=(100,),
    silence_s=30,
    stale_s=30,
    stale_reason="It is made up.",
    symbols_default=("BTC/USD",),
)


def test_topics_that_a_class_of_connections_carries_give_the_class() -> None:
    topics = [Topic(Kind.BOOK, "X"), Topic(Kind.BOOK, "Y", 20, 100)]

    assert VENUE.socket_for("books", topics).url == "wss://a.example"
    assert VENUE.socket_for("trades", []).url == "wss://b.example"


@pytest.mark.parametrize(
    ("name", "topic", "complaint"),
    [
        ("news", Topic(Kind.BOOK), "somewhere:spot has no connections called 'news'"),
        ("books", Topic(Kind.TRADES), "The books connections of somewhere:spot carry no trades"),
        ("books", Topic(Kind.BOOK, "X", 7), "somewhere:spot has no books of depth 7"),
        ("books", Topic(Kind.BOOK, "X", 20, 7), "somewhere:spot sends nothing every 7 ms"),
    ],
)
def test_what_cannot_be_had_is_refused_in_words(name: str, topic: Topic, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        VENUE.socket_for(name, [topic])
