"""The clients of a measurement: plain sockets, one thread, one epoll.

The rule of this file: a client costs a system call for what came and little else, or the crowd
would be what is measured. When something came is the kernel's word (SO_TIMESTAMPNS), so a client
that waits for its turn here is not counted as late; who is busy is the machine, and that is said in
the figures of the processor.
"""

import os
import select
import socket
import struct
import time
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import msgspec

from rialto.load.feed import plan
from rialto.load.feed.frames import (
    CLOSE,
    PING,
    TEXT,
    after_handshake,
    handshake,
    pong,
    split,
    subscription,
)
from rialto.load.feed.witness import Follower, Messages, Step
from rialto.load.lanes import LoadError

OPENING_MAX = 256  # Handshakes at once where they are not what is measured.
OPENING_PATIENCE_S = 60.0  # Without one more client that has its snapshots.
# On loopback the kernel takes megabytes for who does not read, for its segments have 64 KB. One who
# is far away has segments of a network, for which it takes some ten kilobytes.
FAR_RECEIVE_BYTES, FAR_SEGMENT_BYTES = 4_096, 1_460
# To wake somebody who waits costs the sender as much as the message does. Clients elsewhere cost it
# nothing of the kind, so these do not wait for each message: they look again and again.
LOOK_EVERY_S = 0.001
BUSY_EVENTS = 256  # Who finds so much has no time to pause.
READ_BYTES = 256 * 1024
SENTENCES_MAX = 10  # The first faults say what went wrong; the others are counted.
NS_PER_S = 10**9
_SO_TIMESTAMPNS = 35  # Linux; the socket module has no name for it.
_ANCILLARY_BYTES = 64
_TIMESPEC = struct.Struct("qq")
_READ, _WRITE = select.EPOLLIN, select.EPOLLOUT
_LINGER = struct.Struct("ii")

_decode_order = msgspec.json.Decoder(plan.Order).decode


class Lane:
    """One client. `is_upgraded`: the WebSocket is open; `is_ready`: it has all its snapshots."""

    __slots__ = (
        "follower", "group", "is_ready", "is_timed", "is_upgraded", "rest", "sock", "wishes",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, order: plan.Open, number: int) -> None:
        self.sock = sock
        self.group = order.group
        self.is_timed = order.timed
        self.wishes = order.wishes[number % len(order.wishes)]
        checks_books = number % order.sample_every == 0
        self.follower = Follower(iter(self.wishes), checks_books=checks_books)
        self.rest = b""
        self.is_upgraded = False
        self.is_ready = False


