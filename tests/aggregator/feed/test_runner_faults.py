"""One feed: its questions, its large frames, what goes wrong, and its end."""

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from aggregator.books.effects import Fetch, Mismatch, Purpose
from aggregator.books.prepared import PreparedSnapshot
from aggregator.feed import inbox, line
from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from aggregator.feed.incoming import LARGE_BYTES
from aggregator.protocol import Request, to_units
from shared.messages import FeedState
from tests.aggregator.feed.conftest import QUICK, Sail, heard, opened
from tests.support import fake_connector
from tests.support.deadlines import eventually_async
from tests.support.fake_desk import FakeDesk, FakePlan
from tests.support.fake_venue import FakeVenue


def feed_of(fleet: Fleet) -> Any:
    return fleet.feeds["fake:spot"]


def fetch(ticket: int, symbol: str = "BTCUSD", path: str = "/depth") -> Fetch:
    url = f"https://api.fake.example{path}?symbol={symbol}"
    request = Request(url, weight=1, read=fake_connector.read_answer)
    return Fetch(ticket, Purpose.SNAPSHOT, symbol, request)


async def test_a_question_is_answered_and_one_that_fails_stops_no_other(
    sail: Sail, venue: FakeVenue
) -> None:
    venue.answers = {"=GOOD": [(200, b"book", {})], "=BAD": [(500, b"oops", {})]}
    desk = FakeDesk()
    sail(desk)
    desk.effects = [fetch(1, "BAD"), fetch(2, "GOOD")]
    await eventually_async(lambda: desk.told("answered") and desk.told("unanswered"))
    url = "https://api.fake.example/depth?symbol=GOOD"
    assert desk.told("answered") == [(2, b"book", url)]
    assert desk.told("unanswered") == [(1, "HTTP 500: oops")]
    assert "/api.fake.example/depth?symbol=GOOD" in venue.asked


async def test_a_mismatch_is_told_to_the_recorder(sail: Sail, venue: FakeVenue) -> None:
    told: list[Mismatch] = []
    desk = FakeDesk()
    sail(desk, on_mismatch=told.append)
    mismatch = Mismatch("fake:spot:BTC/USD", "checksum", 5)
    desk.effects = [mismatch]
    await eventually_async(lambda: told == [mismatch])


def whole_book(levels: int) -> str:
    rows = [[f"{60_000 + row / 100:.2f}", f"{row % 977 + 1}.00000001"] for row in range(levels)]
    return json.dumps({"bids": rows, "padding": "x" * LARGE_BYTES})


async def test_a_book_of_5_mb_is_read_elsewhere_while_the_others_go_on_and_its_own_wait(
    sail: Sail, venue: FakeVenue
) -> None:
    book = whole_book(170_000)
    assert len(book) > 5_000_000
    desk = FakeDesk(plans=2)
    fleet = sail(desk)
    await opened(desk, 2)
    small, large = venue.connections

    async def chatter() -> None:
        while not desk.told("parsed"):
            count = len(desk.frames())
            await small.send("tick")
            await heard(desk, count + 1)

    talking = asyncio.create_task(chatter())
    await large.send(book)
    await large.send("after")
    await eventually_async(lambda: b"after" in desk.frames())
    await talking
    log = [entry[0] if entry[0] != "received" else entry[2] for entry in desk.log]
    assert log.index("parsed") < log.index(b"after")
    assert log[: log.index("parsed")].count(b"tick") > 3
    _connection, updates = desk.told("parsed")[0]
    update = updates[-1]
    assert isinstance(update, PreparedSnapshot)
    assert len(update.bid_side.keys) == 1_000
    assert update.bid_side.keys[-1] == to_units("61699.99")
    assert feed_of(fleet).counts.large_frames == 1
    assert desk.told("closed") == []


