"""Trades and entries come once each, in order; what is missing is counted."""

from random import Random, SystemRandom
from typing import Any

import msgspec
import pytest

from rialto.client.feed.keeper import NotLiveError
from rialto.client.feed.tails import KEPT_MAX, LogKeeper, TradesKeeper
from shared.feed import Entry, LogEntry, LogSnapshot, RecentTrade, Trade, TradesSnapshot
from tests.support.feed_streams import mutants

CHANNEL = "trades:TATA_INR"
MESSAGES = 20


def trade(trade_id: int) -> Trade:
    return Trade(
        channel=CHANNEL,
        market="TATA_INR",
        trade_id=trade_id,
        price="100",
        quantity="1",
        side="buy",
        at_ns=trade_id,
    )


def snapshot(last: int, count: int, **more: Any) -> TradesSnapshot:
    """Return the snapshot that has `count` trades up to `last`."""
    trades = [
        RecentTrade(number, "100", "1", "buy", number) for number in range(last, last - count, -1)
    ]
    return TradesSnapshot(
        channel=CHANNEL, market="TATA_INR", last_trade_id=last, trades=trades, **more
    )


def kept(*updates: Trade | TradesSnapshot) -> TradesKeeper:
    trades = TradesKeeper(CHANNEL)
    for update in updates:
        trades.take(update)
    return trades


def ids(trades: TradesKeeper) -> list[int]:
    return [each.trade_id for each in trades.trades]


def fresh(trades: TradesKeeper) -> list[int]:
    return [each.trade_id for each in trades.fresh]


def test_trades_follow_their_snapshot() -> None:
    trades = kept(snapshot(12, 3))
    assert (fresh(trades), trades.last_trade_id) == ([10, 11, 12], 12)
    trades.take(trade(13))
    assert (fresh(trades), ids(trades), trades.missed) == ([13], [13, 12, 11, 10], 0)


def test_a_market_without_trades_begins_with_the_first() -> None:
    trades = kept(snapshot(0, 0), trade(1))
    assert ids(trades) == [1]


def test_a_hole_is_a_fault_and_it_can_go_on_before_it() -> None:
    trades = kept(snapshot(12, 3), trade(14))
    assert not trades.is_live
    assert (trades.resume_after, fresh(trades)) == (12, [])
    with pytest.raises(NotLiveError, match="14 to 14 does not follow 12"):
        _ = trades.trades


def test_a_snapshot_that_reaches_back_closes_the_hole() -> None:
    trades = kept(snapshot(12, 3), trade(14), snapshot(15, 4))
    assert (fresh(trades), ids(trades), trades.missed) == (
        [13, 14, 15],
        [15, 14, 13, 12, 11, 10],
        0,
    )


def test_what_a_snapshot_does_not_reach_is_counted_as_missed() -> None:
    trades = kept(snapshot(12, 3), snapshot(40, 5, reason="lagged", lagged=True))
    assert (fresh(trades), trades.missed) == ([36, 37, 38, 39, 40], 23)


def test_a_snapshot_with_a_hole_is_no_snapshot() -> None:
    holey = snapshot(12, 3)
    assert not kept(msgspec.structs.replace(holey, trades=holey.trades[1:])).is_live


def test_a_snapshot_does_not_lead_back_unless_the_venue_began_anew() -> None:
    assert not kept(snapshot(12, 3), snapshot(11, 3)).is_live
    anew = kept(snapshot(12, 3), snapshot(2, 2, reason="resync"))
    assert (ids(anew), fresh(anew)) == ([2, 1], [1, 2])


def test_a_fresh_start_brings_no_trade_again_and_counts_what_is_missing() -> None:
    trades = kept(snapshot(12, 3))
    trades.forget()
    assert trades.resume_after is None
    trades.take(snapshot(14, 5))
    assert (fresh(trades), trades.missed) == ([13, 14], 0)
    trades.forget()
    trades.take(snapshot(40, 1))
    assert (fresh(trades), ids(trades), trades.missed) == ([40], [40], 25)


def test_another_broadcaster_that_is_a_moment_behind_brings_no_trade_again() -> None:
    trades = kept(snapshot(12, 3), trade(13), trade(14))
    trades.pause("the connection is lost")
    trades.go_on()
    trades.take(snapshot(13, 3))
    assert (trades.last_trade_id, fresh(trades)) == (13, [])
    trades.take(trade(14))
    assert fresh(trades) == []
    trades.take(trade(15))
    assert (fresh(trades), ids(trades), trades.missed) == ([15], [15, 14, 13, 12, 11, 10], 0)


def test_a_venue_that_began_anew_is_told_by_its_trades() -> None:
    trades = kept(snapshot(12, 3))
    trades.forget()
    other = snapshot(11, 2)
    newest = msgspec.structs.replace(other.trades[0], price="7")
    trades.take(msgspec.structs.replace(other, trades=[newest, *other.trades[1:]]))
    assert (fresh(trades), ids(trades)) == ([10, 11], [11, 10])


def test_only_the_latest_are_kept() -> None:
    trades = kept(snapshot(0, 0), *map(trade, range(1, KEPT_MAX + 10)))
    assert ids(trades) == list(range(KEPT_MAX + 9, 9, -1))


def test_every_trade_that_is_lost_doubled_or_late_is_noticed() -> None:
    seed = SystemRandom().randrange(2**32)
    first = Random(seed).randrange(100)
    messages: list[Trade | TradesSnapshot] = [snapshot(first, min(first, 5))]
    messages += map(trade, range(first + 1, first + MESSAGES))
    for name, mutant in mutants(messages):
        seen: list[int] = []
        trades = TradesKeeper(CHANNEL)
        for message in mutant:
            trades.take(message)
            seen += fresh(trades)
        assert seen == sorted(set(seen)), f"{name}, seed {seed}"
        harmless = name in ("doubled 0", "dropped 0", "swapped 0")
        assert harmless or trades.faults, f"{name} was not noticed, seed {seed}"


def test_a_log_behaves_as_trades_do() -> None:
    log = LogKeeper("signals:x")
    raw = msgspec.Raw(b"1")
    log.take(LogSnapshot(channel=log.channel, sequence=7, entries=[LogEntry(7, 1, raw)]))
    log.take(Entry(channel=log.channel, sequence=8, at_ns=2, data=raw))
    assert [entry.sequence for entry in log.entries] == [8, 7]
    log.take(Entry(channel=log.channel, sequence=10, at_ns=2, data=raw))
    assert not log.is_live
    log.take(LogSnapshot(channel=log.channel, sequence=10, entries=[LogEntry(10, 1, raw)]))
    assert (log.missed, [entry.sequence for entry in log.fresh]) == (1, [10])
