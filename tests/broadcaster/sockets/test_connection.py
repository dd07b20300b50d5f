"""One socket: frames right and wrong, in any pieces, and how it ends."""

import asyncio
import json
import os
from collections.abc import Coroutine

import pytest

from broadcaster.clients import limits
from broadcaster.sockets import deadlines
from tests.broadcaster.sockets.raw_client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawClient,
    Received,
    frame,
    request,
    say,
)
from tests.broadcaster.sockets.serving import Serving, serving
from tests.support.deadlines import eventually_async

FLOODS_MAX = 2_000  # Some 12 MB, more than the buffers between us hold.
GOODBYE = frame(CLOSE, (1000).to_bytes(2, "big"))


async def test_a_message_in_fragments_with_pings_in_between_is_one() -> None:
    async with serving() as it:
        client = await it.client()
        op = json.dumps({"op": "ping", "id": "ab" * 50}).encode()
        await client.send(frame(TEXT, op[:10], final=False), frame(PING, b"one"))
        assert await client.next() == Received(PONG, b"one")
        await client.send(frame(CONTINUATION, b"", final=False), frame(PING, b"two"))
        await client.send(frame(CONTINUATION, op[10:]))
        assert await client.next() == Received(PONG, b"two")
        assert (await client.answer())["id"] == "ab" * 50


async def test_a_text_that_is_cut_within_a_letter_is_put_together() -> None:
    async with serving() as it:
        client = await it.client()
        op = '{"op":"ping","id":"ü"}'.encode()
        cut = op.index(b"\xbc")
        await client.send(frame(TEXT, op[:cut], final=False), frame(CONTINUATION, op[cut:]))
        assert (await client.answer())["id"] == "ü"


async def test_a_handshake_and_an_op_in_single_bytes_are_understood() -> None:
    async with serving() as it:
        client = await it.visitor()
        for byte in request():
            await client.send(bytes([byte]))
        assert " 101 " in await client.head()
        for byte in say(op="ping", id=7):
            await client.send(bytes([byte]))
        assert (await client.answer())["id"] == 7


async def test_many_ops_in_one_piece_are_answered_in_order() -> None:
    async with serving() as it:
        client = await it.client()
        await client.send(*(say(op="ping", id=number) for number in range(150)))
        assert [(await client.answer())["id"] for _ in range(150)] == list(range(150))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(3, b"{}"), 1002),
        (frame(0x40 | TEXT, b"{}"), 1002),
        (frame(CONTINUATION, b"{}"), 1002),
        (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"", final=False), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(TEXT, b"x" * (limits.MESSAGE_SIZE_MAX + 1)), 1009),
        (frame(TEXT, b"x" * 9_000, final=False) + frame(CONTINUATION, b"x" * 9_000), 1009),
    ],
)
async def test_a_frame_that_must_not_be_ends_the_connection(data: bytes, code: int) -> None:
    async with serving() as it:
        client = await it.client()
        await client.send(say(op="ping", id="before"), data, say(op="ping", id="after"))
        assert (await client.answer())["id"] == "before"
        assert (await client.next()).close_code == code
        assert await client.rest() == b""
        client.close()
        await it.alone()
        assert (await it.metrics())[f'closed_total{{code="{code}"}}'] == 1


async def test_binary_frames_are_told_what_is_wrong_with_them() -> None:
    async with serving() as it:
        client = await it.client()
        await client.send(frame(BINARY, b'{"op":"ping"}'))
        assert (await client.answer())["code"] == "BAD_MESSAGE"


async def test_a_goodbye_is_answered_with_the_same_code_and_the_end() -> None:
    async with serving() as it:
        client = await it.client(subscribed=True)
        await client.send(say(op="ping"), frame(CLOSE, (3_333).to_bytes(2, "big") + b"bye"))
        assert (await client.answer())["op"] == "pong"
        assert await client.next() == Received(CLOSE, (3_333).to_bytes(2, "big") + b"bye")
        assert await client.rest() == b""
        client.close()
        await it.alone()
        metrics = await it.metrics()
        assert metrics['closed_total{code="other"}'] == 1
        assert metrics["subscriptions"] == 0


async def test_who_half_closes_has_gone() -> None:
    async with serving() as it:
        client = await it.client(subscribed=True)
        client.sock.shutdown(1)
        await client.rest()
        await it.alone()
        assert (await it.metrics())['closed_total{code="1006"}'] == 1


async def test_a_flood_of_pings_ends_with_1008_and_others_are_served_meanwhile() -> None:
    async with serving() as it:
        calm = await it.client(subscribed=True)
        noisy = await it.client()
        flood = asyncio.create_task(noisy.send(frame(PING) * (4 * limits.FRAMES_BURST_MAX)))
        for number in range(1, 20):
            it.numbers.say_next()
            while (await calm.until(TEXT)).message.get("number") != number:
                pass
        assert (await noisy.until(CLOSE)).close_code == 1008
        await asyncio.gather(flood, return_exceptions=True)


async def test_a_flood_that_goes_on_after_the_goodbye_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as it:
        client = await it.client()
        stopped_s = it.clock.monotonic_s()
        monkeypatch.setattr(it.clock, "monotonic_s", lambda: stopped_s)  # So no deadline comes.
        flood = frame(PONG) * limits.FRAMES_BURST_MAX
        assert await is_cut_during(client.send(flood * FLOODS_MAX))


