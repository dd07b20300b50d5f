"""Views of a book, pure: whatever happens, whoever reads a view holds exactly what it shows."""

import random
from collections.abc import Iterator

import msgspec
import pytest

from broadcaster.channels import books
from broadcaster.channels.books import BookTopic, BookView, Picture, Step
from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.ladder import Ladder
from broadcaster.channels.levels import LevelBook, LevelChange
from broadcaster.channels.packed import Packed
from broadcaster.channels.topic import Wish
from shared.feed import DepthDelta, DepthSnapshot, Level, Reason, book_crc32
from tests.broadcaster.channels.strict import DepthForm, Reader, StrictBook

LEVELS = (0, 1, 5, 25, 100)
INTERVALS_MS = (0, 0, 10, 25, 100, 1_000)
STEPS = 1_500
READERS_MAX = 30

Sides = tuple[list[Level], list[Level]]


def level(ticks: int, lots: int) -> Level:
    return (f"{ticks}", f"{lots}")


class Client:
    """A reader with the book that it rebuilds."""

    def __init__(self, topic: BookTopic, wish: Wish) -> None:
        self.reader, self.book = Reader(topic, wish), StrictBook(wish.levels)
        self.resumed_count = 0

    def come(self, *, resume: bool) -> None:
        """Join, with what is known already if that is to be made use of."""
        known = self.book.sequence if resume and self.book.sequence >= 0 else None
        self.book.resuming = self.reader.join(known)
        self.resumed_count += self.book.resuming

    def read(self) -> None:
        for message in self.reader.read():
            self.book.take(message)
            self.book.resuming = False


class World:
    """Two channels of one book, as a market has them, and clients of all kinds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.cadence, self.now_ns = Cadence(), 0
        self.book = LevelBook()
        self.topics = [BookTopic(name, self.cadence, DepthForm(), book=self.book) for name in "ab"]
        self.clients: list[Client] = []
        self.gone: list[Client] = []
        self.before: dict[int, Sides] = {}  # The book at every sequence since the last load.
        self.resumed_count = self.lagged_count = self.loads_count = 0
        self.load()

    def step(self) -> None:
        draw = self.random.random()
        if draw < 0.60:
            self.change()
        elif draw < 0.75:
            self.pass_time()
        elif draw < 0.995:
            self.move_client()
        else:
            self.load()
        for client in self.clients:
            if self.random.random() < 0.3:
                self.check(client)

    def load(self) -> None:
        """Begin with another book; its sequence may be lower, as after a reset."""
        draw = self.random
        count = draw.choice((0, 3, 30, 150))
        bids = {ticks: level(ticks, 1) for ticks in draw.sample(range(801, 1_001), count)}
        asks = {ticks: level(ticks, 1) for ticks in draw.sample(range(1_001, 1_201), count)}
        self.book.load(draw.randint(0, 5_000), self.now_ns, bids.items(), asks.items())
        self.before = {self.book.sequence: self.book.best(0)}
        self.loads_count += 1
        for topic in self.topics:
            topic.begin("resync")
        for gone in self.gone:
            gone.book.sequence = -1  # Nobody may go on with a book of another life.

    def change(self) -> None:
        """One commit of some changes; levels come and go within it."""
        commit = []
        for _ in range(self.random.randint(1, 3)):
            sequence = self.book.sequence + self.random.randint(1, 2)
            bids, asks = list(self.changes(801)), list(self.changes(1_001))
            commit.append(self.book.change(sequence, self.now_ns, bids, asks))
            self.before[sequence] = self.book.best(0)
        for topic in self.topics:
            for changed in commit:
                topic.gather(changed)
            topic.flush()

    def changes(self, start: int) -> Iterator[LevelChange]:
        draw = self.random
        for _ in range(draw.choice((0, 1, 1, 2, 12))):
            # Half of what happens, happens near the best price.
            near = 1_000 if start < 1_000 else 1_001
            ticks = (
                near + draw.randint(-6, 6) if draw.random() < 0.5 else start + draw.randrange(200)
            )
            ticks = min(max(ticks, start), start + 199)
            yield ticks, None if draw.random() < 0.5 else level(ticks, draw.randint(1, 3))

    def pass_time(self) -> None:
        self.now_ns += self.random.randint(1, 40) * NS_PER_MS
        self.cadence.run(self.now_ns)

    def move_client(self) -> None:
        draw = self.random
        if self.gone and draw.random() < 0.4:
            client = self.gone.pop(draw.randrange(len(self.gone)))
            client.come(resume=True)
            self.resumed_count += client.book.resuming
            self.clients.append(client)
        elif len(self.clients) < READERS_MAX and draw.random() < 0.5:
            wish = Wish(draw.choice(INTERVALS_MS), draw.choice(LEVELS))
            client = Client(draw.choice(self.topics), wish)
            client.come(resume=False)
            self.clients.append(client)
        elif self.clients:
            client = draw.choice(self.clients)
            if draw.random() < 0.3:
                client.reader.lag()
                self.lagged_count += 1
            else:
                self.clients.remove(client)
                client.reader.leave()
                self.gone = [*self.gone, client][-10:]

    def check(self, client: Client) -> None:
        """What the client holds is what the book was where the client's view stands."""
        client.read()
        view, book = client.reader.view, client.book
        assert isinstance(view, BookView)
        assert book.sequence == view.sequence
        count = client.reader.wish.levels or None
        bids, asks = self.before[book.sequence]
        assert book.best() == (bids[:count], asks[:count])
        if not view.interval_ms:
            assert book.sequence == self.book.sequence, "what is said at once is not late"


