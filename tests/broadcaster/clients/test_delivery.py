"""What goes out to one client, pure: order, bounds, and what a slow reader gets."""

import pytest

from broadcaster.channels.frames import encode, text_frame
from broadcaster.channels.topic import AT_ONCE, Wish
from broadcaster.clients.delivery import Delivery
from broadcaster.clients.outbox import BYTES_MAX, LAG_BYTES_MAX, LAG_MESSAGES_MAX, MESSAGES_MAX
from shared.feed import Pong
from tests.broadcaster.clients.counting import Counter, read, said

MANY = LAG_MESSAGES_MAX + 1  # More than a reader may be behind.


class Reader:
    """A client that reads when told to."""

    def __init__(self, *topics: Counter) -> None:
        self.overflows: list[str] = []
        self.removed: list[str] = []
        self.calls = 0
        self.delivery = Delivery(self, self._on_output)
        for topic in topics:
            self.delivery.subscribe(topic, AT_ONCE)

    def too_slow(self, channel: str) -> None:
        self.overflows.append(channel)
        self.delivery.end()

    def channel_removed(self, name: str) -> None:
        self.removed.append(name)

    def resume(self, topic: Counter, after_sequence: int) -> bool:
        return self.delivery.subscribe(topic, AT_ONCE, after_sequence)

    def read(self, bytes_max: int = 1 << 30) -> list[str]:
        return [said(message) for message in read(self.delivery, bytes_max)]

    def send(self, text: str) -> None:
        """Queue something that may not be lost."""
        self.delivery.send("account", text_frame(f'"{text}"'.encode()))

    def _on_output(self) -> None:
        self.calls += 1


def reading(*topics: Counter) -> Reader:
    """Return a reader that has read its snapshots."""
    reader = Reader(*topics)
    reader.read()
    return reader


def test_a_snapshot_is_made_when_it_is_sent_and_holds_what_came_before() -> None:
    depth = Counter("depth")
    reader = Reader(depth)
    depth.count(2)
    assert reader.read() == ["depth=2"]
    depth.count(2)
    assert reader.read() == ["depth+3", "depth+4"]


def test_subscribing_again_with_the_same_wish_changes_nothing() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    reader.delivery.subscribe(depth, AT_ONCE)
    depth.count()
    assert reader.read() == ["depth+1"]


def test_subscribing_with_another_wish_begins_anew_with_that_wish() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count()
    reader.delivery.subscribe(depth, Wish(250, 5))
    depth.count()
    messages = read(reader.delivery)
    assert [said(message) for message in messages] == ["depth+1", "depth=2"]
    assert [message["wish"] for message in messages] == [[0, 0], [250, 5]]
    assert list(depth.views) == [Wish(250, 5)], "nobody sees the view of the wish before"


def test_going_on_after_a_sequence_gives_what_was_missed_and_no_snapshot() -> None:
    depth = Counter("depth")
    depth.count(5)
    reader = Reader()
    reader.resume(depth, 3)
    depth.count()
    assert reader.read() == ["depth+4", "depth+5", "depth+6"]


@pytest.mark.parametrize("after_sequence", [1, 6])
def test_where_what_was_missed_is_not_kept_the_snapshot_comes(after_sequence: int) -> None:
    depth = Counter("depth", kept_after=2)
    depth.count(5)
    reader = Reader()
    reader.resume(depth, after_sequence)
    assert reader.read() == ["depth=5"]


def test_going_on_where_one_is_already_begins_there_anew() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count(2)
    reader.resume(depth, 1)
    depth.count()
    assert reader.read() == ["depth+1", "depth+2", "depth+2", "depth+3"]


def test_a_channel_that_has_nothing_to_show_yet_shows_it_later() -> None:
    depth = Counter("depth")
    depth.is_loaded = False
    reader = Reader(depth)
    assert reader.read() == []
    assert not reader.delivery.has_output
    depth.begin("")
    assert reader.read() == ["depth=0"]


def test_a_snapshot_is_not_made_of_a_channel_that_has_nothing_to_show_any_more() -> None:
    depth, trades = Counter("depth"), Counter("trades")
    reader = Reader(depth, trades)
    depth.is_loaded = False
    assert reader.read() == ["trades=0"]
    depth.begin("resync")
    assert reader.read() == ["depth=0resync"]


