"""The checksums over digits and over texts, against ones reckoned the plain way."""

from random import Random
from zlib import crc32

import pytest

from aggregator.books.side import Side
from aggregator.protocol import (
    NONE,
    BookUpdate,
    Change,
    DigitsChecksum,
    Instrument,
    TextsChecksum,
    to_units,
)
from aggregator.protocol.checksums import (
    DIGITS_REMEMBERED_MAX,
    TEXTS_REMEMBERED_MAX,
    decimals_of,
)

LEVELS = 10
SEED = 20261121


def plain_checksum(bids: dict[str, str], asks: dict[str, str]) -> int:
    """Reckon it from padded texts, with nothing remembered."""
    best_asks = sorted(asks.items(), key=lambda level: to_units(level[0]))[:LEVELS]
    best_bids = sorted(bids.items(), key=lambda level: -to_units(level[0]))[:LEVELS]
    texts = [text for level in best_asks + best_bids for text in level]
    return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())


class Both:
    """A book as padded texts, and as sides in units."""

    def __init__(self) -> None:
        self.texts: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.bids, self.asks = Side(1), Side(-1)

    def take(self, update: BookUpdate) -> None:
        parts = zip(self.texts, (self.bids, self.asks), (update.bids, update.asks), strict=True)
        for texts, side, changes in parts:
            if update.is_snapshot:
                texts.clear()
                side.replace(())
            for price, quantity in changes:
                texts[price] = quantity
                if not to_units(quantity):
                    del texts[price]
            side.change([(side.sign * to_units(p), to_units(q)) for p, q in changes])


def changes(chance: Random, count: int, middle: int) -> list[Change]:
    prices = (middle + chance.randint(-30, 30) for _ in range(count))
    return [(f"{price / 100:.2f}", f"{chance.randint(0, 400) / 1000:.5f}") for price in prices]


@pytest.mark.parametrize("decimals", [(0, 0), (2, 5), (1, 3)])
def test_it_is_what_the_plain_way_gives_after_every_update(decimals: tuple[int, int]) -> None:
    chance = Random(SEED)
    both, checksum = Both(), DigitsChecksum(LEVELS, *decimals)
    for number in range(1500):
        bids = changes(chance, chance.randint(0, 3), 900)
        asks = changes(chance, chance.randint(0, 3), 1100)
        is_snapshot = number % 500 == 0
        if is_snapshot:
            bids, asks = changes(chance, 40, 900), changes(chance, 40, 1100)
        update = BookUpdate("A/B", bids, asks, is_snapshot)
        both.take(update)
        got = checksum.value(update, both.bids, both.asks)
        assert got == plain_checksum(*both.texts), f"seed {SEED}, update {number}"


def test_an_empty_book_has_the_checksum_of_nothing() -> None:
    update = BookUpdate("A/B", [], [], is_snapshot=True)
    assert DigitsChecksum(LEVELS).value(update, Side(1), Side(-1)) == 0


def test_a_precision_finer_than_was_seen_is_learnt_in_the_middle_of_a_book() -> None:
    both, checksum = Both(), DigitsChecksum(LEVELS)
    first = BookUpdate("A/B", [("1.5", "2.5")], [("1.6", "3.5")], is_snapshot=True)
    finer = BookUpdate("A/B", [("1.4", "0.125")], [])
    for update in (first, finer):
        both.take(update)
        got = checksum.value(update, both.bids, both.asks)
    assert got == crc32(b"16" + b"3500" + b"15" + b"2500" + b"14" + b"125")


def test_a_precision_that_has_become_coarser_is_learnt_from_the_next_snapshot() -> None:
    both, checksum = Both(), DigitsChecksum(LEVELS, 3, 8)  # As the venue's list once said.
    first = BookUpdate("A/B", [("1.50", "2.50000")], [("1.60", "3.50000")], is_snapshot=True)
    agree = []
    for update in (first, first, BookUpdate("A/B", [("1.40", "0.12500")], [])):
        both.take(update)
        update.checksum = plain_checksum(*both.texts)
        agree.append(checksum.value(update, both.bids, both.asks) == update.checksum)
    assert agree == [False, True, True]  # It is found wrong first, and asked for again.


def test_a_snapshot_that_is_right_at_no_precision_changes_none() -> None:
    both, checksum = Both(), DigitsChecksum(LEVELS, 3, 8)
    wrong = BookUpdate("A/B", [("1.5", "2.5")], [("1.6", "3.5")], is_snapshot=True, checksum=1)
    both.take(wrong)
    values = [checksum.value(wrong, both.bids, both.asks) for _ in range(2)]
    assert values == [crc32(b"16003500000001500250000000")] * 2


def test_digits_are_remembered_only_so_many() -> None:
    checksum = DigitsChecksum(LEVELS, 0, 0)
    side, other = Side(1), Side(-1)
    for number in range(1, DIGITS_REMEMBERED_MAX + 100):
        price = str(number)
        side.replace([(to_units(price), to_units("1"))])
        update = BookUpdate("A/B", [(price, "1")], [])
        assert checksum.value(update, side, other) == crc32(f"{price}1".encode())
    assert len(checksum._prices) <= DIGITS_REMEMBERED_MAX


def signed_checksum(bids: dict[str, str], asks: dict[str, str]) -> int:
    """Reckon it from the texts as they were written, with nothing remembered."""
    best_bids = sorted(bids.items(), key=lambda level: -to_units(level[0]))[:25]
    best_asks = sorted(asks.items(), key=lambda level: to_units(level[0]))[:25]
    texts = []
    for place in range(25):
        for best in (best_bids, best_asks):
            texts += best[place : place + 1]
    unsigned = crc32(":".join(f"{price}:{quantity}" for price, quantity in texts).encode())
    return int.from_bytes(unsigned.to_bytes(4, "big"), "big", signed=True)


def test_the_checksum_over_texts_is_of_how_they_were_written() -> None:
    chance, book, checksum = Random(SEED), Both(), TextsChecksum(25)
    signs = set()
    for number in range(600):
        is_snapshot, count = number % 200 == 0, 60 if number % 200 == 0 else 6
        bids, asks = changes(chance, count, 1_000), changes(chance, count, 1_090)
        update = BookUpdate("A", bids, asks, is_snapshot, checksum=0)
        book.take(update)
        expected = signed_checksum(*book.texts)
        assert checksum.value(update, book.bids, book.asks) == expected, f"seed {SEED}"
        signs.add(expected < 0)
    assert signs == {True, False}


def test_texts_of_levels_that_have_gone_are_forgotten() -> None:
    book, checksum = Both(), TextsChecksum(25)
    for number in range(TEXTS_REMEMBERED_MAX + 100):
        gone = [(f"{number}", "0")] if number else []
        update = BookUpdate("A", [(f"{number + 1}", "1.0"), *gone], [], checksum=0)
        book.take(update)
        value = checksum.value(update, book.bids, book.asks)
    assert value == signed_checksum(*book.texts)
    assert len(checksum._bids) < TEXTS_REMEMBERED_MAX // 2


def test_an_update_without_a_checksum_costs_nothing_and_proves_nothing() -> None:
    checksum = TextsChecksum(25)
    update = BookUpdate("A", [("1.0", "no number")], [])
    assert checksum.value(update, Side(1), Side(-1)) == NONE


def test_decimals_are_those_of_the_ticks() -> None:
    assert decimals_of(None) == (0, 0)
    assert decimals_of(Instrument("A/B", "A", "B", "0.50", "1")) == (2, 0)