class Crowd:
    """Carries out orders, one after the other, and reads for all clients meanwhile."""

    def __init__(self, port: int, orders: int, answers: BinaryIO) -> None:
        self._port = port
        self._orders_fd = orders
        self._answers = answers
        self._text = b""  # Of an order that has not come whole.
        self._epoll = select.epoll()
        self._epoll.register(orders, _READ)
        self._lanes: dict[int, Lane] = {}
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._messages = Messages()
        self._opening: plan.Open | None = None
        self._opened = self._asked = self._ready = 0  # Of the group that is being opened.
        self._began_ns = self._last_ready_ns = 0
        self._is_over = False
        self._tell_every = self._tell_at = self._changes = 0
        self._forget()

    def _forget(self) -> None:
        self._messages.reset()
        self._recording_since_ns = time.monotonic_ns()
        self._message_count = self._byte_count = self._read_count = 0
        self._fault_count = self._cut_count = self._lagged_count = 0
        self._sentences: list[str] = []

    def run(self) -> None:
        """Work until the orders end; raises LoadError when clients cannot come in."""
        while not self._is_over:
            found = self._epoll.poll(1.0)
            for fd, events in found:
                lane = self._lanes.get(fd)
                if lane is not None:
                    self._serve(lane, events)
                elif fd == self._orders_fd:
                    self._read_orders()
            if self._opening is not None:
                self._go_on_opening()
            if len(found) < BUSY_EVENTS:
                time.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Let everybody go."""
        for lane in list(self._lanes.values()):
            self._close(lane)
        self._epoll.close()

    # ---- orders ----

    def _read_orders(self) -> None:
        text = os.read(self._orders_fd, 65_536)
        self._is_over = not text
        *lines, self._text = (self._text + text).split(b"\n")
        for line in lines:
            self._carry_out(_decode_order(line))

    def _carry_out(self, order: plan.Order) -> None:
        began_ns = time.monotonic_ns()
        match order:
            case plan.Open():
                assert self._opening is None, "one order at a time"
                self._opening, self._began_ns = order, began_ns
                self._opened = self._ready = self._asked = 0
                self._last_ready_ns = began_ns
                return
            case plan.Record():
                self._forget()
            case plan.Stop():
                Path(order.file).write_bytes(msgspec.msgpack.encode(self._recorded()))
            case plan.Stall():
                self._stall(order)
            case plan.Cut():
                self._cut(order.group)
            case plan.Tell():
                self._tell_every, self._changes, self._tell_at = order.every, 0, order.every
        self._answer(plan.Done(time.monotonic_ns() - began_ns))

    def _answer(self, answer: plan.Answer) -> None:
        self._answers.write(msgspec.json.encode(answer) + b"\n")
        self._answers.flush()

    def _stall(self, order: plan.Stall) -> None:
        for fd, lane in self._lanes.items():
            if lane.group == order.group:
                self._epoll.modify(fd, _READ if order.is_over else 0)

    def _cut(self, group: str) -> None:
        reset = _LINGER.pack(1, 0)  # At once, and no port is left behind.
        for lane in [lane for lane in self._lanes.values() if lane.group == group]:
            lane.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self._close(lane)

    def _close(self, lane: Lane) -> None:
        del self._lanes[lane.sock.fileno()]
        lane.sock.close()

    # ---- opening ----

    def _go_on_opening(self) -> None:
        order = self._opening
        assert order is not None, "a group is being opened"
        room = order.count if order.at_once else OPENING_MAX
        while self._asked < order.count and self._asked - self._ready < room:
            self._connect(order, self._asked)
            self._asked += 1
        now_ns = time.monotonic_ns()
        if self._ready == order.count:
            self._opening = None
            self._answer(plan.Done(self._last_ready_ns - self._began_ns))
        elif now_ns - self._last_ready_ns > OPENING_PATIENCE_S * NS_PER_S:
            raise LoadError(f"Only {self._ready:,} of {order.count:,} clients have snapshots.")

    def _connect(self, order: plan.Open, number: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if order.is_far:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FAR_RECEIVE_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, FAR_SEGMENT_BYTES)
        sock.connect_ex(("127.0.0.1", self._port))
        self._lanes[sock.fileno()] = Lane(sock, order, number)
        self._epoll.register(sock.fileno(), _WRITE)

    # ---- reading ----

    def _serve(self, lane: Lane, events: int) -> None:
        if events & _WRITE:
            self._epoll.modify(lane.sock.fileno(), _READ)
            lane.sock.send(handshake(self._port))
            return
        try:
            # Into one buffer for all: a new one of this size each time costs more than the reading.
            size, ancillary, _, _ = lane.sock.recvmsg_into([self._buffer], _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(lane, f"A connection broke: {error.strerror}.")
            return
        if not size:
            self._lose(lane, "A connection was closed without a word.")
            return
        data = bytes(self._buffer[:size])
        self._read_count += 1
        self._byte_count += size
        at_ns = time.time_ns()
        for _, kind, stamp in ancillary:
            if kind == _SO_TIMESTAMPNS:
                second, nanosecond = _TIMESPEC.unpack(stamp)
                at_ns = second * NS_PER_S + nanosecond
        received = lane.rest + data if lane.rest else data
        if lane.is_upgraded:
            self._take_frames(lane, received, at_ns)
        else:
            self._upgrade(lane, received, at_ns)

    def _upgrade(self, lane: Lane, received: bytes, at_ns: int) -> None:
        rest = after_handshake(received)
        if rest is None:
            lane.rest = received
            return
        lane.is_upgraded = True
        lane.sock.send(subscription(lane.wishes))
        self._take_frames(lane, rest, at_ns)

    def _take_frames(self, lane: Lane, received: bytes, at_ns: int) -> None:
        frames, lane.rest = split(received)
        for opcode, payload in frames:
            if opcode == TEXT:
                self._take(lane, self._messages.step_of(payload), at_ns)
            elif opcode == PING:
                lane.sock.send(pong(payload))
            elif opcode == CLOSE:
                self._lose(lane, f"A connection was closed: {payload[2:]!r}.")
                return

    def _take(self, lane: Lane, step: Step, at_ns: int) -> None:
        self._message_count += 1
        if not step.channel:
            if step.refusal:
                raise LoadError(f"The broadcaster refused to subscribe: {step.refusal}")
            return
        fault = lane.follower.take(step)
        if fault:
            self._note(fault)
        if step.first:
            if lane.is_timed:
                step.at_ns.append(at_ns)
            if step.is_depth:
                self._count_changes(step.last - step.first + 1)
        else:
            self._take_snapshot(lane, step)

    def _take_snapshot(self, lane: Lane, step: Step) -> None:
        if lane.is_ready:
            self._lagged_count += 1
        elif lane.follower.has_all_snapshots:
            lane.is_ready = True
            self._ready += 1
            self._last_ready_ns = time.monotonic_ns()

    def _count_changes(self, count: int) -> None:
        self._changes += count
        if self._tell_every and self._changes >= self._tell_at:
            self._tell_at = self._changes + self._tell_every
            self._answer(plan.Progress(self._changes))

    def _lose(self, lane: Lane, sentence: str) -> None:
        self._cut_count += 1
        self._note(sentence)
        self._close(lane)
        if not lane.is_ready:
            raise LoadError(sentence)

    def _note(self, sentence: str) -> None:
        self._fault_count += 1
        if len(self._sentences) < SENTENCES_MAX:
            self._sentences.append(sentence)

    # ---- what was recorded ----

    def _recorded(self) -> plan.Recorded:
        elapsed_ns = time.monotonic_ns() - self._recording_since_ns
        ends: dict[str, Counter[int]] = {}
        for lane in self._lanes.values():
            for channel, last in lane.follower.last.items():
                ends.setdefault(channel, Counter())[last] += 1
        return plan.Recorded(
            elapsed_ns=elapsed_ns,
            messages=self._message_count,
            bytes=self._byte_count,
            reads=self._read_count,
            faults=self._fault_count,
            cut=self._cut_count,
            lagged=self._lagged_count,
            sentences=self._sentences,
            arrivals=[
                plan.Arrivals(step.channel, step.first, step.last, step.at_ns.tobytes())
                for step in self._messages.seen
            ],
            ends={channel: dict(counts) for channel, counts in ends.items()},
        )
