"""The standby takes over with exactly what was committed, or leaves it to the rows.

The rule of this file: a memory in doubt is given up; only a difference that it can vouch for halts
the venue.
"""

from dataclasses import replace

import msgspec
import pytest

from engine import follower
from engine.batch import Applier
from engine.core.exchange import Exchange, Limits
from engine.rows import DATA_VERSION, OLDEST_DATA_VERSION
from engine.watch import FOLLOWING, StandbyNote
from shared.messages import Deposit
from tests.engine import test_standby
from tests.engine.test_standby import ROUND_TURNS, halt_of, order, trade
from tests.support.standbys import WatchingStandby
from tests.support.venue import Venue

no_pauses, venue, watching = test_standby.no_pauses, test_standby.venue, test_standby.watching


def test_it_takes_over_with_exactly_what_was_committed(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    engine = venue.engine()
    exchange = watching.standby.take_over(engine.store.meta(), lambda: None)
    assert exchange is not None
    _meta, rows = engine.store.load()
    assert exchange.state_hash() == Exchange.restore(rows).state_hash()
    assert exchange.n == int(venue.meta("position"))
    engine.link.close()


def test_it_does_not_take_over_with_another_chain(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    venue.redis.hset(venue.keys.meta, "chain", "00" * 32)
    assert watching.standby.take_over(venue.engine().store.meta(), lambda: None) is None
    assert "chain" in halt_of(venue)


def test_it_does_not_take_over_what_it_cannot_follow(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    venue.redis.xtrim(venue.keys.events, maxlen=0)
    assert watching.standby.take_over(venue.engine().store.meta(), lambda: None) is None
    assert halt_of(venue) == ""


def work_with_other_limits(venue: Venue) -> None:
    """Let an engine that remembers two keys work and end; an engine of ours has the lease then."""
    other = venue.engine(limits=Limits(idempotency_keys_max=2))
    other.store._lease = replace(other.store._lease, program="other limits")
    venue.journal(
        *(
            Deposit(account_id=1, asset="INR", amount_atoms=1, idempotency_key=f"other-{number}")
            for number in range(4)
        )
    )
    other.run_until_idle()
    ours = venue.engine()
    assert ours.store.acquire()
    ours.store.release()
    ours.link.close()


def test_it_does_not_take_over_after_an_engine_with_other_limits(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    work_with_other_limits(venue)
    assert watching.standby.take_over(venue.engine().store.meta(), lambda: None) is None
    assert halt_of(venue) == ""


def test_it_loads_again_after_an_engine_with_other_limits(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    work_with_other_limits(venue)
    watching.turns(ROUND_TURNS)
    follower = watching.standby._follower
    assert follower is not None
    assert len(follower.exchange.state.window) == venue.redis.hlen(venue.keys.results) == 2
    assert halt_of(venue) == ""


@pytest.mark.parametrize("version", [DATA_VERSION + 1, OLDEST_DATA_VERSION - 1])
def test_it_does_not_take_over_rows_of_another_version(
    venue: Venue, watching: WatchingStandby, version: int
) -> None:
    trade(venue, 0)
    watching.turns()
    venue.redis.hset(venue.keys.meta, "version", version)
    assert watching.standby.take_over(venue.engine().store.meta(), lambda: None) is None
    assert halt_of(venue) == ""


def test_a_row_that_was_put_right_during_a_halt_is_no_difference(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    venue.redis.hset(venue.keys.meta, "halt", "the engine died 3 times")
    venue.redis.hdel(venue.keys.results, "1:first")
    watching.link.run("resume", [venue.keys.meta, venue.keys.attempts], [])
    watching.turns(ROUND_TURNS)
    assert halt_of(venue) == ""
    meta = venue.engine().store.meta()
    watching.link.run("doubt", [venue.keys.meta], ["a reason"])
    watching.link.run("resume", [venue.keys.meta, venue.keys.attempts], [])
    assert watching.standby.take_over(meta, lambda: None) is None


def test_a_standby_that_is_short_of_memory_halts_nobody(
    venue: Venue, watching: WatchingStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)

    def apply(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Applier, "apply", apply)
    with pytest.raises(MemoryError):
        watching.turns()
    assert halt_of(venue) == ""


def test_a_name_that_a_client_has_chosen_makes_nobody_read_ahead(
    venue: Venue, watching: WatchingStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(venue, 0)
    watching.turns()
    monkeypatch.setattr(follower, "skipped_numbers", None)
    venue.journal(msgspec.structs.replace(order(1), client_order_id="command_skipped"))
    venue.engine().run_until_idle()
    watching.turns()
    assert watching.standby.position == int(venue.meta("position"))


def test_a_standby_that_ends_leaves_the_note_of_another(
    venue: Venue, watching: WatchingStandby
) -> None:
    venue.engine().run_until_idle()
    watching.turns()
    other = StandbyNote(owner="another", state=FOLLOWING)
    watching.watch.write_note(other)
    watching.standby.close()
    assert watching.watch.note() == other
