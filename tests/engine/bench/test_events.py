"""The events of a made-up day: whole batches of a real exchange, the same each time."""

from itertools import pairwise

from engine.bench.events import Stream, event_batches
from shared.messages import Rejected, TradeExecuted
from shared.wire import decode_batch

TRADES = 500


def test_batches_follow_each_other_without_a_gap() -> None:
    for stream in Stream:
        batches = [decode_batch(packed) for packed in event_batches(stream, TRADES)]
        applied = [each for batch in batches for each in batch]
        assert [each.n for each in applied] == list(range(1, len(applied) + 1))
        sequences = [event.sequence for each in applied for event in each.events]
        assert sequences == list(range(1, len(sequences) + 1))
        assert all(one.at_ns < other.at_ns for one, other in pairwise(applied))


def test_in_the_stream_of_trades_ten_orders_of_eleven_trade_and_none_is_refused() -> None:
    batches = [decode_batch(packed) for packed in event_batches(Stream.TRADES, TRADES)]
    events = [event for batch in batches[4:] for each in batch for event in each.events]
    trades = sum(isinstance(event, TradeExecuted) for event in events)
    entries = sum(map(len, batches[4:]))
    assert not any(isinstance(event, Rejected) for event in events)
    assert abs(trades / entries - 10 / 11) < 0.01


def test_the_same_stream_is_the_same_again() -> None:
    assert list(event_batches(Stream.DAY, 50)) == list(event_batches(Stream.DAY, 50))
