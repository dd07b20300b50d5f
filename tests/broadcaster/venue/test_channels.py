"""A market's channels under the feed, pure: one book for all of them, whatever becomes of it."""

from typing import Any

import pytest

from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import Topic, Wish
from broadcaster.venue.feed import Feed
from broadcaster.venue.market import SequenceBroken
from broadcaster.venue.rows import MarketRows, VenueRows
from shared.feed import Reason
from shared.messages import (
    Applied,
    Asset,
    AssetCreated,
    BalanceChange,
    DepthChanged,
    Event,
    Fill,
    MarketCreated,
    MarketState,
    OrderStatus,
    Side,
    TradeExecuted,
)
from shared.wire import TradeRow
from tests.broadcaster.channels.strict import Reader, StrictBook
from tests.support.fake_engine import inr_market

Message = dict[str, Any]
Levels = dict[int, int]

KINDS = ("depth", "depth20", "bbo", "trades")


def market_rows(base: str, sequence: int, bids: Levels, asks: Levels) -> MarketRows:
    """A market at a depth sequence, with two trades."""
    levels = [(Side.BUY, ticks, lots) for ticks, lots in bids.items()]
    levels += [(Side.SELL, ticks, lots) for ticks, lots in asks.items()]
    trades = [TradeRow(2, 8, 20, 1, Side.SELL), TradeRow(1, 7, 20, 1, Side.BUY)]
    return MarketRows(inr_market(base), MarketState(f"{base}_INR", sequence, 2, 20), levels, trades)


def venue_rows(*markets: MarketRows, sequence: int = 10) -> VenueRows:
    assets = [Asset("INR", 2), *(Asset(row.market.base, 2) for row in markets)]
    return VenueRows(1, sequence, 99, assets, list(markets))


def trade(sequence: int, base: str, trade_id: int, lots: int = 1) -> TradeExecuted:
    nothing = BalanceChange("INR", 0, 0, 0, 0)
    fills = [
        Fill(account_id, trade_id, 1, "", lots, 0, OrderStatus.FILLED, 0, nothing, nothing)
        for account_id in (1, 2)
    ]
    return TradeExecuted(sequence, f"{base}_INR", trade_id, 20, lots, 100, Side.BUY, *fills)


def depth(sequence: int, base: str, market_sequence: int, bids: Levels, asks: Levels) -> Event:
    return DepthChanged(
        sequence, f"{base}_INR", market_sequence, tuple(bids.items()), tuple(asks.items())
    )


class World:
    """A feed with its hub, and readers of what they ask for."""

    def __init__(self, *markets: MarketRows) -> None:
        self.hub, self.cadence, self.now_ns = Hub(), Cadence(), 0
        self.feed = Feed(self.hub, self.cadence)
        self.feed.load(venue_rows(*markets))

    def reader(self, channel: str, wish: Wish | None = None) -> Reader:
        topic = self.hub.topics[channel]
        reader = Reader(topic, topic.default if wish is None else wish)
        reader.join()
        return reader

    def apply(self, *events: Event) -> None:
        self.feed.apply([Applied(1, 1_000, events)])

    def pass_time(self, ms: int) -> None:
        self.now_ns += ms * NS_PER_MS
        self.cadence.run(self.now_ns)


class Owner:
    """Listens to an account."""

    def __init__(self) -> None:
        self.started: list[Reason] = []

    def start(self, reason: Reason) -> None:
        self.started.append(reason)

    def update(self, sequence: int, data: bytes) -> None:
        raise AssertionError("nothing has happened to the account")

    def snapshot(self, sequence: int, data: bytes) -> None:
        raise AssertionError("nobody reads accounts here")


class Everything:
    """Joins every channel that comes."""

    def __init__(self) -> None:
        self.readers: dict[str, Reader] = {}

    def topic_added(self, pattern: str, topic: Topic) -> None:
        reader = self.readers[topic.name] = Reader(topic, topic.default)
        reader.join()


def book_of(messages: list[Message], levels: int = 0) -> StrictBook:
    book = StrictBook(levels)
    for message in messages:
        book.take(message)
    return book