def test_a_lagging_reader_gets_one_fresh_snapshot_and_is_right_again() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count(MANY)
    assert reader.read() == [f"depth={MANY}lagged"]
    assert reader.delivery.lagged_count == 1
    depth.count()
    assert reader.read() == [f"depth+{MANY + 1}"]
    assert not reader.overflows


def test_as_many_messages_as_fit_are_kept() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count(MANY - 1)
    assert reader.read() == [f"depth+{value}" for value in range(1, MANY)]
    assert not reader.delivery.lagged_count


def test_a_few_large_messages_are_a_lag_too() -> None:
    depth = Counter("depth", padding="x" * (LAG_BYTES_MAX // 4))
    reader = reading(depth)
    depth.count(5)
    assert reader.read() == ["depth=5lagged"]


def test_one_message_larger_than_all_the_room_is_delivered() -> None:
    depth = Counter("depth", padding="x" * 2 * LAG_BYTES_MAX)
    reader = reading(depth)
    depth.count()
    assert reader.read() == ["depth+1"]


def test_a_lag_costs_only_the_channels_that_had_something_waiting() -> None:
    depth, trades, quiet = Counter("depth"), Counter("trades"), Counter("quiet")
    reader = reading(depth, trades, quiet)
    trades.count(2)
    depth.count(MANY)
    trades.count(2)
    assert sorted(reader.read()) == [f"depth={MANY}lagged", "trades=4lagged"]
    quiet.count()
    assert reader.read() == ["quiet+1"]
    assert reader.delivery.lagged_count == 2


def test_what_may_not_be_lost_goes_out_in_order_among_lagging_channels() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count()
    for number in range(3):
        reader.send(f"fill {number}")
        depth.count(MANY)
    read_all = reader.read()
    assert read_all == ['"fill 0"', '"fill 1"', '"fill 2"', f"depth={3 * MANY + 1}lagged"]


def test_a_long_queue_of_the_account_does_not_lose_the_place_of_channels() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    for number in range(2 * MANY):
        reader.send(str(number))
    depth.count(3)
    read_all = reader.read()
    assert read_all == [*(f'"{number}"' for number in range(2 * MANY)), "depth=3lagged"]


@pytest.mark.parametrize(
    ("count", "size_bytes"),
    [(MESSAGES_MAX + 1, 1), (10, BYTES_MAX // 9 - 16)],
    ids=["many", "large"],
)
def test_too_much_that_may_not_be_lost_ends_the_connection_and_nothing_is_sent_after(
    count: int, size_bytes: int
) -> None:
    depth = Counter("depth")
    reader = reading(depth)
    for _ in range(count - 1):
        reader.send("x" * size_bytes)
    assert not reader.overflows
    reader.send("x" * size_bytes)
    assert reader.overflows == ["account"]
    reader.send("after")
    depth.count()
    assert reader.read() == []
    assert not depth.views


def test_waiting_views_take_no_room_from_what_may_not_be_lost() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count(MANY - 1)
    for _ in range(MESSAGES_MAX):
        reader.send("")
    assert not reader.overflows


def test_one_large_message_fits_an_empty_outbox() -> None:
    reader = Reader()
    reader.send("x" * (BYTES_MAX + 1))
    assert len(reader.read()[0]) == BYTES_MAX + 3
    assert not reader.overflows


def test_one_slow_reader_is_nothing_to_another() -> None:
    depth = Counter("depth")
    slow, fast = Reader(depth), Reader(depth)
    assert slow.read() == fast.read() == ["depth=0"]
    got = []
    for _ in range(MANY):
        depth.count()
        got += fast.read()
    assert got == [f"depth+{value}" for value in range(1, MANY + 1)]
    assert slow.read() == [f"depth={MANY}lagged"]


def test_a_resync_replaces_what_is_queued() -> None:
    depth, trades = Counter("depth"), Counter("trades")
    reader = reading(depth, trades)
    depth.count(2)
    trades.count()
    depth.begin("resync")
    depth.count()
    assert reader.read() == ["trades+1", "depth=3resync"]


def test_a_resync_before_the_first_snapshot_is_no_second_beginning() -> None:
    depth = Counter("depth")
    reader = Reader(depth)
    depth.begin("resync")
    assert reader.read() == ["depth=0"]


def test_an_unsubscribed_channel_says_nothing_more() -> None:
    depth = Counter("depth")
    reader = Reader(depth)
    reader.delivery.unsubscribe("depth")
    depth.count()
    assert reader.read() == []
    assert not depth.views


def test_what_was_queued_of_an_unsubscribed_channel_comes_before_the_answer() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count()
    reader.delivery.unsubscribe("depth")
    reader.delivery.answer(Pong(1, 5))
    depth.count()
    assert reader.read() == ["depth+1", '{"op":"pong","id":1,"at_ns":5}']


def test_a_channel_that_was_left_while_it_lagged_gets_no_snapshot() -> None:
    depth, trades = Counter("depth"), Counter("trades")
    reader = reading(depth, trades)
    depth.count(3)
    reader.delivery.unsubscribe("depth")
    trades.count(MANY)
    assert reader.read() == [f"trades={MANY}lagged"]


def test_a_removed_channel_is_told() -> None:
    depth = Counter("depth")
    reader = Reader(depth)
    depth.remove()
    assert reader.read() == ['{"op":"unsubscribed","id":null,"channels":["depth"]}']
    assert reader.removed == ["depth"]
    assert not reader.delivery.views


def test_answers_come_in_order_before_snapshots() -> None:
    reader = Reader(Counter("depth"))
    reader.delivery.answer(Pong(1, 5))
    assert reader.read() == ['{"op":"pong","id":1,"at_ns":5}', "depth=0"]


def test_little_is_taken_at_a_time_in_the_same_order() -> None:
    depth, trades = Counter("depth"), Counter("trades")
    by_one, at_once = reading(depth, trades), reading(depth, trades)
    depth.count(3)
    trades.count(2)
    for reader in (by_one, at_once):
        reader.send("fill")
    trades.begin("resync")
    assert by_one.read(bytes_max=1) == at_once.read()


def test_no_more_is_taken_than_asked_for_but_always_something() -> None:
    reader = Reader()
    pong = encode(Pong(1, 5))
    for _ in range(10):
        reader.delivery.answer(Pong(1, 5))
    assert reader.delivery.take(3 * len(pong)) == [pong] * 3
    assert reader.delivery.take(3 * len(pong) - 1) == [pong] * 2
    assert reader.delivery.take(1) == [pong]
    assert reader.delivery.has_output
    assert reader.delivery.take(1 << 20) == [pong] * 4
    assert not reader.delivery.has_output


def test_what_was_taken_makes_room_again() -> None:
    depth = Counter("depth", padding="x" * (LAG_BYTES_MAX // 4))
    reader = reading(depth)
    for _ in range(10):
        for _ in range(3):
            depth.count()
            reader.send("x" * (BYTES_MAX // 4))
        assert [len(reader.delivery.take(1)) for _ in range(6)] == [1] * 6
    assert not reader.overflows
    assert not reader.delivery.lagged_count


def test_many_due_snapshots_are_made_a_few_at_a_time() -> None:
    topics = [Counter(f"depth{number}") for number in range(10)]
    reader = Reader(*topics)
    reader.delivery.take(1)
    assert sum(topic.snapshots_made for topic in topics) == 1
    reader.read()
    assert [topic.snapshots_made for topic in topics] == [1] * 10


def test_output_is_announced_once_until_all_is_taken() -> None:
    depth = Counter("depth")
    reader = Reader(depth)
    reader.delivery.answer(Pong(1, 5))
    assert reader.calls == 1
    reader.delivery.take(1)
    depth.count()
    assert reader.calls == 1, "the snapshot is still to be taken"
    reader.read()
    depth.count(2)
    assert reader.calls == 2
    reader.read()
    depth.begin("resync")
    assert reader.calls == 3


def test_an_ended_delivery_sends_what_is_queued_and_takes_nothing_more() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count()
    reader.send("private")
    reader.delivery.end("account")
    depth.count()
    reader.send("later")
    reader.delivery.subscribe(Counter("trades"), AT_ONCE)
    assert reader.read() == ["depth+1"]
    assert not depth.views


def test_a_server_that_lost_its_place_is_said_also_to_who_has_lagged() -> None:
    depth = Counter("depth")
    reader = reading(depth)
    depth.count(MANY)
    depth.value = 1  # As after a load of older rows: a client accepts that only with its reason.
    depth.begin("resync")
    assert reader.read() == ["depth=1resync"]
    newcomer = Reader(depth)
    depth.begin("resync")
    assert newcomer.read() == ["depth=1"]
