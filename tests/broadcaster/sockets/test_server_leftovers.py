"""Ten thousand connections to a real process, cut as networks and bad clients cut them."""

import http.client
import random
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from api.identity.tokens import TokenIssuer, load_or_create_signing_key
from broadcaster.venue.relay import ACCOUNT_READS_MAX
from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.redis_client import connect
from tests.broadcaster.sockets.raw_client import (
    CLOSE,
    RECEIVED_BYTES_MAX,
    RESET_ON_CLOSE,
    TEXT,
    frame,
    request,
    say,
)
from tests.support.deadlines import DEADLINE_S, eventually
from tests.support.fake_engine import venue_with_markets
from tests.support.processes import running_service

CONNECTS = 10_000
FIRST_CONNECTS = 3_000  # By then everything that is made once has been made.
BATCH = 250
ACCOUNTS = 100
LEAK = 2 << 20  # Bytes. 7,000 connections that were kept would be 50 MB, 300 bytes of each are 2.
ROUNDS_MAX = 3  # The allocator may take some megabytes once; what leaks, leaks in every round.
PATHS = ["/ws"] * 20 + ["/ws?ticket=unknown", "/ws?token=x", "/else"]
HALF_HANDSHAKES = WITHOUT_PATIENCE = 0.1  # Of all connects, and of those with a whole request.
READERS = 0.5  # Of those that got in.
CHANNELS = ["depth:TATA_INR", "trades:TATA_INR", "account"]


class Leftovers(NamedTuple):
    """What /metrics says is there."""

    connections: int
    sockets: int
    subscriptions: int
    accounts: int
    descriptors: int


def metrics(port: int) -> dict[str, int]:
    page = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    page.request("GET", "/metrics")
    text = page.getresponse().read().decode()
    page.close()
    found = re.findall(r"^rialto_broadcaster_(\S+) (\d+)$", text, re.MULTILINE)
    return {name: int(value) for name, value in found}


def leftovers(port: int) -> Leftovers:
    now = metrics(port)
    # The page itself comes over one socket.
    return Leftovers(
        now["connections"],
        now["sockets"] - 1,
        now["subscriptions"],
        now["accounts"],
        now["open_descriptors"] - 1,
    )


def is_empty(port: int, descriptors_max: int) -> bool:
    now = leftovers(port)
    assert now[:4] == (0, 0, 0, 0), now
    assert now.descriptors <= descriptors_max, now
    return True


class Crowd:
    """Connects clients in batches and cuts each in a way that the seed decides."""

    def __init__(self, port: int, tokens: list[str], seed: int) -> None:
        self.port, self.tokens, self.random = port, tokens, random.Random(seed)
        self.seen: set[str] = set()
        self.cuts: list[Callable[[socket.socket], None]] = [
            self._reset,
            self._close,
            self._reset_within_a_frame,
            self._close_within_a_frame,
            self._goodbye_without_waiting,
            self._half_close,
        ]

    def come_and_go(self, count: int) -> None:
        for _ in range(0, count, BATCH):
            clients = [self._connect() for _ in range(BATCH)]
            for sock in clients:
                self._begin(sock)
            self.random.shuffle(clients)
            for sock in clients:
                self.random.choice(self.cuts)(sock)
                sock.close()

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)

    def _begin(self, sock: socket.socket) -> None:
        if self.random.random() < HALF_HANDSHAKES:
            head = request()
            sock.sendall(head[: self.random.randrange(len(head))])
            return
        sock.sendall(request(self.random.choice(PATHS)))
        if self.random.random() < WITHOUT_PATIENCE:
            return
        answer = sock.recv(RECEIVED_BYTES_MAX)
        self.seen.add(answer[9:12].decode())
        if b" 101 " in answer:
            sock.sendall(say(op="auth", token=self.random.choice(self.tokens)))
            sock.sendall(say(op="subscribe", channels=self.random.sample(CHANNELS, k=2)))
            if self.random.random() < READERS:
                sock.recv(self.random.choice([1, 100, RECEIVED_BYTES_MAX]))

    def _reset(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _close(self, sock: socket.socket) -> None:
        """Close, with whatever was not read."""

    def _reset_within_a_frame(self, sock: socket.socket) -> None:
        self._close_within_a_frame(sock)
        self._reset(sock)

    def _close_within_a_frame(self, sock: socket.socket) -> None:
        whole = frame(TEXT, b"x" * 200)
        self._send(sock, whole[: self.random.randrange(1, len(whole))])

    def _goodbye_without_waiting(self, sock: socket.socket) -> None:
        self._send(sock, frame(CLOSE, b"\x03\xe8"))

    def _half_close(self, sock: socket.socket) -> None:
        sock.shutdown(socket.SHUT_WR)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        try:
            sock.sendall(data)
        except OSError:
            self.seen.add("refused before it was cut")


def test_ten_thousand_cut_connections_leave_nothing_behind(redis_url: str, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    port, home = choose_port(), tmp_path / "home"
    home.mkdir()
    issuer = TokenIssuer(load_or_create_signing_key(home), lifetime_s=900)
    tokens = [issued_by(issuer, number) for number in range(1, ACCOUNTS + 1)]
    with connect(redis_url) as redis:
        engine = venue_with_markets(redis, Keys("test"), "TATA")
        for number in range(1, ACCOUNTS + 1):
            engine.deposit(number, "INR", 100)
        engine.commit()
    settings = {"redis_url": redis_url, "ws_port": port, "venue": "test"}
    with running_service("broadcaster", home, settings) as service:
        eventually(lambda: is_ready(port))
        # Accounts are read over connections of their own, opened when they are first needed.
        descriptors_max = leftovers(port).descriptors + ACCOUNT_READS_MAX
        assert is_empty(port, descriptors_max)
        crowd = Crowd(port, tokens, seed)
        crowd.come_and_go(FIRST_CONNECTS)
        eventually(lambda: is_empty(port, descriptors_max))
        # Not from /metrics, which may say what was so a second ago.
        process = psutil.Process(service.pid)
        grown_bytes: list[int] = []
        while len(grown_bytes) < ROUNDS_MAX and min(grown_bytes, default=LEAK) >= LEAK:
            memory_bytes = process.memory_info().rss
            crowd.come_and_go(CONNECTS - FIRST_CONNECTS)
            eventually(lambda: is_empty(port, descriptors_max))
            grown_bytes.append(process.memory_info().rss - memory_bytes)
        sys.stdout.write(f"grown by {grown_bytes} bytes; answers {crowd.seen}\n")
        after = metrics(port)
        assert after["sockets_total"] > CONNECTS
        assert after["connections_total"] > CONNECTS / 2
        assert min(grown_bytes) < LEAK
        assert {"101", "400", "401", "404"} <= crowd.seen


def issued_by(issuer: TokenIssuer, account_id: int) -> str:
    return issuer.issue(
        user_id=account_id,
        account_id=account_id,
        role="user",
        audience="rialto",
        session_id=f"session {account_id}",
    )


def is_ready(port: int) -> bool:
    try:
        page = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        page.request("GET", "/ready")
        return page.getresponse().status == 200
    except OSError:
        return False