def test_all_channels_of_a_market_show_one_book() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {21: 6}))
    readers = {kind: world.reader(f"{kind}:TATA_INR") for kind in KINDS}
    said = {kind: reader.read() for kind, reader in readers.items()}
    assert [said[kind][0]["sequence"] for kind in ("depth", "depth20", "bbo")] == [4, 4, 4]
    assert said["depth20"][0]["levels"] == 20
    assert (said["bbo"][0]["bid_price"], said["bbo"][0]["ask_quantity"]) == ("1", "6")
    assert [entry["trade_id"] for entry in said["trades"][0]["trades"]] == [2, 1]
    world.apply(depth(11, "TATA", 5, {20: 0}, {}), trade(12, "TATA", 3))
    world.pass_time(100)
    (emptied,) = readers["depth"].read()
    assert emptied["bids"] == [["1", "0"]], "a level that a trade has emptied arrives"
    (conflated,) = readers["depth20"].read()
    assert (conflated["first_sequence"], conflated["bids"]) == (5, [["1", "0"]])
    (bbo,) = readers["bbo"].read()
    assert (bbo["sequence"], bbo["bid_price"], bbo["ask_price"]) == (5, None, "1.05")
    assert [message["trade_id"] for message in readers["trades"].read()] == [3]


def test_depth20_waits_for_its_beat_and_depth_does_not() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {21: 6}))
    depth_reader, depth20 = world.reader("depth:TATA_INR"), world.reader("depth20:TATA_INR")
    for reader in (depth_reader, depth20):
        reader.read()
    for number in range(3):
        world.apply(depth(11 + number, "TATA", 5 + number, {20: 6 + number}, {}))
    assert len(depth_reader.read()) == 3
    assert depth20.read() == []
    world.pass_time(100)
    assert len(depth20.read()) == 1


def test_the_best_is_said_only_when_it_is_another() -> None:
    world = World(market_rows("TATA", 4, {20: 5, 19: 1}, {21: 6}))
    bbo = world.reader("bbo:TATA_INR")
    bbo.read()
    world.apply(depth(11, "TATA", 5, {19: 2}, {25: 1}))
    assert bbo.read() == []
    world.apply(depth(12, "TATA", 6, {}, {21: 7}))
    world.apply(depth(13, "TATA", 7, {20: 0}, {}))
    first, second = bbo.read()
    assert (first["sequence"], first["bid_price"], first["ask_quantity"]) == (6, "1", "7")
    assert (second["sequence"], second["bid_price"], second["ask_quantity"]) == (7, "0.95", "7")
    world.apply(depth(14, "TATA", 8, {18: 2}, {}))
    late = world.reader("bbo:TATA_INR")
    assert late.read()[0]["sequence"] == 7, "the number is of when it became so"


def test_one_commit_is_one_delta() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {21: 6}))
    reader = world.reader("depth:TATA_INR")
    snapshot = reader.read()
    changes = (depth(11 + number, "TATA", 5 + number, {30 + number: 1}, {}) for number in range(5))
    world.apply(*changes)
    deltas = reader.read()
    assert [(delta["first_sequence"], delta["last_sequence"]) for delta in deltas] == [(5, 9)]
    assert len(book_of(snapshot + deltas).bids) == 6


def test_a_market_that_begins_in_the_batch_of_its_first_trades_is_whole_for_who_waits_for_it() -> (
    None
):
    world = World()
    everything = Everything()
    for kind in KINDS:
        world.hub.watch(f"{kind}:*", everything)
    world.apply(
        AssetCreated(11, Asset("JIO", 2)),
        MarketCreated(12, inr_market("JIO")),
        depth(13, "JIO", 1, {20: 5, 19: 1}, {21: 1}),
        trade(14, "JIO", 1),
        depth(15, "JIO", 2, {20: 4}, {21: 0}),
        trade(16, "JIO", 2),
    )
    books = {}
    for kind, levels in (("depth", 0), ("depth20", 20)):
        reader = everything.readers[f"{kind}:JIO_INR"]
        books[kind] = book_of(reader.read(), levels)
        assert books[kind].sequence == 2
        assert books[kind].best() == ([("1", "4"), ("0.95", "1")], [])
        reader.lag()  # Another snapshot of the same place.
        assert book_of(reader.read(), levels).best() == books[kind].best()
    (trades,) = everything.readers["trades:JIO_INR"].read()
    assert [entry["trade_id"] for entry in trades["trades"]] == [2, 1]
    (bbo,) = everything.readers["bbo:JIO_INR"].read()
    assert (bbo["bid_quantity"], bbo["ask_price"]) == ("4", None)
    world.apply(depth(17, "JIO", 3, {20: 0}, {}), trade(18, "JIO", 3))
    world.pass_time(100)
    for kind in ("depth", "depth20"):
        for message in everything.readers[f"{kind}:JIO_INR"].read():
            books[kind].take(message)
        assert books[kind].best() == ([("0.95", "1")], [])
    assert [entry["trade_id"] for entry in everything.readers["trades:JIO_INR"].read()] == [3]


