"""Reading in another process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from aggregator.feed.apart import Apart, ApartError
from aggregator.protocol import BookUpdate, FrameError, Pulse, Update
from tests.support import fake_connector
from tests.support.deadlines import eventually_async


def die(_data: bytes) -> list[Update]:
    os._exit(3)


def never_read(_data: bytes) -> list[Update]:
    signal.pause()
    return []


@pytest.fixture
async def apart() -> AsyncIterator[Apart]:
    apart = Apart()
    yield apart
    await apart.close()


async def test_updates_come_back_as_they_would_be_read_here(apart: Apart) -> None:
    frame = b'{"bids": [["1.5", "2"], ["1.4", "3"]]}'
    assert await apart.read(fake_connector.parse_message, frame, 1) == [
        *fake_connector.parse_message(frame, 1)
    ]
    assert apart.starts == 1


async def test_a_frame_that_cannot_be_read_is_an_error_and_the_next_one_is_read(
    apart: Apart,
) -> None:
    with pytest.raises(FrameError):
        await apart.read(fake_connector.parse_message, b"{", 1)
    assert await apart.read(fake_connector.parse_message, b"1", 1) == [Pulse()]
    assert apart.starts == 1


async def test_a_process_that_died_is_started_again(apart: Apart) -> None:
    await apart.read(fake_connector.parse_message, b"1", 1)
    pid = apart.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually_async(lambda: apart._process is None or apart._process.returncode is not None)
    assert await apart.read(fake_connector.parse_message, b"1", 1) == [Pulse()]
    assert apart.starts == 2


async def test_a_process_that_dies_over_a_frame_is_an_error_and_not_a_wait(apart: Apart) -> None:
    with pytest.raises(ApartError):
        await apart.read(die, b"1")
    assert await apart.read(fake_connector.parse_message, b"1", 1) == [Pulse()]


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    apart = Apart(within_s=0.5)
    with pytest.raises(ApartError):
        await apart.read(never_read, b"1")
    assert apart.pid is None


async def test_one_that_stops_waiting_does_not_get_the_next_one_its_answer(apart: Apart) -> None:
    frame = b'{"bids": [["1", "1"]]}'
    await apart.read(fake_connector.parse_message, frame, 1)
    call = asyncio.create_task(apart.read(fake_connector.parse_message, frame, 1))
    await eventually_async(lambda: apart.calls == 2)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert await apart.read(fake_connector.parse_message, b"1", 1) == [Pulse()]


async def test_after_a_rest_the_process_is_let_go_and_comes_back_when_needed() -> None:
    apart = Apart(rest_s=0.01)
    frame = b'{"bids": [["1", "1"]]}'
    updates = await apart.read(fake_connector.parse_message, frame, 1)
    assert isinstance(updates[-1], BookUpdate)
    process = apart._process
    assert process is not None
    await eventually_async(lambda: process.returncode == 0)
    assert await apart.read(fake_connector.parse_message, frame, 1) == updates
    assert apart.starts == 2
    await apart.close()
