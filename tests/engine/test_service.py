"""The engine's service on a real Redis: what it commits, when it speaks, how it begins again."""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from redis.exceptions import ResponseError

from engine import batch as batch_module
from engine.core import invariants
from engine.core.exchange import Exchange, Limits
from engine.rows import DATA_VERSION, OLDEST_DATA_VERSION, OtherVersion, Program
from engine.store import Commit, Fenced
from engine.watch import FOLLOWING, StandbyNote
from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CommandReplayed,
    Deposit,
    Event,
    Order,
    OrderStatus,
    PlaceOrder,
    Reject,
    Side,
    UnreadableCommand,
)
from shared.wire import (
    PAYLOAD_SIZE_MAX,
    Reply,
    TradeRow,
    decode,
    decode_batch,
)
from tests.support.deadlines import DEADLINE_S
from tests.support.venue import LEASE_TTL_MS, Venue, as_bytes

ALICE, BOB = 1, 2


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        yield venue


def deposit(account_id: int, asset: str, amount_atoms: int, key: str = "") -> Deposit:
    return Deposit(
        account_id=account_id, asset=asset, amount_atoms=amount_atoms, idempotency_key=key
    )


def limit(account_id: int, side: Side, lots: int, ticks: int, key: str = "") -> PlaceOrder:
    return PlaceOrder(
        account_id=account_id,
        market="TATA_INR",
        side=side,
        quantity_lots=lots,
        price_ticks=ticks,
        idempotency_key=key,
        client_order_id=key,
    )


def trade_of_ten(venue: Venue) -> None:
    """Alice sells ten at 100 ticks, Bob buys four of them."""
    venue.journal(
        deposit(ALICE, "TATA", 10),
        deposit(BOB, "INR", 100_000),
        limit(ALICE, Side.SELL, 10, 100, "sell"),
        limit(BOB, Side.BUY, 4, 120, "buy"),
    )


def restored(venue: Venue) -> Exchange:
    _meta, rows = venue.engine().store.load()
    exchange = Exchange.restore(rows)
    invariants.check(exchange)
    return exchange


def test_an_order_is_answered_from_committed_rows(venue: Venue) -> None:
    trade_of_ten(venue)
    venue.engine().run_until_idle()
    result = venue.result(BOB, "buy")
    assert result is not None
    assert result.order is not None
    assert (result.code, result.order.status) == (None, OrderStatus.FILLED)
    assert [(fill.trade_id, fill.price_ticks) for fill in result.fills] == [(1, 100)]
    sold = venue.result(ALICE, "sell")
    assert sold is not None
    assert sold.order is not None
    assert sold.order.filled_lots == 0, "an answer shows the order as it stood right after"


def test_the_rows_say_what_the_exchange_says(venue: Venue) -> None:
    trade_of_ten(venue)
    venue.engine().run_until_idle()
    redis, keys = venue.redis, venue.keys
    assert redis.hget(keys.balances, "2:INR") == b"98000 0"  # 4 lots at 100 ticks of 5 paise
    assert redis.hget(keys.balances, "1:TATA") == b"0 6"
    assert redis.hgetall(keys.depth("TATA_INR")) == {b"a100": b"6"}
    [row] = redis.lrange(keys.trades("TATA_INR"), 0, -1)
    trade = decode(as_bytes(row), TradeRow)
    assert (trade.trade_id, trade.quantity_lots, trade.taker_side) == (1, 4, Side.BUY)
    [open_row] = redis.hgetall(keys.open_orders(ALICE)).values()
    assert decode(as_bytes(open_row), Order).filled_lots == 4
    [closed_row] = redis.hgetall(keys.closed).values()
    assert decode(as_bytes(closed_row), Order).status is OrderStatus.FILLED
    assert not redis.hgetall(keys.open_orders(BOB))


def test_a_level_that_empties_leaves_the_depth_row(venue: Venue) -> None:
    trade_of_ten(venue)
    venue.journal(limit(BOB, Side.BUY, 6, 100))
    venue.engine().run_until_idle()
    assert venue.redis.hgetall(venue.keys.depth("TATA_INR")) == {}