def test_a_lost_place_is_one_snapshot_for_everybody_and_wishes_stay() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {21: 6}))
    readers = [world.reader(f"{kind}:TATA_INR") for kind in KINDS]
    readers.append(world.reader("depth:TATA_INR", Wish(250, 1)))
    readers.append(world.reader("trades:TATA_INR", Wish(50)))
    for reader in readers:
        reader.read()
    views = [reader.view for reader in readers]
    owner = Owner()
    world.hub.accounts.join(7, owner)
    world.apply(depth(11, "TATA", 5, {20: 9}, {}), trade(12, "TATA", 3))
    markets = (market_rows("TATA", 40, {18: 1, 17: 1}, {}), market_rows("JIO", 0, {}, {}))
    world.feed.load(venue_rows(*markets, sequence=90))
    world.pass_time(1_000)
    for reader, view in zip(readers, views, strict=True):
        (snapshot,) = reader.read()
        assert snapshot["reason"] == "resync"
        assert reader.view is view
        assert snapshot.get("sequence", 40) == 40
        assert snapshot.get("last_trade_id", 2) == 2
    world.apply(depth(91, "TATA", 41, {19: 1}, {}), trade(92, "TATA", 3))
    world.pass_time(1_000)
    assert all(len(reader.read()) == 1 for reader in readers)
    assert owner.started == ["resync"]
    assert world.feed.resync_count == 1
    assert "depth:JIO_INR" in world.hub.topics


def test_who_resumes_across_a_lost_place_begins_anew() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {21: 6}))
    world.apply(depth(11, "TATA", 5, {20: 9}, {}))
    world.feed.load(venue_rows(market_rows("TATA", 40, {18: 1, 17: 1}, {}), sequence=90))
    world.apply(depth(91, "TATA", 41, {19: 1}, {}))
    topic = world.hub.topics["depth:TATA_INR"]
    assert not Reader(topic, topic.default).join(5)
    assert Reader(topic, topic.default).join(40)


def test_a_market_that_is_gone_after_a_reload_is_gone_and_may_come_again() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {}), market_rows("JIO", 4, {20: 5}, {}))
    staying = world.reader("depth:TATA_INR")
    leaving = [world.reader(f"{kind}:JIO_INR") for kind in KINDS]
    world.feed.load(venue_rows(market_rows("TATA", 4, {20: 5}, {}), sequence=20))
    assert all(reader.removed for reader in leaving)
    assert not staying.removed
    assert sorted(world.hub.topics) == sorted(f"{kind}:TATA_INR" for kind in KINDS)
    assert len(world.cadence) == 0, "nothing beats for a channel that is gone"
    world.apply(AssetCreated(21, Asset("JIO", 2)), MarketCreated(22, inr_market("JIO")))
    assert world.reader("depth:JIO_INR").read()[0]["sequence"] == 0


def test_what_came_before_a_gap_is_said() -> None:
    world = World(market_rows("TATA", 4, {20: 5}, {}))
    reader = world.reader("depth:TATA_INR")
    reader.read()
    with pytest.raises(SequenceBroken):
        world.apply(depth(11, "TATA", 5, {20: 9}, {}), depth(13, "TATA", 6, {20: 8}, {}))
    assert [message["last_sequence"] for message in reader.read()] == [5]
