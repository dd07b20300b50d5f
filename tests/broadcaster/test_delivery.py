"""What goes out to one client, pure: order, bounds, and what a slow reader gets."""

import pytest

from broadcaster.delivery import Delivery
from broadcaster.hub import Hub
from broadcaster.messages import Pong, Reason
from broadcaster.outbox import BYTES_MAX, LAG_MESSAGES_MAX, MESSAGES_MAX, Outbox


class Counter:
    """A producer whose state is a number: its messages say the number, its snapshot the latest."""

    def __init__(self, hub: Hub, name: str, *, conflated: bool) -> None:
        self.hub, self.name, self.value = hub, name, 0
        hub.put_topic(name, self.snapshot, conflated=conflated)

    def snapshot(self, reason: Reason) -> bytes:
        return f"{self.name}={self.value}{reason}".encode()

    def count(self, times: int = 1) -> None:
        for _ in range(times):
            self.value += 1
            self.hub.publish(self.name, f"{self.name}+{self.value}".encode())


class Reader:
    """A client that reads when told to."""

    def __init__(
        self, hub: Hub, *names: str, messages_max: int = 4, bytes_max: int = 1_000
    ) -> None:
        self.overflows: list[str] = []
        self.delivery = Delivery(
            lambda: None, self.overflows.append, Outbox(messages_max, bytes_max)
        )
        for name in names:
            self.delivery.subscribe(hub.topics[name])

    def read(self) -> list[str]:
        messages = []
        while (data := self.delivery.next_message()) is not None:
            messages.append(data.decode())
        return messages


def test_a_snapshot_is_made_when_it_is_sent_and_holds_what_came_before() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    depth.count(2)
    assert reader.read() == ["depth=2"]
    depth.count(2)
    assert reader.read() == ["depth+3", "depth+4"]


def test_subscribing_again_changes_nothing() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth", "depth")
    reader.read()
    reader.delivery.subscribe(hub.topics["depth"])
    depth.count()
    assert reader.read() == ["depth+1"]


def test_a_lagging_reader_of_depth_gets_one_fresh_snapshot_and_is_right_again() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    reader.read()
    depth.count(100)
    assert reader.read() == ["depth=100lagged"]
    assert reader.delivery.lagged_count == 1
    depth.count()
    assert reader.read() == ["depth+101"]
    assert not reader.overflows


def test_a_lagging_depth_does_not_cost_the_trades() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    trades = Counter(hub, "trades", conflated=False)
    reader = Reader(hub, "depth", "trades")
    reader.read()
    trades.count(2)
    depth.count(50)
    trades.count(2)
    assert reader.read() == ["trades+1", "trades+2", "trades+3", "trades+4", "depth=50lagged"]
    assert not reader.overflows


def test_queued_depth_makes_room_for_what_may_not_be_lost() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    reader.read()
    depth.count(4)
    reader.delivery.send("account", b"filled")
    assert reader.read() == ["filled", "depth=4lagged"]


@pytest.mark.parametrize("limits", [(4, 1_000), (100, 20)])
def test_too_many_trades_end_the_connection_and_nothing_is_sent_after(
    limits: tuple[int, int],
) -> None:
    hub = Hub()
    trades = Counter(hub, "trades", conflated=False)
    reader = Reader(hub, "trades", messages_max=limits[0], bytes_max=limits[1])
    reader.read()
    trades.count(10)
    assert reader.overflows == ["trades"]
    assert reader.read() == []


def test_old_deltas_give_way_to_a_snapshot_long_before_trades_end_the_connection() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    trades = Counter(hub, "trades", conflated=False)
    reader = Reader(hub, "depth", "trades", messages_max=MESSAGES_MAX, bytes_max=BYTES_MAX)
    reader.read()
    depth.count(LAG_MESSAGES_MAX + 1)
    trades.count(4 * LAG_MESSAGES_MAX)
    read = reader.read()
    assert read[-1] == f"depth={depth.value}lagged"
    assert read[:-1] == [f"trades+{number}" for number in range(1, trades.value + 1)]
    assert not reader.overflows


def test_one_large_message_fits_an_empty_outbox() -> None:
    reader = Reader(Hub(), bytes_max=10)
    reader.delivery.send("account", b"x" * 1_000)
    assert len(reader.read()[0]) == 1_000


def test_one_slow_reader_is_nothing_to_another() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    slow, fast = Reader(hub, "depth"), Reader(hub, "depth")
    assert slow.read() == fast.read() == ["depth=0"]
    got = []
    for _ in range(20):
        depth.count()
        got += fast.read()
    assert got == [f"depth+{value}" for value in range(1, 21)]
    assert slow.read() == ["depth=20lagged"]


def test_a_resync_replaces_what_is_queued() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    reader.read()
    depth.count(2)
    hub.resync()
    depth.count()
    assert reader.read() == ["depth=3resync"]


def test_an_unsubscribed_channel_says_nothing_more() -> None:
    hub = Hub()
    depth = Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    reader.delivery.unsubscribe("depth")
    depth.count()
    assert reader.read() == []
    assert not hub.has_subscribers("depth")


def test_a_removed_channel_is_told() -> None:
    hub = Hub()
    Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    hub.remove_topic("depth")
    assert reader.read() == ['{"op":"unsubscribed","id":null,"channels":["depth"]}']


def test_answers_come_in_order_before_snapshots() -> None:
    hub = Hub()
    Counter(hub, "depth", conflated=True)
    reader = Reader(hub, "depth")
    reader.delivery.answer(Pong(1, 5))
    assert reader.read() == ['{"op":"pong","id":1,"at_ns":5}', "depth=0"]