@pytest.mark.parametrize(
    ("seed", "gathered_max"), [(1, 10_000), (2, 10_000), (3, 10_000), (4, 20), (5, 5)]
)
def test_every_reader_of_every_view_holds_the_book_at_the_views_sequence(
    seed: int, gathered_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "GATHERED_LEVELS_MAX", gathered_max)
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    for client in list(world.clients):
        world.check(client)
    assert world.resumed_count > 5, "hardly anybody went on where it was: it proves too little"
    assert world.lagged_count > 5
    assert world.loads_count > 2


def book_topic(cadence: Cadence | None = None, levels: int = 0) -> BookTopic:
    """A book with so many levels on each side, at sequence 10."""
    topic = BookTopic("a", Cadence() if cadence is None else cadence, DepthForm())
    bids = [(100 - number, level(100 - number, 1)) for number in range(levels)]
    asks = [(101 + number, level(101 + number, 1)) for number in range(levels)]
    topic.book.load(10, 0, bids, asks)
    return topic


def joined(topic: BookTopic, *wishes: Wish) -> list[Client]:
    clients = [Client(topic, wish) for wish in wishes]
    for client in clients:
        client.come(resume=False)
        client.read()
    return clients


def test_what_is_pushed_out_is_removed_and_what_moves_up_is_said() -> None:
    topic = book_topic(levels=3)
    (client,) = joined(topic, Wish(0, 2))
    topic.change(11, 0, [(105, level(105, 7))], [(101, None)])
    (delta,) = client.reader.read()
    assert delta["bids"] == [["105", "7"], ["99", "0"]]
    assert delta["asks"] == [["101", "0"], ["103", "1"]]
    topic.change(12, 0, [(98, level(98, 9))], [(104, level(104, 1))])
    (delta,) = client.reader.read()
    assert (delta["first_sequence"], delta["bids"], delta["asks"]) == (12, [], [])


def test_a_level_that_comes_and_goes_between_two_beats_is_not_said() -> None:
    cadence = Cadence()
    topic = book_topic(cadence, levels=3)
    slow, best = joined(topic, Wish(100), Wish(100, 1))
    topic.change(11, 0, [(105, level(105, 7))], [(101, level(101, 9))])
    topic.change(12, 0, [(105, None)], [(101, level(101, 1))])
    cadence.run(200 * NS_PER_MS)
    for client in (slow, best):
        (delta,) = client.reader.read()
        assert (delta["first_sequence"], delta["last_sequence"]) == (11, 12)
        assert (delta["bids"], delta["asks"]) == ([], [])


def test_a_newcomer_between_two_beats_is_shown_what_the_others_hold() -> None:
    cadence = Cadence()
    topic = book_topic(cadence, levels=3)
    early, early_best = joined(topic, Wish(100), Wish(100, 2))
    topic.change(11, 5, [(105, level(105, 7)), (100, None), (98, level(98, 3))], [(101, None)])
    late, late_best = joined(topic, Wish(100), Wish(100, 2))
    for one, other in ((early, late), (early_best, late_best)):
        assert one.book.best() == other.book.best()
        assert other.book.sequence == 10
    cadence.run(200 * NS_PER_MS)
    for client in (early, late, early_best, late_best):
        client.read()
        assert client.book.sequence == 11
    assert late_best.book.best() == ([("105", "7"), ("99", "1")], [("102", "1"), ("103", "1")])


def test_who_comes_when_a_change_is_made_and_not_yet_told_holds_it_and_is_not_told_again() -> None:
    cadence = Cadence()
    topic = book_topic(cadence, levels=3)
    changed = topic.book.change(11, 0, [(100, None)], [])
    clients = joined(topic, Wish(), Wish(100), Wish(0, 2))
    topic.gather(changed)
    topic.flush()
    cadence.run(100 * NS_PER_MS)
    for client in clients:
        assert client.reader.read() == []
        client.reader.lag()
        client.read()
        assert client.book.best()[0] == [("99", "1"), ("98", "1")]


def test_a_snapshot_is_made_once_for_a_place() -> None:
    topic = book_topic(levels=3)
    view = joined(topic, Wish())[0].reader.view
    assert view is not None
    assert view.snapshot("") is view.snapshot("")
    before = view.snapshot("")
    topic.change(11, 0, [(100, level(100, 2))], [])
    assert view.snapshot("") is not before


