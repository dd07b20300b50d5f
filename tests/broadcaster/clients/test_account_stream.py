"""One socket's account stream, pure: snapshots, updates before and after, and no hole."""

import pytest

from broadcaster.clients.account_stream import WAITING_MAX, AccountStream
from shared.feed import Reason


class Wire:
    """What a stream sent and asked for."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.requests: list[Reason] = []
        self.stream = AccountStream(
            self.sent.append, lambda _, reason: self.requests.append(reason)
        )
        self.stream.start()

    def play(self, *steps: str) -> list[str]:
        """`u3` is update 3, `s2` a snapshot at 2; return what was sent, in the same words."""
        for step in steps:
            take = self.stream.update if step[0] == "u" else self.stream.snapshot
            take(int(step[1:]), step.encode())
        return [data.decode() for data in self.sent]


@pytest.mark.parametrize(
    ("steps", "sent", "requests"),
    [
        (["s0", "u1", "u2"], ["s0", "u1", "u2"], 1),
        (["u4", "u5", "s3"], ["s3", "u4", "u5"], 1),
        (["u4", "u5", "s4"], ["s4", "u5"], 1),
        (["u4", "u5", "s5", "u6"], ["s5", "u6"], 1),
        (["u4", "u5", "s9", "u6", "u9", "u10"], ["s9", "u10"], 1),
        (["s3", "u4", "u4", "u3", "u5"], ["s3", "u4", "u5"], 1),
        (["s3", "s8", "u4"], ["s3", "u4"], 1),
        (["s3", "u5"], ["s3"], 2),
        (["s3", "u5", "s4", "u6"], ["s3", "s4", "u5", "u6"], 2),
        (["u5", "s3"], [], 2),
        (["u5", "s3", "s4"], ["s4", "u5"], 2),
    ],
)
def test_updates_follow_a_snapshot_without_a_hole(
    steps: list[str], sent: list[str], requests: int
) -> None:
    wire = Wire()
    assert wire.play(*steps) == sent
    assert len(wire.requests) == requests


def test_a_restart_forgets_what_waited() -> None:
    wire = Wire()
    wire.play("s1", "u2")
    wire.stream.start("resync")
    assert wire.play("u4", "s4", "u5") == ["s1", "u2", "s4", "u5"]
    assert wire.requests == ["", "resync"]


def test_what_waits_is_bounded_and_a_hole_in_it_is_seen() -> None:
    wire = Wire()
    last = WAITING_MAX + 5
    wire.play(*(f"u{sequence}" for sequence in range(1, last + 1)))
    assert wire.play("s2") == [], "updates 3 to 5 were not kept"
    assert wire.requests == ["", "resync"]
    assert wire.play(f"s{last}") == [f"s{last}"]
