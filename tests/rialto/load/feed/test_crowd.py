"""The crowd against a door of the test's own: what does not come is told."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from rialto.load.feed import plan
from rialto.load.feed.crowd import Crowd
from rialto.load.feed.floor import server_frame
from rialto.load.feed.frames import HEAD_END
from rialto.load.lanes import LoadError
from tests.rialto.load.feed.messages import DEPTH, depth_delta, depth_snapshot, subscribed

DEADLINE_S = 20.0
CLIENTS = 3
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


decode_answer = msgspec.json.Decoder(plan.Answer).decode


class Door:
    """A server that says to everybody what the test says; `heard` is what clients have sent."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.port = self._listener.getsockname()[1]
        self.socks: list[socket.socket] = []

    def let_in(self, *payloads: bytes, count: int = CLIENTS) -> None:
        for _ in range(count):
            sock, _ = self._listener.accept()
            self.socks.append(sock)
            sock.settimeout(DEADLINE_S)
            head = b""
            while HEAD_END not in head:
                head += sock.recv(65_536)
            sock.sendall(SWITCHED)
            assert DEPTH.encode() in sock.recv(65_536)
            sock.sendall(b"".join(map(server_frame, payloads)))

    def say(self, *payloads: bytes) -> None:
        for sock in self.socks:
            sock.sendall(b"".join(map(server_frame, payloads)))

    def close(self) -> None:
        for sock in (self._listener, *self.socks):
            sock.close()


class Led:
    """A crowd in a thread, with its orders and answers."""

    def __init__(self, port: int) -> None:
        orders_out, self._orders_in = os.pipe()
        answers_out, answers_in = os.pipe()
        self._answers = os.fdopen(answers_out, "rb")
        self._told = os.fdopen(answers_in, "wb")
        self._orders_out = orders_out
        self._is_over = False
        self._crowd = Crowd(port, orders_out, self._told)
        self.error: LoadError | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._crowd.run()
        except LoadError as error:
            self.error = error
        self._told.close()

    def tell(self, order: plan.Order) -> None:
        os.write(self._orders_in, msgspec.json.encode(order) + b"\n")

    def answer(self) -> plan.Answer:
        answer: plan.Answer = decode_answer(self._answers.readline())
        return answer

    def order(self, order: plan.Order) -> None:
        self.tell(order)
        assert isinstance(self.answer(), plan.Done)

    def end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        os.close(self._orders_in)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        self._crowd.close()
        self._answers.close()
        os.close(self._orders_out)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture
def led(door: Door) -> Iterator[Led]:
    led = Led(door.port)
    yield led
    led.end()


def come_in(led: Led, door: Door) -> None:
    led.tell(plan.Open(group="g", count=CLIENTS, wishes=[{DEPTH: 0}], sample_every=100))
    door.let_in(subscribed(), depth_snapshot(1))
    assert isinstance(led.answer(), plan.Done)


def recorded_after(
    led: Led, door: Door, file: Path, payloads: Sequence[bytes], changes: int
) -> plan.Recorded:
    """Say something to all, wait until it has come, and return what was recorded."""
    led.order(plan.Record())
    led.order(plan.Tell(every=changes * CLIENTS))
    door.say(*payloads)
    assert led.answer() == plan.Progress(changes * CLIENTS)
    led.order(plan.Stop(str(file)))
    return msgspec.msgpack.decode(file.read_bytes(), type=plan.Recorded)


def test_everybody_who_gets_everything_is_content(door: Door, led: Led, tmp_path: Path) -> None:
    come_in(led, door)
    stream = [depth_delta(2, 2), depth_delta(3, 5)]
    recorded = recorded_after(led, door, tmp_path / "r", stream, 4)
    assert (recorded.faults, recorded.cut, recorded.messages) == (0, 0, 2 * CLIENTS)
    assert [(one.first, one.last, len(one.at_ns)) for one in recorded.arrivals] == [
        (2, 2, 8 * CLIENTS),
        (3, 5, 8 * CLIENTS),
    ]
    assert recorded.ends == {DEPTH: {5: CLIENTS}}


def test_a_hole_is_a_fault_of_each_client(door: Door, led: Led, tmp_path: Path) -> None:
    come_in(led, door)
    stream = [depth_delta(2, 2), depth_delta(4, 4)]
    recorded = recorded_after(led, door, tmp_path / "r", stream, 2)
    assert recorded.faults == CLIENTS
    assert recorded.sentences == [f"{DEPTH}: 4 came after 2."] * CLIENTS


def test_a_wrong_checksum_is_a_fault_of_the_sample(door: Door, led: Led, tmp_path: Path) -> None:
    come_in(led, door)
    recorded = recorded_after(led, door, tmp_path / "r", [depth_delta(2, 2, crc32=9)], 1)
    assert recorded.faults == 1


def test_who_stalls_reads_nothing_until_it_is_over(door: Door, led: Led, tmp_path: Path) -> None:
    come_in(led, door)
    led.order(plan.Stall("g"))
    led.order(plan.Tell(every=1))
    door.say(depth_delta(2, 2))
    led.order(plan.Stop(str(tmp_path / "r")))
    recorded = msgspec.msgpack.decode((tmp_path / "r").read_bytes(), type=plan.Recorded)
    assert recorded.ends == {DEPTH: {1: CLIENTS}}
    led.tell(plan.Stall("g", is_over=True))
    answers = [led.answer() for _ in range(CLIENTS + 1)]
    assert plan.Progress(CLIENTS) in answers


def test_a_connection_that_is_closed_is_counted(door: Door, led: Led, tmp_path: Path) -> None:
    come_in(led, door)
    door.socks.pop().close()
    recorded = recorded_of_the_rest(led, door, tmp_path / "r")
    assert (recorded.cut, recorded.faults) == (1, 1)


def recorded_of_the_rest(led: Led, door: Door, file: Path) -> plan.Recorded:
    led.order(plan.Tell(every=CLIENTS - 1))
    door.say(depth_delta(2, 2))
    assert isinstance(led.answer(), plan.Progress)
    led.order(plan.Stop(str(file)))
    return msgspec.msgpack.decode(file.read_bytes(), type=plan.Recorded)


def test_a_refusal_ends_it_with_a_sentence(door: Door, led: Led) -> None:
    led.tell(plan.Open(group="g", count=1, wishes=[{DEPTH: 0}]))
    refused = b'{"op":"error","id":1,"code":"NOT_READY","message":"Not yet.","field":""}'
    door.let_in(refused, count=1)
    led.end()
    assert str(led.error) == "The broadcaster refused to subscribe: Not yet."


def test_who_is_cut_is_gone_and_comes_back_when_told(door: Door, led: Led) -> None:
    come_in(led, door)
    led.order(plan.Cut("g"))
    for sock in door.socks:
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        sock.close()
    door.socks.clear()
    come_in(led, door)
