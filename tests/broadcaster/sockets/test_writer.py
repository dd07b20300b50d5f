"""The line of clients that have something to be sent."""

import asyncio

from broadcaster.sockets.writer import SLICE_NS, Writer
from shared.tasks import spawn, stop
from tests.support.deadlines import eventually_async


class Client:
    """Is visited `visits` times, for as long as it says."""

    def __init__(self, name: str, order: list[str], writer: Writer, visits: int = 1) -> None:
        self.name, self.order, self.writer, self.left = name, order, writer, visits

    def visit(self) -> None:
        self.order.append(self.name)
        self.left -= 1
        if self.left:
            self.writer.add(self)


async def test_each_is_visited_in_turn_however_much_one_has() -> None:
    writer, order = Writer(), list[str]()
    for name, visits in (("much", 3), ("little", 1), ("some", 2)):
        writer.add(Client(name, order, writer, visits))
    task = spawn(writer.run(), "writer")
    await eventually_async(lambda: not len(writer))
    assert order == ["much", "little", "some", "much", "some", "much"]
    writer.add(Client("later", order, writer))
    await eventually_async(lambda: order[-1] == "later")
    await stop(task)


async def test_others_have_their_turn_between_two_slices() -> None:
    writer, order = Writer(), list[str]()
    for _ in range(2):
        writer.add(Client("endless", order, writer, visits=1_000_000_000))
    task = spawn(writer.run(), "writer")
    for _ in range(3):
        before = len(order)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(order) > before
    await stop(task)


def test_a_slice_ends_in_time_and_the_rest_stays_in_line() -> None:
    writer, order = Writer(), list[str]()
    writer.add(Client("endless", order, writer, visits=1_000_000_000))
    writer.visit_slice()
    assert len(writer) == 1
    assert SLICE_NS // 1_000_000 <= 5, "a slice is not felt by whoever waits"
