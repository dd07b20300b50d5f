"""A venue is as bad as its worst feed."""

import json

from aggregator.outlet.statuses import BEST_TO_WORST, StatusOutlet, venue_status
from shared.messages import FeedState, FeedStatus
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