async def is_cut_during(sending: Coroutine[None, None, None]) -> bool:
    try:
        await sending
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


async def test_what_was_on_its_way_at_the_goodbye_does_not_cut_it_short() -> None:
    async with serving() as it:
        client = await it.client()
        it.clock.added_s += limits.IDLE_S
        received = await client.until(CLOSE)
        await client.send(frame(TEXT, b"{}") * 100, frame(CLOSE, received.payload))
        assert received.close_code == 4408
        assert await client.rest() == b""


async def test_fragments_without_end_end_with_1008() -> None:
    async with serving() as it:
        client = await it.client()
        await client.send(frame(TEXT, b"x", final=False))
        await client.send(frame(CONTINUATION, b"", final=False) * (2 * limits.FRAMES_BURST_MAX))
        assert (await client.until(CLOSE)).close_code == 1008


async def test_pings_are_sent_and_their_pongs_keep_a_connection() -> None:
    async with serving() as it:
        client = await it.client(subscribed=True)
        for _ in range(4):
            it.clock.added_s += deadlines.PING_INTERVAL_S
            ping = await client.until(PING)
            await client.send(frame(PONG, ping.payload), say(op="ping", id="alive"))
            assert (await client.answer())["id"] == "alive"


async def test_a_peer_that_never_answers_a_ping_is_closed_with_1011() -> None:
    async with serving() as it:
        client = await it.client(subscribed=True)
        it.clock.added_s += deadlines.PING_INTERVAL_S
        await client.until(PING)
        it.clock.added_s += deadlines.PONG_TIMEOUT_S + 1
        assert (await client.until(CLOSE)).close_code == 1011


async def test_who_subscribes_nothing_and_says_nothing_is_closed_with_4408() -> None:
    async with serving() as it:
        idle, subscribed = await it.client(), await it.client(subscribed=True)
        it.clock.added_s += deadlines.PONG_TIMEOUT_S
        for client in (idle, subscribed):
            await client.until(PING)
            await client.send(frame(PONG), frame(PING))
            await client.until(PONG)
        it.clock.added_s += limits.IDLE_S - deadlines.PONG_TIMEOUT_S
        assert (await idle.until(CLOSE)).close_code == 4408
        await subscribed.send(say(op="ping"))
        assert (await subscribed.answer())["op"] == "pong"


async def test_a_goodbye_that_is_not_answered_ends_all_the_same() -> None:
    async with serving() as it:
        client = await it.client()
        it.clock.added_s += limits.IDLE_S
        assert (await client.until(CLOSE)).close_code == 4408
        it.clock.added_s += deadlines.CLOSE_TIMEOUT_S
        await it.alone()


async def stall(it: Serving, client: RawClient) -> None:
    """Send until the client's socket takes no more and it has lagged."""
    while not it.server.lagged_count:
        it.numbers.say_next(ballast_bytes=20_000)
        await asyncio.sleep(0)


async def test_who_reads_nothing_for_half_a_minute_is_cut() -> None:
    async with serving() as it:
        client = await it.client(small=True, subscribed=True)
        await stall(it, client)
        began_s = it.clock.monotonic_s()
        await eventually_async(lambda: has_gone_after(it, 0.5))
        assert it.clock.monotonic_s() - began_s > deadlines.SEND_STALL_MAX_S
        assert (await it.metrics())['closed_total{code="1006"}'] == 1


def has_gone_after(it: Serving, seconds: float) -> bool:
    it.clock.added_s += seconds
    return it.server.connection_count == 0


async def test_who_reads_slowly_is_not_cut_and_is_right_again() -> None:
    async with serving() as it:
        client = await it.client(small=True, subscribed=True)
        await stall(it, client)
        began_s = it.clock.monotonic_s()
        while "lagged" not in (received := await client.until(TEXT)).payload.decode():
            it.clock.added_s += deadlines.SEND_STALL_MAX_S / 6
        assert it.clock.monotonic_s() - began_s > deadlines.SEND_STALL_MAX_S
        assert received.message == {"snapshot": it.numbers.last, "reason": "lagged"}
        it.numbers.say_next()
        assert (await client.until(TEXT)).message["number"] == it.numbers.last


async def test_who_takes_no_answers_is_read_no_further() -> None:
    async with serving() as it:
        client = await it.client(small=True, subscribed=True)
        await stall(it, client)
        before = (await it.metrics())["messages_received_total"]
        op = say(op="ping", id="x" * 100)
        await client.send(op * 150)
        await eventually_async(lambda: True)
        received = (await it.metrics())["messages_received_total"] - before
        assert received < 150, "one read, and the rest waits"
        pongs = 0
        while pongs < 150:
            pongs += (await client.until(TEXT)).message.get("op") == "pong"


async def test_ten_thousand_random_bytes_do_no_harm() -> None:
    async with serving() as it:
        for _ in range(50):
            seed = os.urandom(200)
            status, _ = await it.page(seed, b"\r\n\r\n")
            assert status == 400, seed
            client = await it.client()
            await client.send(seed)
            client.reset()
        await it.alone()
        client = await it.client(subscribed=True)
        assert (await client.until(TEXT)).message["snapshot"] == 0