async def test_a_large_answer_is_read_elsewhere_and_a_broken_one_is_none(
    sail: Sail, venue: FakeVenue
) -> None:
    body = whole_book(600).encode()
    venue.answers = {"=GOOD": [(200, body, {})], "=BAD": [(200, body[:-1], {})]}
    desk = FakeDesk()
    sail(desk)
    desk.effects = [fetch(1, "BAD"), fetch(2, "GOOD")]
    await eventually_async(lambda: desk.told("answered_parsed") and desk.told("unanswered"))
    assert desk.told("answered_parsed")[0][0] == 2
    assert desk.told("unanswered")[0][0] == 1
    assert desk.told("answered") == []


async def test_a_large_frame_that_cannot_be_read_ends_its_connection(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    sail(desk)
    await eventually_async(lambda: venue.heard)
    await venue.say("{" * LARGE_BYTES)
    await opened(desk, 2)
    await eventually_async(lambda: desk.told("closed"))
    assert desk.told("parsed") == []
    assert "bytes" in desk.told("closed")[0][1]


async def test_a_backlog_past_its_capacity_ends_the_connection_and_loses_nothing_silently(
    sail: Sail, venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FakeDesk()
    fleet = sail(desk, limits=replace(QUICK, frames_waiting_max=8))
    await eventually_async(lambda: venue.heard)
    frames = b"".join(b"\x81\x02%02d" % number for number in range(20))
    venue.connections[0].transport.write(frames)
    await opened(desk, 2)
    await eventually_async(lambda: desk.told("closed"))
    assert desk.frames(1) == [b"%02d" % number for number in range(8)]
    assert desk.told("closed")[0][1].startswith("1008")
    assert feed_of(fleet).counts.backlog_cuts == 1


async def test_a_connection_that_is_not_caught_up_with_begins_anew(
    sail: Sail, venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "FRAMES_PAUSE", 4)
    monkeypatch.setattr(inbox, "FRAMES_RESUME", 1)
    monkeypatch.setattr(line, "BEHIND_S_MAX", 0.05)
    desk = FakeDesk()
    fleet = sail(desk)
    await eventually_async(lambda: venue.heard)
    # A frame that is read elsewhere holds up those after it, for longer than is borne here.
    await venue.say(whole_book(100_000), *"12345678")
    await opened(desk, 2)
    await eventually_async(lambda: desk.told("closed"))
    assert desk.told("closed")[0][1].startswith("1008 too much has waited")
    assert feed_of(fleet).counts.backlog_cuts == 1
    assert feed_of(fleet).counts.silences == 0


async def test_a_feed_is_halted_after_so_many_reconnects_until_it_is_resumed(
    sail: Sail, venue: FakeVenue
) -> None:
    async def hang_up(_connection: ServerConnection) -> None:
        return

    venue.talk = hang_up
    limits = Limits(reconnect_attempts_max=2, backoff_first_s=0.001, backoff_max_s=0.01)
    desk = FakeDesk()
    fleet = sail(desk, limits=limits)
    await eventually_async(lambda: feed_of(fleet).is_halted)
    status = fleet.status()["fake:spot"]
    assert status.state is FeedState.HALTED
    assert "2 reconnects" in status.reason
    await eventually_async(lambda: len(desk.told("closed")) == len(desk.told("opened")))
    connects = feed_of(fleet).counts.connects
    assert connects == 3
    venue.talk = venue.listen
    fleet.resume("fake:spot")
    await opened(desk, connects + 1)
    assert fleet.status()["fake:spot"].state is FeedState.LIVE


async def test_a_desk_that_is_halted_hears_that_its_questions_have_no_answer(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk()
    fleet = sail(desk)
    await opened(desk)
    feed_of(fleet).gate._ban.set(feed_of(fleet)._common.clock.monotonic_s(), 3_600)
    desk.effects = [fetch(1), fetch(2, "ETHUSD")]
    await eventually_async(lambda: feed_of(fleet)._fetcher.waiting == 2)

    fleet.halt("fake:spot", "an operator's word")

    assert [ticket for ticket, _ in desk.told("unanswered")] == [1, 2]
    await eventually_async(lambda: feed_of(fleet)._fetcher.waiting == 0)
    fleet.halt("fake:spot", "once more")
    assert len(desk.told("unanswered")) == 2


async def test_a_desk_with_a_bug_is_halted_and_the_others_go_on(
    sail: Sail, venue: FakeVenue
) -> None:
    broken, sound = FakeDesk(), FakeDesk(fake_connector.manifest("sound"))

    def stumble(_connection: int, frame: bytes) -> None:
        raise RuntimeError(f"cannot bear {frame.decode()}")

    broken.on_frame = stumble
    fleet = sail(broken, sound)
    await opened(broken)
    await opened(sound)
    await eventually_async(lambda: len(venue.heard) == 2)
    for connection in venue.connections:
        await connection.send("this")
    await eventually_async(lambda: feed_of(fleet).is_halted)
    await eventually_async(lambda: sound.frames() == [b"this"])
    status = fleet.status()
    assert status["fake:spot"].state is FeedState.HALTED
    assert "cannot bear this" in status["fake:spot"].reason
    assert status["sound:spot"].state is FeedState.LIVE
    await eventually_async(lambda: fleet.feeds["fake:spot"].connections() == [])
    broken.on_frame = lambda _connection, _frame: None
    fleet.resume("fake:spot")
    await opened(broken, 2)
    await eventually_async(lambda: broken.told("closed"))


async def test_a_plan_that_comes_later_is_opened_and_one_that_goes_is_closed(
    sail: Sail, venue: FakeVenue
) -> None:
    desk = FakeDesk(plans=1)
    sail(desk)
    await opened(desk)
    desk.plans = [FakePlan(2)]
    await eventually_async(lambda: desk.told("closed") and len(desk.told("opened")) == 2)
    assert desk.told("opened")[1] == (2, 2)


async def test_what_goes_over_the_wire_is_told_to_the_recorder(
    sail: Sail, venue: FakeVenue
) -> None:
    rows: list[tuple[Any, ...]] = []
    opened: list[str] = []

    class Recorder:
        def row(
            self,
            at_ns: int,
            kind: str,
            url: str,
            data: bytes,
            connection: int,
            *,
            status: int = 0,
            feed: str = "",
        ) -> None:
            assert at_ns > 0
            rows.append((str(kind), url, data, connection, status))
            opened.extend([feed] if kind == "connect" else [])

    venue.answers = {"=BTCUSD": [(200, b"book", {})]}
    desk = FakeDesk()
    sail(desk, recorder=Recorder())
    await eventually_async(lambda: venue.heard)
    await venue.say("frame")
    await eventually_async(lambda: desk.frames())
    desk.effects = [fetch(1)]
    await eventually_async(lambda: desk.told("answered"))
    await venue.connections[0].close(1001, "moving")
    await eventually_async(lambda: desk.told("closed"))
    url = desk.plans[0].url
    assert rows[:3] == [
        ("connect", url, b"", 1, 0),
        ("send", url, b"subscribe", 1, 0),
        ("recv", url, b"frame", 1, 0),
    ]
    assert opened == [desk.manifest.feed], "two feeds may have one address"
    assert rows[3] == ("http", fetch(1).request.url, b"book", 0, 200)
    assert rows[4] == ("close", url, b"moving", 1, 1001)


async def test_nothing_is_left_over_after_close(sail: Sail, venue: FakeVenue) -> None:
    desk = FakeDesk(plans=3)
    fleet = sail(desk, random_source=random.Random(1))
    await opened(desk, 3)
    desk.effects = [fetch(1)]
    await venue.say(whole_book(10))
    await eventually_async(lambda: desk.told("parsed"))
    await fleet.close()
    await eventually_async(lambda: all(c.state.name == "CLOSED" for c in venue.connections))
    assert fleet.apart.pid is None
    assert QUICK.reconnect_attempts_max == 0
