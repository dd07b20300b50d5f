"""Which names may be had."""

import pytest

from shared.publishing.names import NAME_CHARS_MAX, name_fault, producer_fault


@pytest.mark.parametrize(
    "name",
    [
        "metrics",
        "ticker:TATA_INR",
        "klines:TATA_INR:1m",
        "book:bybit:linear:BTC/USDT",
        "book:consolidated:BTC-USDT",
        "bbo:bybit:spot:BTCUSDT",
        "trades:bybit:spot:BTCUSDT",
        "status:bybit",
        "signals:arbitrage.v2",
        "accounts:of:nobody",
        "x" * NAME_CHARS_MAX,
    ],
)
def test_a_name_of_words_may_be_had(name: str) -> None:
    assert name_fault(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "account",
        "account:7",
        "depth:TATA_INR",
        "depth20:TATA_INR",
        "bbo:TATA_INR",
        "trades:TATA_INR",
        "trades",
        "book:*",
        "Book:x",
        "book:",
        ":book",
        "book::x",
        "book x",
        "book:é",
        "book:x\n",
        "x" * (NAME_CHARS_MAX + 1),
    ],
)
def test_a_name_of_the_venue_or_of_no_words_may_not(name: str) -> None:
    assert name_fault(name) != ""


def test_a_producer_is_one_word() -> None:
    assert producer_fault("aggregator_2") == ""
    for name in ("", "Aggregator", "a:b", "a b", "2a", "x" * (NAME_CHARS_MAX + 1)):
        assert producer_fault(name) != ""
