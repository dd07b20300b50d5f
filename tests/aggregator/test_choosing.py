"""Which feeds and pairs are followed, and how a typing error is told."""

from typing import Any

import pytest

from aggregator.choosing import ALWAYS, ChoiceError, make_desks, taker_fees
from aggregator.feed.inbox import FRAMES_WAITING_MAX
from aggregator.feed.patience import BACKOFF_MAX_S, BREAKER_PAUSE_S
from aggregator.protocol import Kind
from aggregator.registry import load_connectors
from shared.settings import Settings


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"venues": "kracken:spot"},
            "venues: there is no feed kracken:spot; did you mean kraken:spot.",
        ),
        (
            {"outside_pairs": "bybit:liner=BTC/USD"},
            "outside_pairs: there is no feed bybit:liner; did you mean bybit:linear.",
        ),
        ({"outside_depths": "kraken:spots=10"}, "outside_depths: there is no feed kraken:spots; "),
        ({"taker_fees_ppm": "zzzzzzz:qqqqqqq=1"}, "there are binance:spot, "),
    ],
)
def test_a_feed_that_there_is_not_is_told_with_the_nearest(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ChoiceError) as refused:
        make_desks(Settings(**changes), ["kraken:spot"], load_connectors())
    assert sentence in str(refused.value)


def test_each_feed_has_what_was_set_for_it_or_for_all_or_its_own_default() -> None:
    settings = Settings(
        venues="kraken:spot,binance:spot,coinbase:spot",
        outside_depths="kraken:spot=25",
        outside_intervals_ms="binance:spot=1000",
        outside_events="book",
        book_levels_kept=500,
    )
    kraken, binance = make_desks(settings, ["kraken:spot", "binance:spot"], load_connectors())
    assert (kraken.options.depth, binance.options.depth) == (25, 0)
    assert (kraken.options.interval_ms, binance.options.interval_ms) == (0, 1000)
    assert kraken.options.kinds == {Kind.BOOK, *ALWAYS}
    assert binance.options.book_levels_kept == 500


def test_a_queue_of_frames_holds_by_default_what_the_feed_thinks_right() -> None:
    assert Settings().frames_waiting_max == FRAMES_WAITING_MAX
    assert Settings().reconnect_wait_s_max == BACKOFF_MAX_S
    assert Settings().breaker_pause_s == BREAKER_PAUSE_S


def test_who_takes_pays_what_was_set_or_what_the_venue_lists_whoever_follows_it() -> None:
    settings = Settings(venues="kraken:spot,okx:spot", taker_fees_ppm="kraken:spot=2400")
    fees = taker_fees(settings, load_connectors())
    assert (fees["kraken:spot"], fees["okx:spot"], fees["coinbase:spot"]) == (2_400, 1_000, 12_000)


def test_every_venue_of_its_own_connector_says_what_takers_pay() -> None:
    unknown = [name for name, (_, one) in load_connectors().items() if not one.taker_fee_ppm]
    assert unknown == []
