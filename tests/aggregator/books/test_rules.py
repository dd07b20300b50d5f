"""By which rules books are built."""

import pytest

from aggregator.books.rules import settle_depth
from aggregator.registry import load_connectors

CONNECTORS = load_connectors()


@pytest.mark.parametrize(
    ("feed", "wanted", "settled"),
    [
        ("binance:spot", 0, 0),
        ("binance:spot", 5, 5),
        ("binance:spot", 15, 20),
        ("binance:spot", 1_000, 0),
        ("bybit:linear", 0, 200),
        ("bybit:linear", 1, 1),
        ("bybit:linear", 51, 200),
        ("bybit:linear", 5_000, 1_000),
    ],
)
def test_a_book_is_no_shallower_than_wanted_if_the_venue_has_it(
    feed: str, wanted: int, settled: int
) -> None:
    _, manifest = CONNECTORS[feed]

    assert settle_depth(manifest, wanted) == settled
