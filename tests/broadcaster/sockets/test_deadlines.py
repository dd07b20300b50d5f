"""One connection's clocks, with a given time."""

from broadcaster.sockets.deadlines import (
    ABORT,
    CLOSE_TIMEOUT_S,
    ENDING_MAX_S,
    NO_PONG,
    OPEN_TIMEOUT_S,
    PING,
    PONG_TIMEOUT_S,
    SEND_STALL_MAX_S,
    Deadlines,
)


def opened(phase: float = 0.5) -> Deadlines:
    deadlines = Deadlines(100, phase)
    deadlines.opened(100)
    return deadlines


def test_a_handshake_has_its_time_and_no_more() -> None:
    deadlines = Deadlines(100, 0)
    assert deadlines.due(100 + OPEN_TIMEOUT_S, 0) is None
    assert deadlines.due(100.1 + OPEN_TIMEOUT_S, 0) == ABORT


def test_first_pings_are_spread_and_later_ones_come_at_the_interval() -> None:
    for phase, expected in ((0.1, [2, 22, 42]), (0.9, [18, 38, 58])):
        deadlines, pinged = opened(phase), []
        for second in range(60):
            if deadlines.due(100 + second, 0) == PING:
                pinged.append(second)
                deadlines.ponged()
        assert pinged == expected


def test_a_pong_in_time_keeps_the_connection_and_a_later_one_does_not() -> None:
    answering, silent = opened(0), opened(0)
    for deadlines in (answering, silent):
        assert deadlines.due(100, 0) == PING
    answering.ponged()
    at_s = 100.1 + PONG_TIMEOUT_S
    assert answering.due(at_s, 0) == PING
    assert silent.due(at_s, 0) == NO_PONG


def test_a_socket_that_takes_something_now_and_then_is_not_stalled() -> None:
    deadlines = opened()
    for number in range(10):
        at_s = 100 + number * (SEND_STALL_MAX_S - 1)
        assert deadlines.due(at_s, 10_000 - number) is None
    assert deadlines.due(at_s + SEND_STALL_MAX_S, 10_000 - number) is None
    assert deadlines.due(at_s + SEND_STALL_MAX_S + 1, 10_000 - number) == ABORT


def test_no_pong_is_missed_while_the_ping_is_stuck_behind_what_is_unsent() -> None:
    deadlines = opened(0)
    assert deadlines.due(100, 0) == PING
    assert deadlines.due(101, 500) is None
    assert deadlines.due(125, 400) is None
    assert deadlines.due(126, 0) == PING
    assert deadlines.due(126 + PONG_TIMEOUT_S, 0) == NO_PONG


def test_a_goodbye_that_went_out_has_to_be_answered_soon() -> None:
    deadlines = opened()
    deadlines.leaving(200)
    assert deadlines.due(200 + CLOSE_TIMEOUT_S, 0) is None
    deadlines.leaving(202)
    assert deadlines.due(200.1 + CLOSE_TIMEOUT_S, 0) == ABORT


def test_a_goodbye_that_is_stuck_has_longer_and_then_as_long_as_any() -> None:
    deadlines = opened()
    deadlines.leaving(200)
    assert deadlines.due(199 + ENDING_MAX_S, 5_000) is None
    assert deadlines.due(199 + ENDING_MAX_S + CLOSE_TIMEOUT_S, 0) is None
    stuck = opened()
    stuck.leaving(200)
    assert stuck.due(200.1 + ENDING_MAX_S, 5_000) == ABORT
