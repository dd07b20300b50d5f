"""Deaths of the engine: three at one command halt the venue, and it goes on from there."""

import contextlib
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import Raw

from engine import service
from engine.core.exchange import Exchange
from engine.operations import Refused, resume
from engine.redis_link import RedisLink
from shared.messages import (
    AccountRow,
    CommandReplayed,
    CommandSkipped,
    Deposit,
    Reject,
    SkipCommand,
)
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode
from tests.support.venue import Venue

ALICE = 1


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        yield venue


def deposit(account_id: int, asset: str, amount_atoms: int, key: str = "") -> Deposit:
    return Deposit(
        account_id=account_id, asset=asset, amount_atoms=amount_atoms, idempotency_key=key
    )


class Bug(Exception):
    pass


def poison(monkeypatch: pytest.MonkeyPatch, amount_atoms: int) -> None:
    """From now on a deposit of that amount makes the core raise."""
    apply = Exchange.apply

    def apply_or_raise(self: Exchange, command: object, **stamps: object) -> object:
        if isinstance(command, Deposit) and command.amount_atoms == amount_atoms:
            raise Bug(amount_atoms)
        return apply(self, command, **stamps)  # type: ignore[arg-type]

    monkeypatch.setattr(Exchange, "apply", apply_or_raise)


