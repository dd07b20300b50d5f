"""The ticker: whether and when the engine asks for time to pass."""

import contextlib
from collections.abc import Iterator

import pytest

from engine.entries import Entry, decode_entry
from engine.ticker import NS_PER_MS, TICK_INTERVAL_MIN_NS, Ticker
from shared.messages import VENUE_ACCOUNT_ID, Tick
from shared.wire import NOBODY
from tests.support.venue import Venue

NOW_NS = 1_700_000_000_000_000_000
MOST_MS = 500


@pytest.fixture
def venue(redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(redis_url)) as venue:
        venue.seed()
        yield venue


class Journal:
    """Takes what is appended, or does not."""

    def __init__(self) -> None:
        self.takes = True
        self.payloads: list[bytes] = []

    def append(self, payload: bytes) -> bool:
        self.payloads.append(payload)
        return self.takes


def test_a_due_timer_makes_one_tick_of_the_venue_for_which_nobody_waits() -> None:
    journal = Journal()
    Ticker(journal.append).tick_if_due(NOW_NS, 7, NOW_NS)
    [payload] = journal.payloads
    decoded = decode_entry(Entry(8, NOW_NS, payload))
    assert decoded.command == Tick()
    assert (decoded.command.account_id, decoded.command.idempotency_key) == (VENUE_ACCOUNT_ID, "")
    assert decoded.gateway == NOBODY


def test_no_timer_and_a_later_one_make_no_tick() -> None:
    journal = Journal()
    ticker = Ticker(journal.append)
    ticker.tick_if_due(0, 7, NOW_NS)
    ticker.tick_if_due(NOW_NS + 1, 7, NOW_NS)
    assert not journal.payloads


def test_while_a_tick_waits_in_the_journal_there_is_no_second_one() -> None:
    journal = Journal()
    ticker = Ticker(journal.append)
    for after in range(4):
        ticker.tick_if_due(NOW_NS, 7, NOW_NS + after * TICK_INTERVAL_MIN_NS)
    assert len(journal.payloads) == 1


def test_a_tick_that_came_too_early_is_repeated_after_a_moment() -> None:
    journal = Journal()
    ticker = Ticker(journal.append)
    ticker.tick_if_due(NOW_NS, 7, NOW_NS)
    ticker.tick_if_due(NOW_NS, 8, NOW_NS + TICK_INTERVAL_MIN_NS - 1)
    assert len(journal.payloads) == 1
    ticker.tick_if_due(NOW_NS, 8, NOW_NS + TICK_INTERVAL_MIN_NS)
    assert len(journal.payloads) == 2


def test_a_tick_that_the_journal_refuses_is_tried_again_after_a_moment() -> None:
    journal = Journal()
    ticker = Ticker(journal.append)
    journal.takes = False
    ticker.tick_if_due(NOW_NS, 7, NOW_NS)
    ticker.tick_if_due(NOW_NS, 7, NOW_NS + TICK_INTERVAL_MIN_NS)
    assert len(journal.payloads) == 2


def test_a_clock_that_was_set_back_stops_no_tick() -> None:
    journal = Journal()
    ticker = Ticker(journal.append)
    ticker.tick_if_due(NOW_NS, 7, NOW_NS)
    earlier_ns = NOW_NS - 3_600_000_000_000
    ticker.tick_if_due(earlier_ns, 8, earlier_ns)
    assert len(journal.payloads) == 2
    assert ticker.wait_ms(earlier_ns, earlier_ns - 5, most_ms=MOST_MS) < MOST_MS


def test_the_read_never_sleeps_past_a_due_timer() -> None:
    ticker = Ticker(Journal().append)
    assert ticker.wait_ms(0, NOW_NS, most_ms=MOST_MS) == MOST_MS
    assert ticker.wait_ms(NOW_NS + 10**12, NOW_NS, most_ms=MOST_MS) == MOST_MS
    assert ticker.wait_ms(NOW_NS + 3 * NS_PER_MS - 1, NOW_NS, most_ms=MOST_MS) == 3
    assert ticker.wait_ms(NOW_NS - 1, NOW_NS, most_ms=MOST_MS) == 1


def test_a_repeated_tick_is_waited_for_and_not_spun_for() -> None:
    ticker = Ticker(Journal().append)
    ticker.tick_if_due(NOW_NS, 7, NOW_NS)
    assert ticker.wait_ms(NOW_NS, NOW_NS, most_ms=MOST_MS) == TICK_INTERVAL_MIN_NS // NS_PER_MS


def test_the_journal_takes_an_entry_of_the_engine_only_when_no_other_waits(venue: Venue) -> None:
    engine = venue.engine().run_until_idle()
    engine.link.open()
    Ticker(engine.store.append).tick_if_due(1, engine.service.exchange.n, NOW_NS)
    waiting = int(venue.redis.get(venue.keys.n) or 0)
    assert waiting == engine.service.exchange.n + 1
    assert not engine.store.append(b"another")
    assert int(venue.redis.get(venue.keys.n) or 0) == waiting
    engine.link.close()
