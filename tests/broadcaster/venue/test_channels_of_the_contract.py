"""A market's channels are those of the contract, with its defaults and its messages."""

import msgspec
import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import payload_of
from broadcaster.channels.topic import Topic, WishError
from broadcaster.venue.channels import MarketChannels
from broadcaster.venue.market import MarketPicture
from shared.feed import INTERVAL_MS_MAX
from shared.feed.contract.catalogue import CHANNELS
from tests.support.fake_engine import inr_market

OWN = ("depth", "depth20", "bbo", "trades")


def topics() -> dict[str, Topic]:
    market = MarketPicture(inr_market("TATA"), base_scale=2)
    return {topic.name: topic for topic in MarketChannels(market, Cadence()).topics}


def test_there_are_no_others() -> None:
    assert set(topics()) == {CHANNELS[name].address.format(market="TATA_INR") for name in OWN}


@pytest.mark.parametrize("name", OWN)
def test_its_defaults_are_those_that_the_page_shows(name: str) -> None:
    topic = topics()[f"{name}:TATA_INR"]
    assert topic.default.interval_ms == CHANNELS[name].interval_ms
    assert topic.has_levels is (CHANNELS[name].levels is not None)
    assert topic.default.levels == (CHANNELS[name].levels or 0)


@pytest.mark.parametrize("name", OWN)
def test_it_takes_the_wishes_that_the_page_says_it_takes(name: str) -> None:
    topic = topics()[f"{name}:TATA_INR"]
    assert topic.wish(INTERVAL_MS_MAX, None).interval_ms == INTERVAL_MS_MAX
    if CHANNELS[name].levels is None:
        with pytest.raises(WishError):
            topic.wish(None, 5)
    else:
        assert topic.wish(None, 5).levels == 5


@pytest.mark.parametrize("name", OWN)
def test_it_begins_with_a_message_of_its_kind(name: str) -> None:
    topic = topics()[f"{name}:TATA_INR"]
    frame = topic.new_view(topic.default).snapshot("")
    read = msgspec.json.decode(payload_of(frame), type=CHANNELS[name].messages[0])
    assert msgspec.json.encode(read) == payload_of(frame)
