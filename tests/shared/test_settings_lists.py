"""Lists in settings: what each entry means, and which sentence a wrong one is told in."""

from collections.abc import Callable

import pytest

from shared.settings_lists import (
    fault_of,
    of_feed,
    read_address,
    read_cpus,
    read_events,
    read_feeds,
    read_fees,
    read_numbers,
    read_pairs,
    read_quotes,
    read_venues,
)


def test_each_list_reads_as_it_is_written() -> None:
    assert read_feeds("kraken:spot, binance:spot,") == ("kraken:spot", "binance:spot")
    assert read_venues("binance+kraken,bybit") == (("binance", "kraken"), ("bybit",))
    assert read_pairs("BTC/USDT,kraken:spot=BTC/USD+ETH/USD,ETH/USDT") == {
        "": ("BTC/USDT", "ETH/USDT"),
        "kraken:spot": ("BTC/USD", "ETH/USD"),
    }
    assert read_numbers("kraken:spot=10,binance:spot=20") == {"kraken:spot": 10, "binance:spot": 20}
    assert read_quotes("USDT=USD,USDC=USD") == {"USDT": "USD", "USDC": "USD"}
    assert read_events("trades,book") == ("trades", "book")
    assert read_cpus("4-5,0,4") == (0, 4, 5)
    assert read_address("[::1]:80") == ("::1", 80)
    assert read_address("venues:8095") == ("venues", 8095)


def test_nothing_is_nothing_where_there_is_a_default() -> None:
    empty = (read_venues(""), read_pairs(""), read_numbers(" "), read_quotes(","), read_cpus(""))
    assert empty == ((), {}, {}, {}, ())
    assert read_address("") is None


@pytest.mark.parametrize(
    ("read", "text", "fault"),
    [
        (read_feeds, "", "must name at least one"),
        (read_feeds, "kraken", "must list a feed like kraken:spot, and 'kraken' is none"),
        (read_feeds, "a:b,a:b", "names a:b twice"),
        (read_venues, "a+b,a", "names a twice"),
        (read_venues, "a:b", "must list a venue like kraken, and 'a:b' is none"),
        (read_pairs, "btcusdt", "must list a pair like BTC/USDT, and 'btcusdt' is none"),
        (read_pairs, "BTC/USD,BTC/USD", "names BTC/USD twice"),
        (read_pairs, "k=BTC/USD", "must list a feed like kraken:spot before =, and 'k' is none"),
        (
            read_numbers,
            "kraken:spot",
            "must list a feed and a number like kraken:spot=10, and '' is none",
        ),
        (read_numbers, "a:b=1,a:b=2", "names a:b twice"),
        (
            read_fees,
            "kraken:spot=1000000",
            "has for kraken:spot 1000000 of 1000000 millionths, which leaves nothing",
        ),
        (read_quotes, "USDT", "must list two assets like USDT=USD, and '' is none"),
        (read_quotes, "USDT=USD,USDT=EUR", "names USDT twice"),
        (read_quotes, "USDT=USDC,USDC=USD", "maps USDC and maps another asset to it"),
        (read_events, "ticks", "must list some of book, touch, trades, and 'ticks' is none"),
        (read_cpus, "3-2", "must list processors like 0,2-3, and '3-2' is none"),
        (read_cpus, "0-9999", "must list processors like 0,2-3, and '0-9999' is none"),
        (read_address, "venues", "must be an address like 127.0.0.1:8095, not 'venues'"),
        (
            read_address,
            "venues:70000",
            "must be an address like 127.0.0.1:8095, not 'venues:70000'",
        ),
    ],
)
def test_a_wrong_entry_is_told_in_the_end_of_a_sentence(
    read: Callable[[str], object], text: str, fault: str
) -> None:
    assert fault_of(read, text) == fault


def test_what_is_right_has_no_fault() -> None:
    assert fault_of(read_feeds, "kraken:spot") is None


def test_a_feeds_own_value_wins_over_the_one_of_all_over_the_default() -> None:
    assert of_feed({"": 1, "a:b": 2}, "a:b", 3) == 2
    assert of_feed({"": 1, "a:b": 2}, "c:d", 3) == 1
    assert of_feed({}, "c:d", 3) == 3
