"""The checksum is the one that the page describes, and notices every difference in the top."""

import zlib

from shared.feed import CHECKED_LEVELS_MAX, Level, book_crc32

BIDS: list[Level] = [("100", "3"), ("99.95", "1")]
ASKS: list[Level] = [("100.05", "7")]


def test_it_is_the_crc_32_of_prices_and_quantities_with_colons_between() -> None:
    assert book_crc32(BIDS, ASKS) == zlib.crc32(b"100:3:99.95:1:100.05:7") == 3703953481


def test_an_empty_book_is_nought() -> None:
    assert book_crc32([], []) == 0


def test_one_side_may_be_empty() -> None:
    assert book_crc32([], ASKS) == zlib.crc32(b"100.05:7")
    assert book_crc32(BIDS, []) == zlib.crc32(b"100:3:99.95:1")


def test_a_quantity_a_price_and_an_order_of_levels_make_a_difference() -> None:
    others: list[tuple[list[Level], list[Level]]] = [
        ([("100", "4"), ("99.95", "1")], ASKS),
        ([("100.0", "3"), ("99.95", "1")], ASKS),
        (BIDS[::-1], ASKS),
        (ASKS, BIDS),
    ]
    assert all(book_crc32(bids, asks) != book_crc32(BIDS, ASKS) for bids, asks in others)


def test_only_the_best_25_of_each_side_count() -> None:
    bids: list[Level] = [(str(1000 - index), "1") for index in range(30)]
    asks: list[Level] = [(str(2000 + index), "1") for index in range(30)]
    top = CHECKED_LEVELS_MAX
    whole = book_crc32(bids, asks)
    assert whole == book_crc32(bids[:top], asks[:top])
    assert whole != book_crc32(bids[: top - 1], asks)
    assert whole != book_crc32(bids, asks[: top - 1])


def test_what_a_producer_adds_to_a_level_does_not_count() -> None:
    assert book_crc32([("100", "3", "bybit:3")], []) == book_crc32([("100", "3")], [])