@pytest.mark.parametrize("batch_max", [1, 2, 3, 512])
def test_events_are_numbered_without_a_hole_however_batches_are_cut(
    venue: Venue, batch_max: int
) -> None:
    trade_of_ten(venue)
    venue.journal(
        CancelOrder(account_id=ALICE, client_order_id="sell", idempotency_key="c"),
        CancelOrder(account_id=ALICE, client_order_id="sell", idempotency_key="c"),
        AmendOrder(account_id=ALICE, order_id=99, quantity_lots=1),
    )
    venue.engine(batch_max=batch_max).run_until_idle()
    events = [event for applied in venue.events() for event in applied.events]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [applied.n for applied in venue.events()] == list(range(1, 13))
    assert len(list(venue.batches())) == -(-12 // batch_max)


def test_a_restart_after_every_entry_ends_in_the_same_state(venue: Venue) -> None:
    trade_of_ten(venue)
    venue.engine().run_until_idle()
    whole = restored(venue).state_hash()
    with contextlib.closing(Venue(venue.url, "other")) as other:
        other.seed()
        other.engine().run_until_idle()
        for command in (
            deposit(ALICE, "TATA", 10),
            deposit(BOB, "INR", 100_000),
            limit(ALICE, Side.SELL, 10, 100, "sell"),
            limit(BOB, Side.BUY, 4, 120, "buy"),
        ):
            other.journal(command)
            other.engine().run_until_idle()
        assert restored(other).state_hash() == whole


def test_a_repeated_key_is_answered_not_executed(venue: Venue) -> None:
    venue.journal(deposit(ALICE, "INR", 500, "d1"))
    venue.engine().run_until_idle()
    venue.journal(deposit(ALICE, "INR", 500, "d1"), deposit(ALICE, "INR", 700, "d1"))
    venue.engine().run_until_idle()
    assert venue.redis.hget(venue.keys.balances, "1:INR") == b"500 0"
    repeat, other = (applied.events[0] for applied in venue.events()[-2:])
    assert isinstance(repeat, CommandReplayed)
    assert repeat.original_n == 6
    assert getattr(other, "code", None) is Reject.IDEMPOTENCY_MISMATCH
    result = venue.result(ALICE, "d1")
    assert result is not None
    assert (result.n, result.code) == (6, None)


def test_the_oldest_keys_are_forgotten_beyond_the_limit(venue: Venue) -> None:
    venue.journal(*[deposit(ALICE, "INR", 1, f"d{i}") for i in range(5)])
    venue.engine(limits=Limits(idempotency_keys_max=3)).run_until_idle()
    assert [venue.result(ALICE, f"d{i}") is not None for i in range(5)] == [0, 0, 1, 1, 1]
    assert venue.redis.hlen(venue.keys.results) == 3


def test_unreadable_entries_are_set_aside_and_the_engine_goes_on(venue: Venue) -> None:
    garbage = [b"", b"\xff" * 40, b"\x94\x01\xa0\x00\x91\xa4nope", b"\x94\x02\xa0\x00\xc0"]
    garbage += [b"\x94\x01\xa2\xff\xfe\x00\xc0", b"x" * (PAYLOAD_SIZE_MAX + 1)]
    venue.journal_bytes(*garbage)
    venue.journal(deposit(ALICE, "INR", 5))
    venue.engine().run_until_idle()
    events = [applied.events[0] for applied in venue.events()][5:]
    assert [type(event) for event in events[:6]] == [UnreadableCommand] * 6
    kept = [payload[:PAYLOAD_SIZE_MAX] for payload in garbage]
    assert venue.redis.lrange(venue.keys.dead, 0, -1) == kept[::-1]
    assert venue.meta("unreadable") == "6"
    assert venue.redis.hget(venue.keys.balances, "1:INR") == b"5 0"


def test_a_commit_may_have_more_rows_than_redis_takes_arguments(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    program = Program()
    pairs = 600_000  # Redis 6.2 cuts a connection at 1,048,576 arguments.
    program.write("HSET", "{test}:big", [text for i in range(pairs) for text in (str(i), "x")])
    engine.store.start_commit(Commit(0, 1, 1, b"events", program), first=[], ahead_max=0)
    engine.store.finish_commit()
    assert venue.redis.hlen("{test}:big") == pairs


def test_a_batch_ends_when_its_events_are_large(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "EVENTS_SIZE_MAX", 100)
    trade_of_ten(venue)
    venue.engine().run_until_idle()
    assert len(list(venue.batches())) > 3
    assert [applied.n for applied in venue.events()] == list(range(1, 10))
    assert venue.result(BOB, "buy") is not None


def test_with_full_memory_the_engine_lives_and_the_accepted_drains(redis_url: str) -> None:
    with contextlib.closing(Venue(redis_url)) as venue:
        if int(venue.redis.info("server")["redis_version"].split(".")[0]) < 7:
            pytest.skip("Before Redis 7 a script cannot ask for memory that is not there.")
        venue.seed()
        venue.journal(deposit(ALICE, "INR", 5))
        venue.redis.config_set("maxmemory", 1)
        try:
            venue.engine(batch_max=2).run_until_idle()
            venue.engine().run_until_idle()
            with pytest.raises(ResponseError, match="maxmemory"):
                venue.journal(deposit(ALICE, "INR", 5))
        finally:
            venue.redis.config_set("maxmemory", 0)
        assert venue.meta("position") == "6"


def test_the_lease_is_kept_while_many_rows_load(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    asked: list[int] = []
    engine.store.load(lambda: asked.append(venue.redis.pttl(venue.keys.lease)))
    assert len(asked) > 5, "between pages somebody may beat"


def test_replies_and_events_are_published_only_after_the_commit(venue: Venue) -> None:
    with venue.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        channels = (venue.keys.events_channel, venue.keys.reply_channel("gateway"))
        pubsub.subscribe(*channels)
        for _ in channels:
            assert pubsub.get_message(timeout=DEADLINE_S) is None  # Subscribed, and heard so.
        committed_before: list[str] = []

        def at_step(name: str) -> None:
            if name == "committed":
                while message := pubsub.get_message():
                    committed_before.append(str(message["type"]))

        venue.journal(deposit(ALICE, "INR", 5, "d"), gateway="gateway")
        venue.engine(at_step=at_step).run_until_idle()
        assert committed_before == [], "nothing was said before the commit"
        heard = [pubsub.get_message(timeout=DEADLINE_S) for _ in channels]
        said = {message["channel"].decode(): message["data"] for message in heard if message}
    [reply] = decode(said[venue.keys.reply_channel("gateway")], list[Reply])
    assert (reply.request_id, reply.n) == (1, 6)
    assert reply.result == venue.result(ALICE, "d")
    assert decode_batch(said[venue.keys.events_channel]) == venue.events()


def test_a_fenced_engine_writes_nothing(venue: Venue) -> None:
    def takeover(name: str) -> None:
        if name == "applied":
            assert venue.engine(owner="same").store.acquire()

    old = venue.engine(owner="same", at_step=takeover)
    with pytest.raises(Fenced, match="epoch"):
        old.run_until_idle()
    assert not list(venue.batches())
    venue.engine(owner="same").run_until_idle()
    assert [applied.n for applied in venue.events()] == [1, 2, 3, 4, 5]


def test_after_long_work_the_lease_is_longer_by_half_of_it(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    commit = Commit(0, 1, 1, b"events", Program(), work_ms=2_000_000)
    engine.store.start_commit(commit, first=[], ahead_max=0)
    engine.store.finish_commit()
    assert 900_000 < venue.redis.pttl(venue.keys.lease) <= 1_000_000 + LEASE_TTL_MS
    engine.store.beat()
    assert venue.redis.pttl(venue.keys.lease) <= LEASE_TTL_MS, "a beat of no work is as ever"
    engine.link.close()


def test_a_second_engine_stands_by_while_the_first_holds_the_lease(venue: Venue) -> None:
    first = venue.engine(owner="first")
    assert first.store.acquire()
    assert not venue.engine(owner="second").store.acquire()
    first.store.release()
    assert venue.engine(owner="second").store.acquire()


@pytest.mark.parametrize(("version", "sentence"), [(99, "a newer Rialto"), (1, "an older Rialto")])
def test_data_of_another_version_is_refused(venue: Venue, version: int, sentence: str) -> None:
    venue.engine().run_until_idle()
    venue.redis.hset(venue.keys.meta, "version", version)
    venue.redis.hset(venue.keys.accounts, str(ALICE), "5")  # A row that could be misread.
    venue.journal(deposit(ALICE, "INR", 5))
    with pytest.raises(OtherVersion, match=sentence):
        venue.engine().run_until_idle()


def test_data_of_the_version_before_are_opened_and_become_our_own(venue: Venue) -> None:
    engine = venue.engine()
    venue.journal(deposit(ALICE, "INR", 5))
    engine.run_until_idle()
    venue.redis.hset(venue.keys.meta, "version", OLDEST_DATA_VERSION)
    venue.journal(deposit(ALICE, "INR", 5))
    venue.engine().run_until_idle()
    assert venue.meta("version") == str(DATA_VERSION)
    assert venue.meta("position") == str(venue.redis.xlen(venue.keys.journal))


def test_a_working_engine_ends_its_work_at_a_beat_that_tells_of_a_halt(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    assert engine.service._begin()
    engine.service.turn()
    engine.service._settle()
    assert not engine.store.beat()
    venue.redis.hset(venue.keys.meta, "halt", "the standby disagrees")
    engine.service._beat()
    assert engine.service._is_halted
    engine.link.close()


def test_an_engine_waits_a_lease_for_a_standby_that_is_ready(venue: Venue) -> None:
    engine = venue.engine(owner="first")
    note = StandbyNote(owner="second", state=FOLLOWING)
    venue.redis.set(venue.keys.standby, msgspec.json.encode(note))
    assert engine.store.is_stood_by()
    assert not venue.engine(owner="second").store.is_stood_by()
    engine.run_until_idle()
    assert venue.meta("owner") == "first", "nobody took over, so it did"
    venue.redis.set(venue.keys.standby, b"{")
    assert not venue.engine(owner="first").store.is_stood_by()


def test_the_next_batch_is_applied_before_the_commit_of_the_last_is_answered(venue: Venue) -> None:
    steps: list[str] = []
    venue.journal(deposit(ALICE, "INR", 5))
    venue.engine(batch_max=3, at_step=steps.append).run_until_idle()
    assert [name for name in steps if name in ("applied", "sent", "committed")] == [
        "applied", "sent", "applied", "committed", "sent", "committed",
    ]  # fmt: skip
    assert venue.redis.hget(venue.keys.balances, "1:INR") == b"5 0"


def test_a_commit_on_its_way_is_answered_before_a_death_is_counted(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Exchange.apply

    def apply(self: Exchange, command: Command, **where: Any) -> list[Event]:
        assert where["n"] != 6, "a bug in the exchange"
        return sound(self, command, **where)

    monkeypatch.setattr(Exchange, "apply", apply)
    venue.journal(deposit(ALICE, "INR", 5))
    assert isinstance(venue.engine(batch_max=5).die_at(), AssertionError)
    assert venue.meta("position") == "5"
    assert venue.redis.hget(venue.keys.attempts, "n") == b"6"


def test_a_server_that_lost_its_scripts_still_takes_the_commit(venue: Venue) -> None:
    def forget(name: str) -> None:
        if name == "applied":
            venue.redis.script_flush()

    venue.engine(at_step=forget).run_until_idle()
    assert [applied.n for applied in venue.events()] == [1, 2, 3, 4, 5]
