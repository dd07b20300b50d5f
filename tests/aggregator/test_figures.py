"""Figures: numbers by part, and the same as lines for a scraper."""

import pytest

from aggregator.figures import clock_skew_ms, prometheus_lines, spread_bps_e2
from shared.messages import BookState
from tests.aggregator.outlet.listings import FakeListing


@pytest.mark.parametrize(
    ("bid", "ask", "spread"),
    [("99.99", "100.01", 200), ("100", "100", 0), ("0.00001", "0.00003", 1_000_000)],
)
def test_the_spread_is_in_hundredths_of_a_basis_point_of_the_mid(
    bid: str, ask: str, spread: int
) -> None:
    listing = FakeListing()
    listing.go_live([(bid, "1")], [(ask, "1")])
    assert spread_bps_e2(listing.book) == spread


def test_a_book_with_an_empty_side_has_no_spread() -> None:
    listing = FakeListing()
    listing.go_live([("1", "1")], [])
    assert spread_bps_e2(listing.book) is None


def test_the_quickest_book_tells_how_far_the_clocks_are_apart() -> None:
    second_ns = 1_000_000_000
    listings = [FakeListing() for _ in range(4)]
    for listing, took_ms in zip(listings, (40, -1_270, 60_000, -9_999), strict=True):
        listing.go_live([("1", "1")], [("2", "1")])
        listing.book.venue_at_ns = 1_000 * second_ns
        listing.book.received_at_ns = listing.book.venue_at_ns + took_ms * 1_000_000
    listings[3].book.venue_at_ns = 0  # It does not say.

    assert clock_skew_ms(listings) == -1_270  # Received before it was sent: ours is behind.
    assert clock_skew_ms(listings[:1]) == 40
    assert clock_skew_ms([]) is clock_skew_ms(listings[3:]) is None
    listings[1].state = BookState.STALE
    assert clock_skew_ms(listings) == 40


def test_every_number_is_a_line_with_what_it_is_of() -> None:
    parts = {
        "books": {"kraken:spot:BTC/USD": {"state": "live", "updates": 7, "age_ms": None}},
        "connections": [{"feed": "kraken:spot", "connection": 3, "frames": 9}],
        "feeds": {"kraken:spot": {"connects": 2, "close_codes": {"1006": 1}, "failures": {}}},
        "stages_us": {"kraken:spot": {"parse": {"p50": 8}}},
        "queues": {"publishing": {"policy": "coalesce", "held_back": 1}},
        "process": {"resident_memory_bytes": 5},
    }
    assert list(prometheus_lines(parts)) == [
        'rialto_aggregator_book_updates{book="kraken:spot:BTC/USD"} 7',
        'rialto_aggregator_connection_frames{feed="kraken:spot",connection="3"} 9',
        'rialto_aggregator_feed_connects{feed="kraken:spot"} 2',
        'rialto_aggregator_feed_close_codes{feed="kraken:spot",code="1006"} 1',
        'rialto_aggregator_stage_us_p50{feed="kraken:spot",stage="parse"} 8',
        'rialto_aggregator_queue_held_back{queue="publishing"} 1',
        "rialto_aggregator_process_resident_memory_bytes 5",
    ]


def test_a_label_cannot_break_out_of_its_line() -> None:
    feeds = {"a:b": {"errors": {'x"} 1\n\\': 1}}}
    [line] = prometheus_lines({"feeds": feeds})
    assert line == 'rialto_aggregator_feed_errors{feed="a:b",kind="x\\"} 1\\n\\\\"} 1'