def test_empty_books_are_books() -> None:
    topic = book_topic()
    clients = joined(topic, Wish(), Wish(0, 5), Wish(100))
    assert all(client.book.best() == ([], []) for client in clients)
    topic.change(11, 0, [(100, level(100, 2))], [])
    topic.change(12, 0, [(100, None)], [])
    for client in clients[:2]:
        client.read()
        assert (client.book.best(), client.book.sequence) == (([], []), 12)


def test_more_levels_than_there_are_is_all_of_them() -> None:
    topic = book_topic(levels=3)
    (client,) = joined(topic, Wish(0, 100))
    topic.change(11, 0, [(90, level(90, 2))], [])
    client.read()
    assert client.book.best() == topic.book.best(0)
    assert len(client.book.bids) == 4


def test_a_view_speaks_early_rather_than_keep_too_many_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(books, "GATHERED_LEVELS_MAX", 5)
    topic = book_topic(levels=10)
    (client,) = joined(topic, Wish(60_000))
    for number in range(8):
        topic.change(11 + number, 0, [(100 - number, None)], [])
    (delta,) = client.reader.read()
    assert (delta["first_sequence"], delta["last_sequence"]) == (11, 16)


@pytest.mark.parametrize("after", [9, 21, 0])
def test_who_comes_back_from_where_nothing_is_known_begins_anew(after: int) -> None:
    topic = book_topic(levels=30)
    for number in range(10):
        topic.change(11 + number, 0, [(100 - number, level(100 - number, 2))], [])
    assert not Reader(topic, Wish()).join(after)
    assert Reader(topic, Wish()).join(10)


def test_what_was_missed_is_never_more_than_the_book() -> None:
    topic = book_topic(levels=5)
    for number in range(6):
        topic.change(11 + number, 0, [(200 + number, level(200 + number, 2))], [])
    for number in range(6):
        topic.change(17 + number, 0, [(200 + number, None)], [])
    assert not Reader(topic, Wish()).join(10), "six removals are more than five levels"
    assert Reader(topic, Wish()).join(17)


class ClosedLadder(Ladder):
    """Gives out the levels that are asked for by name, and never a run of them."""

    def best(self, count: int = 0) -> list[Packed]:
        raise AssertionError(f"the best {count} levels are read")

    def until(self, key: int) -> dict[int, Packed | None]:
        raise AssertionError(f"all levels to {key} are read")


@pytest.mark.parametrize(("wish", "lots"), [(Wish(), 5), (Wish(100), 1)])
def test_who_comes_back_costs_what_it_is_sent_and_not_what_the_book_is_large(
    wish: Wish, lots: int
) -> None:
    # given a channel that somebody follows, of which nobody may read all levels
    cadence = Cadence()
    topic = book_topic(cadence, levels=30)
    prices = range(100, 70, -1)
    topic.book.bids = ClosedLadder((-price, level(price, 1)) for price in prices)
    Reader(topic, wish).join()
    topic.change(11, 0, [(100, level(100, 5))], [])
    cadence.run(100 * NS_PER_MS)
    topic.change(12, 0, [(99, level(99, 5))], [])

    # when somebody comes back, whether or not something waits for the next beat
    reader = Reader(topic, wish)
    assert reader.join(10)

    # then it is told what it missed up to where the others are
    (message,) = reader.read()
    assert message["bids"] == [["100", "5"], ["99", f"{lots}"]]
    best = [level(100, 5), level(99, lots), *(level(price, 1) for price in prices[2:])]
    assert message["crc32"] == book_crc32(best, topic.book.asks.first())


def test_few_levels_begin_anew_because_nobody_knows_which_were_held() -> None:
    topic = book_topic(levels=5)
    assert not Reader(topic, Wish(0, 3)).join(10)
    assert Reader(topic, Wish()).join(10)


class InfoForm(DepthForm):
    """A book that also says its info, in the place of the market's name."""

    def snapshot(self, channel: str, picture: Picture, reason: Reason) -> DepthSnapshot:
        said = super().snapshot(channel, picture, reason)
        return msgspec.structs.replace(said, market=picture.info.decode())

    def delta(self, channel: str, step: Step) -> DepthDelta:
        said = super().delta(channel, step)
        return msgspec.structs.replace(said, market=step.info.decode())


def test_info_is_said_when_it_changes_and_is_of_the_place_where_the_view_stands() -> None:
    cadence = Cadence()
    topic = BookTopic("a", cadence, InfoForm())
    topic.book.load(10, 0, [], [], b"one")
    (early,) = joined(topic, Wish(100))
    topic.change(11, 0, [], [], b"two")
    (late,) = [Client(topic, Wish(100))]
    late.come(resume=False)
    (snapshot,) = late.reader.read()
    cadence.run(100 * NS_PER_MS)
    topic.change(12, 0, [(5, level(5, 1))], [])
    cadence.run(200 * NS_PER_MS)
    infos = [message["market"] for message in early.reader.read()]
    assert (snapshot["market"], infos) == ("one", ["two", ""])
