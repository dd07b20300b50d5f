"""Questions by HTTP, within the venue's limits."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aggregator.books.effects import Fetch, Purpose
from aggregator.feed import fetching
from aggregator.feed.clock import Clock
from aggregator.feed.fetching import Fetcher
from aggregator.feed.opening import Way
from aggregator.feed.pacing import Ban
from aggregator.feed.words import FeedCounts
from aggregator.protocol import Request, Rest
from tests.support import fake_connector
from tests.support.deadlines import eventually_async
from tests.support.fake_venue import FakeVenue

OK = (200, b"fine", {"x-used-weight": "1"})


class Asker:
    def __init__(self) -> None:
        self.good: dict[int, bytes] = {}
        self.bad: dict[int, str] = {}

    def answered(self, fetch: Fetch, body: bytes, url: str, at_ns: int) -> None:
        assert (url, at_ns > 0) == (fetch.request.url, True)
        self.good[fetch.ticket] = body

    def unanswered(self, fetch: Fetch, reason: str, at_ns: int) -> None:
        assert at_ns > 0
        self.bad[fetch.ticket] = reason


class Desk(Asker):
    def __init__(self, venue: FakeVenue, **options: Any) -> None:
        super().__init__()
        self.ban = Ban()
        self.counts = FeedCounts()
        rest = options.pop("rest", Rest(weight_per_minute_max=60_000, parallel_max=4))
        self.fetcher = Fetcher(
            rest,
            self,
            way=Way(venue.address),
            ban=self.ban,
            clock=Clock(),
            counts=self.counts,
            random_source=random.Random(1),
            **options,
        )

    def ask(self, ticket: int, symbol: str = "A", weight: int = 1) -> None:
        url = f"https://api.fake.example/depth?symbol={symbol}"
        request = Request(url, weight=weight, read=fake_connector.read_answer)
        self.fetcher.ask(Fetch(ticket, Purpose.SNAPSHOT, symbol, request))


@pytest.fixture
async def make(venue: FakeVenue) -> AsyncIterator[Any]:
    desks: list[Desk] = []

    def new(**options: Any) -> Desk:
        desks.append(Desk(venue, **options))
        return desks[-1]

    yield new
    for desk in desks:
        await desk.fetcher.close()


async def test_every_question_gets_one_answer(make: Any, venue: FakeVenue) -> None:
    venue.answers = {"=A": [OK]}
    desk = make()
    for ticket in range(10):
        desk.ask(ticket)
    await eventually_async(lambda: len(desk.good) == 10)
    assert desk.bad == {}
    await eventually_async(lambda: desk.fetcher.waiting == 0)


async def test_a_venue_that_has_enough_is_not_asked_by_anybody_until_then(
    make: Any, venue: FakeVenue
) -> None:
    venue.answers = {"=A": [(429, b"slow down", {"Retry-After": "3000"})], "=B": [OK]}
    desk = make()
    desk.ask(1, "A")
    await eventually_async(lambda: desk.bad)
    assert desk.bad == {1: "HTTP 429: slow down"}
    assert desk.ban.wait_s(Clock().monotonic_s()) > 2_900
    desk.ask(2, "B")
    asked = len(venue.asked)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*desk.fetcher._tasks), 0.1)
    assert len(venue.asked) == asked
    assert desk.counts.failures["http_429"] == 1


@pytest.mark.parametrize(("forbidden_s", "is_left_alone"), [(600, True), (0, False)])
async def test_a_403_stops_everybody_where_it_means_that_too_much_was_asked(
    make: Any, venue: FakeVenue, forbidden_s: float, is_left_alone: bool
) -> None:
    venue.answers = {"=A": [(403, b"access too frequent", {})]}
    desk = make(rest=Rest(weight_per_minute_max=60_000, forbidden_s=forbidden_s))
    desk.ask(1)
    await eventually_async(lambda: desk.bad)
    assert desk.bad == {1: "HTTP 403: access too frequent"}
    assert (desk.ban.wait_s(Clock().monotonic_s()) > 500) is is_left_alone


async def test_after_a_ban_the_question_is_asked(make: Any, venue: FakeVenue) -> None:
    venue.answers = {"=A": [OK]}
    desk = make()
    desk.ban.set(Clock().monotonic_s(), 0.1)
    desk.ask(1)
    await eventually_async(lambda: desk.good)
    assert desk.ban.wait_s(Clock().monotonic_s()) == 0


async def test_when_the_venue_says_its_minute_is_used_up_the_rest_is_waited(
    make: Any, venue: FakeVenue
) -> None:
    venue.answers = {"=A": [(200, b"fine", {"x-used-weight": "95"})]}
    rest = Rest(weight_per_minute_max=100, used_weight_header="x-used-weight")
    desk = make(rest=rest)
    desk.ask(1)
    await eventually_async(lambda: desk.good)
    assert 0 < desk.fetcher._full.wait_s(Clock().monotonic_s()) <= 60


async def test_weights_are_spread_over_the_minute(make: Any, venue: FakeVenue) -> None:
    venue.answers = {"=A": [OK]}
    desk = make(rest=Rest(weight_per_minute_max=1_000, parallel_max=10))
    for ticket in range(5):
        desk.ask(ticket, weight=100)
    await eventually_async(lambda: len(desk.good) >= 2)
    # A fifth of the minute's weight is there at once; each further 100 takes 7.5 s.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*desk.fetcher._tasks), 0.1)
    assert len(desk.good) == 2


async def test_an_answer_that_is_too_large_is_none(
    make: Any, venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ANSWER_BYTES_MAX", 1_000)
    venue.answers = {"=A": [(200, b"x" * 1_001, {})], "=B": [(200, b"x" * 1_000, {})]}
    desk = make()
    desk.ask(1, "A")
    desk.ask(2, "B")
    await eventually_async(lambda: desk.good and desk.bad)
    assert desk.bad == {1: "over 1000 bytes"}


async def test_an_answer_that_never_comes_is_none() -> None:
    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    venue = FakeVenue()
    venue.port = server.sockets[0].getsockname()[1]
    desk = Desk(venue, within_s=0.05)
    desk.ask(1)
    await eventually_async(lambda: desk.bad)
    await desk.fetcher.close()
    server.close()
    await server.wait_closed()


async def test_one_symbol_that_fails_is_put_off_and_forgiven(make: Any, venue: FakeVenue) -> None:
    venue.answers = {"=A": [(500, b"no", {}), (500, b"no", {}), OK]}
    desk = make()
    for ticket in (1, 2, 3):
        desk.ask(ticket)
        await eventually_async(lambda: ticket in {*desk.bad, *desk.good})  # noqa: B023
    assert sorted(desk.bad) == [1, 2]
    assert sorted(desk.good) == [3]
    assert desk.fetcher._put_off == {}


async def test_more_questions_than_can_wait_are_answered_at_once(
    make: Any, venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "QUESTIONS_MAX", 2)
    venue.answers = {"=A": [OK]}
    desk = make()
    for ticket in (1, 2, 3):
        desk.ask(ticket)
    assert desk.bad == {3: "too many questions wait"}
    await eventually_async(lambda: len(desk.good) == 2)


async def test_what_is_given_up_is_not_answered(make: Any, venue: FakeVenue) -> None:
    desk = make()
    desk.ban.set(Clock().monotonic_s(), 1_000)
    desk.ask(1)
    await desk.fetcher.drop_all()
    assert (desk.good, desk.bad, desk.fetcher.waiting) == ({}, {}, 0)


async def test_a_question_or_an_answer_that_is_nonsense_is_that_questions_matter_alone(
    make: Any, venue: FakeVenue
) -> None:
    # Symbols and marks for the next page are the venue's own words.
    desk = make(rest=Rest(weight_per_minute_max=60_000, used_weight_header="x-used-weight"))
    venue.answers = {"=A": [(200, b"fine", {"x-used-weight": "9" * 5_000})]}
    desk.ask(1, "A\x00B")
    await eventually_async(lambda: 1 in desk.bad)

    desk.ask(2)
    await eventually_async(lambda: desk.good == {2: b"fine"})