def test_the_third_death_at_one_command_halts_and_skipping_it_goes_on(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.journal(deposit(ALICE, "INR", 5), deposit(ALICE, "INR", 666), deposit(ALICE, "INR", 7))
    poison(monkeypatch, 666)
    for death in range(3):
        assert isinstance(venue.engine().die_at(), Bug), f"death {death + 1}"
    halted = venue.engine().run_until_idle()
    assert "3 times at journal entry 7" in halted.store.halt_reason()
    assert venue.meta("position") == "6", "what stood before the deadly entry is committed"
    assert skip(venue, 7) == 9
    venue.engine().run_until_idle()
    assert venue.redis.hget(venue.keys.balances, "1:INR") == b"12 0"
    skipped = venue.events()[6]
    assert skipped.n == 7
    assert isinstance(skipped.events[0], CommandSkipped)


def skip(venue: Venue, n: int) -> int:
    command = SkipCommand(skip_n=n, idempotency_key=f"skip-{n}")
    keys = [venue.keys.n, venue.keys.journal, venue.keys.meta, venue.keys.attempts]
    payload = encode(Envelope(WIRE_VERSION, NOBODY, 0, Raw(encode(command))))
    answer = venue.engine().link.run("skip", keys, [n, payload])
    assert isinstance(answer, int)
    return answer


def test_a_skipped_command_does_not_come_back_with_a_retry(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.journal(deposit(ALICE, "INR", 666, "deadly"))
    poison(monkeypatch, 666)
    for _ in range(3):
        venue.engine().die_at()
    venue.engine().run_until_idle()
    assert skip(venue, 6)
    venue.journal(deposit(ALICE, "INR", 666, "deadly"))
    monkeypatch.undo()
    venue.engine().run_until_idle()
    result = venue.result(ALICE, "deadly")
    assert result is not None
    assert (result.n, result.code) == (6, Reject.COMMAND_SKIPPED)
    assert not venue.redis.hexists(venue.keys.balances, "1:INR")
    assert isinstance(venue.events()[-1].events[0], CommandReplayed)


def test_a_resumed_venue_tries_the_entry_again(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.journal(deposit(ALICE, "INR", 666))
    poison(monkeypatch, 666)
    for _ in range(3):
        venue.engine().die_at()
    venue.engine().run_until_idle()
    monkeypatch.undo()
    resume(venue.engine().link, venue.keys)
    with pytest.raises(Refused, match="not halted"):
        resume(venue.engine().link, venue.keys)
    venue.engine().run_until_idle()
    assert venue.redis.hget(venue.keys.balances, "1:INR") == b"666 0"


def test_only_the_entry_at_hand_of_a_halted_venue_can_be_skipped(venue: Venue) -> None:
    venue.engine().run_until_idle()
    venue.journal(deposit(ALICE, "INR", 5), deposit(ALICE, "INR", 6))
    assert skip(venue, 6) == 0, "an engine may be carrying it out"
    engine = venue.engine()
    assert engine.store.acquire()
    engine.store.halt("for a test", 6)
    assert skip(venue, 7) == 0
    assert skip(venue, 5) == 0
    assert skip(venue, 6) == 8


def test_what_a_working_engine_may_have_read_ahead_cannot_be_skipped(venue: Venue) -> None:
    venue.engine().run_until_idle()
    venue.journal(*(deposit(ALICE, "INR", 1) for _ in range(4)))
    answers: list[int] = []

    def doubt_and_skip(step: str) -> None:
        if step == "sent" and not answers:
            venue.redis.hset(venue.keys.attempts, mapping={"n": 7, "count": 3})
            operator = venue.engine().link
            operator.run("doubt", [venue.keys.meta], ["the standby disagrees"])
            answers.append(skip(venue, int(venue.meta("position")) + 1))

    venue.engine(batch_max=1, at_step=doubt_and_skip).run_until_idle()
    assert answers == [0]
    assert venue.meta("halt") == "the standby disagrees"


@pytest.mark.parametrize("step", ["sent", "loaded"])
def test_a_halt_that_is_lifted_before_it_is_noticed_makes_the_engine_load_anew(
    venue: Venue, step: str
) -> None:
    venue.journal(*(deposit(ALICE, "INR", 1) for _ in range(6)))
    steps: list[str] = []

    def halt_and_resume(name: str) -> None:
        steps.append(name)
        if steps.count(step) == 1 and name == step:
            operator = venue.engine().link
            operator.run("doubt", [venue.keys.meta], ["the standby disagrees"])
            put_right(venue)
            resume(operator, venue.keys)
            engine.service._beat_due_s = 0.0

    engine = venue.engine(batch_max=1, at_step=halt_and_resume)
    engine.run_until_idle()
    assert steps.count("loaded") == 2
    assert engine.service.exchange.state.ledger.accounts[7].tier == 2


def put_right(venue: Venue) -> None:
    """Change a row by hand, as an operator may while the venue is halted."""
    venue.redis.hset(venue.keys.accounts, "7", encode(AccountRow(1, tier=2)))


def test_a_halt_and_its_end_while_the_rows_are_read_make_the_engine_load_anew(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, loads, restore = venue.engine(), [0], Exchange.restore

    def restore_late(*arguments: Any) -> Exchange:
        loads[0] += 1
        if loads[0] == 1:
            operator = venue.engine().link
            operator.run("doubt", [venue.keys.meta], ["the standby disagrees"])
            resume(operator, venue.keys)
        return restore(*arguments)

    monkeypatch.setattr(Exchange, "restore", restore_late)
    engine.run_until_idle()
    assert loads == [2]


def test_a_halted_venue_takes_no_commands(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    engine.store.halt("for a test", 1)
    with pytest.raises(AssertionError, match="HALTED"):
        venue.journal(deposit(ALICE, "INR", 5))


def test_an_engine_that_was_killed_twice_goes_on_in_single_steps(venue: Venue) -> None:
    for _ in range(2):
        with pytest.raises(Bug):
            venue.engine(at_step=_raise_at("applied")).run_until_idle()
    venue.engine().run_until_idle()
    assert venue.meta("position") == "5"
    assert len(list(venue.batches())) == 5, "each entry was a commit of its own"


def test_being_killed_with_nothing_at_hand_counts_for_nothing(venue: Venue) -> None:
    venue.engine().run_until_idle()
    for _ in range(4):
        venue.journal(deposit(ALICE, "INR", 5))
        with pytest.raises(Bug):
            venue.engine(at_step=_raise_at("loaded")).run_until_idle()
    venue.engine().run_until_idle()
    assert len(list(venue.batches())) == 2


def test_a_halted_engine_loads_nothing_until_it_goes_on_and_then_once(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HALT_POLL_S", 0.0)
    operator = RedisLink(venue.url)
    operator.open()
    operator.run("doubt", [venue.keys.meta], ["the standby disagrees"])
    working, asked = venue.engine(), [0]
    steps: list[str] = []

    def should_stop() -> bool:
        asked[0] += 1
        if asked[0] == 10:
            assert steps == ["acquired"], "it waits before it loads"
            resume(operator, venue.keys)
        return asked[0] > 10 and working.is_idle()

    working.service._should_stop = should_stop
    working.service._at_step = steps.append
    working.run_until_idle()
    operator.close()
    assert steps.count("loaded") == 1
    assert venue.meta("position") == "5"


def test_an_engine_that_loads_again_has_let_go_of_what_it_knew(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = Exchange.restore
    known: list[weakref.ref[object]] = []

    def restore_alone(*arguments: Any) -> Exchange:
        gc.collect()
        assert all(old() is None for old in known)
        exchange = restore(*arguments)
        known.append(weakref.ref(exchange.state))
        return exchange

    monkeypatch.setattr(Exchange, "restore", restore_alone)
    working = venue.engine()
    assert working.store.acquire()
    for _ in range(2):
        working.service._begin()
    assert len(known) == 2
    working.link.close()


def test_a_death_before_the_rows_are_loaded_is_counted_nowhere(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.engine().run_until_idle()
    n = venue.journal(deposit(ALICE, "INR", 5))
    suspect = {b"n": str(n).encode(), b"count": b"2"}
    venue.redis.hset(venue.keys.attempts, mapping=suspect)  # type: ignore[arg-type]

    def restore(*_arguments: object) -> Exchange:
        raise MemoryError

    monkeypatch.setattr(Exchange, "restore", restore)
    assert isinstance(venue.engine().die_at(), MemoryError)
    assert venue.redis.hgetall(venue.keys.attempts) == suspect


def _raise_at(step: str) -> Callable[[str], None]:
    def at_step(name: str) -> None:
        if name == step:
            raise Bug(name)

    return at_step
