"""One feed against a venue on a real socket."""

import asyncio
import contextlib
import itertools
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from aggregator.books.effects import Close, Fetch, Purpose, Renew, Send
from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from aggregator.protocol import Ping, Request, Rest
from shared.messages import FeedState
from tests.aggregator.feed.conftest import Sail, heard, opened
from tests.support import fake_connector
from tests.support.deadlines import eventually_async
from tests.support.fake_desk import FakeDesk, FakePlan
from tests.support.fake_venue import FakeVenue, silent


def feed_of(fleet: Fleet) -> Any:
    return fleet.feeds["fake:spot"]


def fetch(ticket: int, symbol: str = "BTCUSD", path: str = "/depth") -> Fetch:
    url = f"https://api.fake.example{path}?symbol={symbol}"
    request = Request(url, weight=1, read=fake_connector.read_answer)
    return Fetch(ticket, Purpose.SNAPSHOT, symbol, request)


async def test_a_feed_opens_its_plans_subscribes_and_hands_over_frames_in_order(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    desk.plans = [FakePlan(7, messages=["one", "two"])]
    sail(desk)
    await eventually_async(lambda: venue.heard == ["one", "two"])
    await venue.say("1", "2", "3")
    await eventually_async(lambda: desk.frames(1) == [b"1", b"2", b"3"])
    assert desk.log[0] == ("opened", 1, 7)
    assert venue.paths == ["/stream.fake.example:9443/ws"]


async def test_a_desk_can_ask_whether_more_of_a_connection_waits_for_it(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    said: list[bool] = []
    desk.on_frame = lambda connection, _: said.append(desk.has_waiting(connection))
    sail(desk)
    await eventually_async(lambda: venue.heard)
    venue.connections[0].transport.write(b"\x81\x01a\x81\x01b\x81\x01c")
    await eventually_async(lambda: len(said) == 3)
    assert said == [True, True, False]


async def test_frames_that_wait_together_are_published_once(sail: Sail, venue: FakeVenue) -> None:
    desk = FakeDesk()
    seen: list[int] = []
    fleet = sail(desk, on_drained=lambda: seen.append(len(desk.frames())))
    await opened(desk)
    await eventually_async(lambda: venue.heard)
    before = fleet.drain.rounds
    transport = venue.connections[0].transport
    transport.write(b"".join(b"\x81\x01" + str(n).encode() for n in range(10)))
    await eventually_async(lambda: len(desk.frames()) == 10)
    await eventually_async(lambda: seen[-1] == 10)
    changes = [count for count in dict.fromkeys(seen) if count]
    assert changes == [10]
    assert fleet.drain.rounds > before


async def test_a_cut_connection_is_opened_again_under_another_number(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    fleet = sail(desk)
    await eventually_async(lambda: venue.heard == ["subscribe"])
    await venue.say("last")
    await eventually_async(lambda: desk.frames() == [b"last"])
    venue.cut()
    await opened(desk, 2)
    assert [entry[0] for entry in desk.log] == ["opened", "received", "closed", "opened"]
    assert desk.told("opened") == [(1, 1), (2, 1)]
    assert desk.told("closed")[0][1].startswith("1006")
    counts = feed_of(fleet).counts
    assert (counts.connects, counts.reconnects, counts.close_codes[1006]) == (2, 1, 1)


async def test_frames_before_the_goodbye_are_seen_and_a_clean_end_is_a_reconnect_too(
    sail: Sail, venue: FakeVenue
) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("only")
        await connection.close(1000, "bye")

    venue.talk = talk
    desk = FakeDesk()
    fleet = sail(desk)
    await eventually_async(lambda: len(desk.told("closed")) >= 2)
    assert [entry[0] for entry in desk.log[:4]] == ["opened", "received", "closed", "opened"]
    assert desk.told("closed")[0] == (1, "1000 bye")
    assert feed_of(fleet).counts.close_codes[1000] >= 2
    assert feed_of(fleet).counts.reconnects >= 1


async def test_the_wait_grows_with_each_early_end_and_a_steady_connection_forgets(
    sail: Sail, venue: FakeVenue
) -> None:
    async def hang_up(_connection: ServerConnection) -> None:
        return

    venue.talk = hang_up
    limits = Limits(backoff_first_s=0.001, backoff_max_s=0.01, steady_s=0.05)
    desk = FakeDesk()
    fleet = sail(desk, limits=limits)
    feed = feed_of(fleet)
    await opened(desk)
    await eventually_async(lambda: feed._lines[0].backoff.failures >= 3)
    venue.talk = venue.listen
    await eventually_async(lambda: feed._lines[0].backoff.failures == 0)
    assert feed._lines[0].is_open


async def test_a_venue_that_is_not_there_is_found_when_it_comes(
    sail: Sail, venue: FakeVenue
) -> None:
    await venue.stop()
    desk = FakeDesk()
    fleet = sail(desk)
    await eventually_async(lambda: feed_of(fleet).counts.connect_failures >= 2)
    await venue.start()
    await opened(desk)


async def test_a_refusal_says_its_status_and_is_tried_again(sail: Sail, venue: FakeVenue) -> None:
    venue.refusals = [(503, {})]
    desk = FakeDesk()
    fleet = sail(desk)
    await opened(desk)
    assert feed_of(fleet).counts.failures["http_503"] == 1


async def test_a_venue_that_has_enough_is_left_alone_as_long_as_it_says(
    sail: Sail, venue: FakeVenue
) -> None:
    venue.refusals = [(429, {"Retry-After": "3600"})]
    first, other = FakeDesk(), FakeDesk(fake_connector.manifest(market_type="linear"))
    fleet = sail(first)
    await eventually_async(lambda: feed_of(fleet).counts.failures["http_429"] == 1)
    # The other feed of the same venue asks the same ban.
    ban = feed_of(fleet).gate._ban
    assert ban.wait_s(asyncio.get_running_loop().time()) > 3_000
    assert fleet.feeds["fake:spot"]._common.ban_of(other.manifest.venue) is ban
    assert first.told("opened") == []
    assert len(venue.paths) == 1


async def test_after_failures_in_a_row_the_breaker_opens_and_one_probe_closes_it(
    sail: Sail, venue: FakeVenue
) -> None:
    await venue.stop()
    limits = Limits(
        backoff_first_s=0.001, backoff_max_s=0.002, breaker_failures_max=3, breaker_pause_s=0.2
    )
    desk = FakeDesk(plans=2)
    fleet = sail(desk, limits=limits)
    status = await eventually_async(lambda: [feed_of(fleet).status()] * feed_of(fleet).is_resting)
    assert status[0].state is FeedState.BREAKER_OPEN
    assert status[0].reason
    await venue.start()
    await opened(desk, 1)
    await venue.say("here")
    await opened(desk, 2)
    assert feed_of(fleet).status().state is FeedState.LIVE


async def test_a_venue_that_falls_silent_is_left(sail: Sail, venue: FakeVenue) -> None:
    desk = FakeDesk(fake_connector.manifest(silence_s=0.1))
    fleet = sail(desk)
    await opened(desk, 2)
    assert "nothing came for 0.1 s" in desk.told("closed")[0][1]
    assert feed_of(fleet).counts.silences >= 1


async def test_a_venue_that_answers_no_ping_is_left(sail: Sail, venue: FakeVenue) -> None:
    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await silent(connection)

    venue.talk = deaf
    limits = Limits(backoff_first_s=0.01, ping_every_s=0.05, pong_within_s=0.1)
    desk = FakeDesk()
    sail(desk, limits=limits)
    await opened(desk, 2)
    assert "no pong within 0.1 s" in desk.told("closed")[0][1]
    for connection in venue.connections:
        connection.transport.abort()


async def test_a_venue_whose_403_means_too_much_is_left_alone_too(
    sail: Sail, venue: FakeVenue
) -> None:
    venue.refusals = [(403, {})]
    rest = Rest(weight_per_minute_max=60, forbidden_s=600)
    fleet = sail(FakeDesk(fake_connector.manifest(rest=rest)))
    await eventually_async(lambda: feed_of(fleet).counts.failures["http_403"] == 1)
    ban = feed_of(fleet).gate._ban
    assert ban.wait_s(asyncio.get_running_loop().time()) > 500


async def test_pings_of_the_venues_own_words_are_sent_again_and_again(
    sail: Sail, venue: FakeVenue
) -> None:
    sail(FakeDesk(fake_connector.manifest(ping=Ping("ping!", interval_s=0.02))))
    await eventually_async(lambda: venue.heard.count("ping!") >= 3)


async def test_a_new_connection_is_open_before_the_old_one_closes_and_both_are_heard(
    sail: Sail, venue: FakeVenue
) -> None:
    async def trades() -> None:
        for number in itertools.count():
            count = len(desk.frames())
            for each in venue.connections:
                with contextlib.suppress(ConnectionClosed):
                    await each.send(str(number))
            await heard(desk, count + 1)

    venue.talk = silent
    desk = FakeDesk()
    sail(desk)
    await opened(desk)
    talking = asyncio.create_task(trades())
    await eventually_async(lambda: len(desk.frames(1)) > 5)
    desk.effects = [Renew(1, "a day is over", overlap=True)]
    await eventually_async(lambda: len(desk.frames(2)) > 5)
    assert desk.told("closed") == []
    desk.effects = [Close(1, "taken over")]
    await eventually_async(lambda: desk.told("closed"))
    await eventually_async(lambda: len(desk.frames(2)) > 20)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    first = [int(frame) for frame in desk.frames(1)]
    second = [int(frame) for frame in desk.frames(2)]
    # What either connection brought has no hole, and they overlap: nothing is missing in both.
    assert first == list(range(first[0], first[-1] + 1))
    assert second == list(range(second[0], second[-1] + 1))
    assert second[0] <= first[-1] + 1
    assert len(desk.told("opened")) == 2
    assert len(venue.connections) == 2


async def test_an_outgoing_connection_that_is_cut_is_not_opened_again(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    sail(desk)
    await opened(desk)
    desk.effects = [Renew(1, "goodbye", overlap=True), Renew(1, "goodbye", overlap=True)]
    await opened(desk, 2)
    venue.cut(0)
    await eventually_async(lambda: desk.told("closed"))
    await venue.say("more")
    await eventually_async(lambda: desk.frames(2) == [b"more"])
    assert len(venue.connections) == 2


async def test_a_connection_of_no_more_use_is_closed_first(sail: Sail, venue: FakeVenue) -> None:
    desk = FakeDesk()
    sail(desk)
    await opened(desk)
    desk.effects = [Renew(1, "a frame is missing", overlap=False)]
    await opened(desk, 2)
    assert [entry[0] for entry in desk.log] == ["opened", "closed", "opened"]


async def test_one_symbols_resync_sends_its_topic_and_touches_nothing_else(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    desk.on_frame = lambda connection, _frame: desk.effects.append(
        Send(connection, ("unsubscribe BTC", "subscribe BTC"))
    )
    sail(desk)
    await eventually_async(lambda: venue.heard == ["subscribe"])
    await venue.say("gap")
    await eventually_async(lambda: venue.heard == ["subscribe", "unsubscribe BTC", "subscribe BTC"])
    assert len(desk.told("opened")) == 1


async def test_texts_go_out_no_faster_than_the_venue_allows(sail: Sail, venue: FakeVenue) -> None:
    loop = asyncio.get_running_loop()
    heard: list[float] = []

    async def listen(connection: ServerConnection) -> None:
        async for _ in connection:
            heard.append(loop.time())

    venue.talk = listen
    desk = FakeDesk()
    desk.plans = [FakePlan(messages=["a", "b", "c", "d"])]
    desk.plans[0].socket = fake_connector.socket(messages_per_s_max=20)
    sail(desk)
    await eventually_async(lambda: len(heard) == 4)
    assert heard[-1] - heard[0] >= 3 * 0.05 * 0.8  # A little less, as the line has its moods.


async def test_a_venue_that_does_not_answer_its_own_kind_of_ping_is_left(
    sail: Sail, venue: FakeVenue
) -> None:
    ping = Ping("ping!", interval_s=0.02, answer_timeout_s=0.1)
    desk = FakeDesk(fake_connector.manifest(ping=ping))
    desk.pulses = {1: 2**62}  # Only the first connection's pings are answered.
    sail(desk)
    await eventually_async(lambda: venue.heard.count("ping!") >= 10)
    assert desk.told("opened") == [(1, 1)]
    venue.cut()
    await opened(desk, 3)
    assert "no answer to a ping within 0.1 s" in desk.told("closed")[1][1]


async def test_what_its_queues_have_counted_adds_up_over_all_connections(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    fleet = sail(desk, limits=Limits(frames_waiting_max=5_000, backoff_first_s=0.01))
    feed = feed_of(fleet)
    feed.is_timed = True
    await opened(desk)
    await venue.say("1", "2", "3")
    await eventually_async(lambda: len(desk.frames()) == 3)
    assert feed.waited_ns > 0
    venue.cut()
    await eventually_async(lambda: len(venue.connections) == 2)
    await opened(desk, 2)
    await venue.say("4")
    await eventually_async(lambda: len(desk.frames()) == 4)
    counts = feed.queue_counts()
    assert (counts.put, counts.taken, counts.waiting) == (4, 4, 0)
    assert counts.capacity == 5_000
    assert counts.is_balanced
    assert feed.queue_counts() == counts
    feed.halt("enough")
    assert feed.queue_counts().is_balanced
