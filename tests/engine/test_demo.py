"""The demo markets: an empty venue gets them once, and no money with them."""

import contextlib

from engine.core.exchange import Exchange
from engine.demo import demo_commands, seed
from engine.redis_link import RedisLink
from shared.messages import AssetCreated, MarketCreated
from tests.support.venue import Venue


def test_every_demo_command_is_accepted_and_nobody_is_given_anything() -> None:
    exchange = Exchange()
    events = [event for command in demo_commands() for event in exchange.apply(command)]
    assert [type(event) for event in events] == [AssetCreated] * 3 + [MarketCreated] * 2
    assert not exchange.rows().balances


def test_a_venue_is_seeded_once(redis_url: str) -> None:
    with (
        contextlib.closing(Venue(redis_url)) as venue,
        contextlib.closing(RedisLink(redis_url)) as link,
    ):
        link.open()
        for _ in range(2):
            seed(link, venue.keys)
            venue.engine().run_until_idle()
        assert venue.meta("position") == "5"
        assert set(venue.redis.hkeys(venue.keys.markets)) == {b"TATA_INR", b"JIO_INR"}
