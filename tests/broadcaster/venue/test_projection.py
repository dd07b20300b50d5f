"""The projection, pure: every event once, in order, and nothing that does not follow."""

import pytest

from broadcaster.channels.levels import Changed
from broadcaster.channels.packed import packed
from broadcaster.venue.market import SequenceBroken
from broadcaster.venue.projection import News, Projection
from broadcaster.venue.rows import MarketRows, VenueRows
from shared.feed import Level
from shared.messages import (
    Applied,
    Asset,
    AssetCreated,
    DepthChanged,
    Event,
    MarketCreated,
    MarketState,
    Side,
)
from shared.wire import TradeRow
from tests.support.fake_engine import inr_market

MARKET = "TATA_INR"
Change = tuple[int, int, int, int]  # Event sequence, market sequence, bid price, lots.


def rows(sequence: int = 10, depth_sequence: int = 4) -> VenueRows:
    """A venue with one market, whose book has the bid 20 and the ask 21."""
    market = MarketRows(
        inr_market("TATA"),
        MarketState(MARKET, depth_sequence, 2, 20),
        [(Side.BUY, 20, 5), (Side.SELL, 21, 6)],
        [TradeRow(2, 8, 20, 1, Side.SELL), TradeRow(1, 7, 20, 1, Side.BUY)],
    )
    return VenueRows(1, sequence, 99, [Asset("INR", 2), Asset("TATA", 2)], [market])


def depth(sequence: int, market_sequence: int, price: int, lots: int) -> DepthChanged:
    return DepthChanged(sequence, MARKET, market_sequence, ((price, lots),), ())


def batch(*events: Event) -> list[Applied]:
    return [Applied(1, 1_000, events)]


def bids_of(projection: Projection, market: str = MARKET) -> list[Level]:
    return projection.picture(market).book.bids.first()


def test_rows_become_text_best_level_first() -> None:
    picture = Projection(rows()).picture(MARKET)
    assert picture.book.best(0) == ([("1", "5")], [("1.05", "6")])
    assert [trade.trade_id for trade in picture.recent_trades] == [2, 1]
    assert (picture.book.sequence, picture.book.at_ns, picture.last_trade_id) == (4, 99, 2)


@pytest.mark.parametrize(
    ("events", "sequence", "bids"),
    [
        ([(11, 5, 19, 2)], 11, [("1", "5"), ("0.95", "2")]),
        ([(10, 4, 19, 2)], 10, [("1", "5")]),
        ([(9, 3, 19, 2), (10, 4, 18, 1), (11, 5, 17, 9)], 11, [("1", "5"), ("0.85", "9")]),
        ([(11, 5, 20, 7), (12, 6, 20, 0)], 12, []),
        ([(11, 5, 15, 0)], 11, [("1", "5")]),
    ],
)
def test_new_events_are_taken_over_and_known_ones_passed_over(
    events: list[Change], sequence: int, bids: list[tuple[str, str]]
) -> None:
    projection = Projection(rows())
    projection.apply(batch(*(depth(*event) for event in events)), News())
    assert projection.sequence == sequence
    assert bids_of(projection) == bids


def test_the_same_batch_twice_is_news_once() -> None:
    projection = Projection(rows())
    doubled = batch(depth(11, 5, 19, 2))
    first, second = News(), News()
    projection.apply(doubled, first)
    projection.apply(doubled, second)
    assert list(first.depth) == [MARKET]
    assert not second.depth


@pytest.mark.parametrize(
    "events",
    [
        [(12, 5, 19, 2)],
        [(11, 6, 19, 2)],
        [(11, 4, 19, 2)],
    ],
)
def test_what_does_not_follow_is_refused_and_changes_nothing(events: list[Change]) -> None:
    projection = Projection(rows())
    with pytest.raises(SequenceBroken):
        projection.apply(batch(*(depth(*event) for event in events)), News())
    assert projection.sequence == 10
    assert bids_of(projection) == [("1", "5")]


def test_what_comes_before_a_gap_is_kept() -> None:
    projection, news = Projection(rows()), News()
    with pytest.raises(SequenceBroken):
        projection.apply(batch(depth(11, 5, 19, 2), depth(13, 6, 18, 2)), news)
    assert projection.sequence == 11
    assert [changed.last_sequence for changed in news.depth[MARKET]] == [5]


def test_one_batch_says_in_order_what_each_change_of_depth_replaced() -> None:
    projection, news = Projection(rows()), News()
    changes = batch(depth(11, 5, 19, 2), depth(12, 6, 18, 2), depth(13, 7, 19, 0))
    projection.apply(changes, news)
    assert news.depth[MARKET] == [
        Changed(5, {-19: None}, {}),
        Changed(6, {-18: None}, {}),
        Changed(7, {-19: packed(("0.95", "2"))}, {}),
    ]
    book = projection.picture(MARKET).book
    assert (book.sequence, book.at_ns) == (7, 1_000)
    assert bids_of(projection) == [("1", "5"), ("0.9", "2")]


def test_a_new_market_is_there_for_the_next_event() -> None:
    projection, news = Projection(rows()), News()
    projection.apply(
        batch(
            AssetCreated(11, Asset("JIO", 2)),
            MarketCreated(12, inr_market("JIO")),
            DepthChanged(13, "JIO_INR", 1, ((20, 3),), ()),
        ),
        news,
    )
    assert news.markets == ["JIO_INR"]
    assert bids_of(projection, "JIO_INR") == [("1", "3")]
