"""A breaker refuses at once after a failure, asks by itself, and closes by itself."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared import breaker as breaker_module
from shared.breaker import Breaker, BreakerOpenError, State
from tests.support.deadlines import eventually_async

NEVER_S = 3_600.0


class Patient:
    """Something that may fail, hang, or answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.at_once = 0
        self.at_once_max = 0
        self.fails = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self) -> None:
        self.asked += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            await self.answers.wait()
        finally:
            self.at_once -= 1
        if self.fails:
            raise ConnectionError("it is not there")


def fail(breaker: Breaker) -> None:
    with pytest.raises(ConnectionError), breaker.guard():
        raise ConnectionError("gone")


async def test_after_one_failure_nothing_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", NEVER_S)
    breaker = Breaker("x", Patient().ask)
    fail(breaker)
    for _ in range(3):
        with pytest.raises(BreakerOpenError), breaker.guard():
            pytest.fail("it was let through")
    assert (breaker.state, breaker.opened) == (State.OPEN, 1)
    await breaker.close()


async def test_it_closes_by_itself_when_the_probe_is_answered() -> None:
    patient = Patient()
    breaker = Breaker("x", patient.ask)
    fail(breaker)
    await eventually_async(lambda: breaker.is_closed)
    assert patient.asked == 1
    with breaker.guard():
        pass
    await breaker.close()


async def test_one_probe_is_under_way_at_a_time_and_all_else_is_refused() -> None:
    patient = Patient()
    patient.answers.clear()
    breaker = Breaker("x", patient.ask, probe_timeout_s=0.05)
    fail(breaker)
    await eventually_async(lambda: breaker.state is State.HALF_OPEN)
    with pytest.raises(BreakerOpenError), breaker.guard():
        pytest.fail("a request was the probe")
    breaker.trip("another one that was under way")
    await eventually_async(lambda: patient.asked >= 2)
    assert patient.at_once_max == 1
    assert not breaker.is_closed
    patient.answers.set()
    await eventually_async(lambda: breaker.is_closed)
    await breaker.close()


async def test_a_probe_that_fails_keeps_it_open() -> None:
    patient = Patient()
    patient.fails = True
    breaker = Breaker("x", patient.ask)
    fail(breaker)
    await eventually_async(lambda: patient.asked >= 2)
    assert not breaker.is_closed
    patient.fails = False
    await eventually_async(lambda: breaker.is_closed)
    assert breaker.opened == 1
    await breaker.close()


async def test_other_errors_mean_nothing_here() -> None:
    breaker = Breaker("x", Patient().ask)
    with pytest.raises(KeyError), breaker.guard():
        raise KeyError("a bug, or a business no")
    assert breaker.is_closed


async def test_a_probe_that_fails_in_another_way_ends_no_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 0.01)
    answers = iter((LookupError("it starts up"), LookupError("it starts up"), None))

    async def ask() -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    breaker = Breaker("x", ask, probe_failures=(LookupError,))
    # a use that fails so says nothing of what is behind it
    with pytest.raises(LookupError), breaker.guard():
        raise LookupError("no such thing")
    assert breaker.is_closed
    # but as the answer to a probe it is none
    fail(breaker)
    await eventually_async(lambda: breaker.is_closed)


async def test_what_starts_later_is_no_alarm_until_it_has_answered_once() -> None:
    for is_used in (False, True):
        breaker = Breaker("x", Patient().ask, starts_later=True)
        with capture_logs() as logs:
            if is_used:
                with breaker.guard():
                    pass
            else:
                fail(breaker)
                await breaker._task  # type: ignore[misc]
            fail(breaker)
        told = [(log["event"], log["log_level"]) for log in logs]
        at_first = [] if is_used else [("not_there_yet", "info"), ("breaker_closed", "info")]
        assert told == [*at_first, ("breaker_opened", "warning")]
        await breaker.close()
