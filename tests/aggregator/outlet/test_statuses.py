"""A venue is as bad as its worst feed."""

import json

import pytest

from aggregator.outlet.statuses import BEST_TO_WORST, StatusOutlet, venue_status
from shared.messages import BookState, FeedState, FeedStatus, SymbolStatus
from tests.aggregator.outlet.listings import Told, a_publisher


def status(feed: str, state: FeedState, since_ns: int = 1, reason: str = "") -> FeedStatus:
    return FeedStatus(feed=feed, state=state, since_ns=since_ns, reason=reason)


def test_the_worst_of_a_venues_feeds_speaks_for_it() -> None:
    feeds = (
        status("binance:spot", FeedState.LIVE, 5),
        status("binance:linear", FeedState.BREAKER_OPEN, 7, "it does not answer"),
    )
    said = venue_status("binance", feeds, 9)
    assert (said.state, said.since_ns) == (FeedState.BREAKER_OPEN, 7)
    assert (said.reason, said.feeds) == ("it does not answer", feeds)


def test_every_state_has_its_place() -> None:
    assert set(BEST_TO_WORST) == set(FeedState)
    assert (BEST_TO_WORST[0], BEST_TO_WORST[-1]) == (FeedState.LIVE, FeedState.HALTED)


def test_a_status_is_told_when_it_is_another_one_and_only_of_that_venue() -> None:
    publisher = a_publisher()
    outlet = StatusOutlet(publisher, ["kraken:spot", "bybit:spot", "bybit:linear"])
    told = Told(publisher)
    both = [status("kraken:spot", FeedState.CONNECTING), status("bybit:spot", FeedState.LIVE)]
    outlet.say(both, 1)
    assert {name for name, _ in told.take()} == {"status:kraken", "status:bybit"}
    outlet.say(both, 2)
    assert told.take() == []
    outlet.say([status("bybit:linear", FeedState.HALTED, 3, "resume it")], 3)
    said = told.take()
    [text] = told.values(said, "status:bybit")
    assert [name for name, _ in said] == ["status:bybit"]
    assert json.loads(text)["state"] == "halted"
    assert [feed["feed"] for feed in json.loads(text)["feeds"]] == ["bybit:linear", "bybit:spot"]


def with_books(state: FeedState, *books: tuple[BookState, int]) -> FeedStatus:
    """A feed of books, each in a state since then."""
    listed = tuple(
        SymbolStatus(book=f"kraken:spot:{number}/USD", state=book, since_ns=since_ns)
        for number, (book, since_ns) in enumerate(books)
    )
    return FeedStatus(feed="kraken:spot", state=state, since_ns=1, books=listed)


def test_books_on_their_way_to_live_are_told_together_and_the_last_word_is_the_latest() -> None:
    publisher = a_publisher()
    outlet = StatusOutlet(publisher, ["kraken:spot"])
    told = Told(publisher)
    steps = (BookState.EMPTY, BookState.BUFFERING, BookState.SYNCING, BookState.LIVE)
    # given what is told at once: the first word on a feed
    outlet.say([with_books(FeedState.CONNECTING, (steps[0], 1), (steps[0], 1))], 1)
    assert len(told.take()) == 1
    # when its books come up one by one
    for at_ns, step in enumerate(steps[1:], 2):
        outlet.say([with_books(FeedState.CONNECTING, (step, at_ns), (steps[0], 1))], at_ns)
        assert told.take() == []
    # then that is one message when its time has come,
    again = with_books(FeedState.CONNECTING, (steps[3], 4), (steps[1], 5))
    outlet.say([again], 5, is_due=True)
    [text] = told.values(told.take(), "status:kraken")
    books = json.loads(text)["feeds"][0]["books"]
    assert [book["state"] for book in books] == ["live", "buffering"]
    # and nothing is said again.
    outlet.say([again], 6, is_due=True)
    assert told.take() == []


@pytest.mark.parametrize(
    "then",
    [
        with_books(FeedState.RESYNC, (BookState.RESYNC, 9), (BookState.EMPTY, 1)),
        with_books(FeedState.CONNECTING, (BookState.STALE, 9), (BookState.EMPTY, 1)),
        with_books(FeedState.CONNECTING, (BookState.LIVE, 9), (BookState.EMPTY, 1)),
        with_books(FeedState.CONNECTING, (BookState.LIVE, 1), (BookState.HALTED, 9)),
        with_books(FeedState.LIVE, (BookState.LIVE, 1), (BookState.LIVE, 9)),
    ],
    ids=["feed", "book-ends", "book-ended-and-is-back", "book-halted", "all-live"],
)
def test_another_state_of_the_feed_and_the_end_of_a_live_book_are_told_at_once(
    then: FeedStatus,
) -> None:
    publisher = a_publisher()
    outlet = StatusOutlet(publisher, ["kraken:spot"])
    told = Told(publisher)
    now = with_books(FeedState.CONNECTING, (BookState.LIVE, 1), (BookState.EMPTY, 1))
    outlet.say([now], 1)
    told.take()
    outlet.say([then], 2)
    assert len(told.take()) == 1


def test_a_feed_of_which_nothing_came_yet_is_so_since_it_was_told_first() -> None:
    publisher = a_publisher()
    outlet = StatusOutlet(publisher, ["kraken:spot"])
    told = Told(publisher)
    for at_ns, reason in ((5, ""), (9, "no such name")):
        outlet.say([status("kraken:spot", FeedState.CONNECTING, 0, reason)], at_ns, is_due=True)
    said = [json.loads(text) for text in told.values(told.take(), "status:kraken")]
    assert [(one["since_ns"], one["feeds"][0]["since_ns"]) for one in said] == [(5, 5)] * len(said)
