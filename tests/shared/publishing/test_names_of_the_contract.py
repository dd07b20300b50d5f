"""The contract's channels of other producers may be opened, and the venue's own may not."""

import pytest

from shared.channels import Keys
from shared.feed.contract.catalogue import BOOK, CHANNELS, LOG, PARAMETERS, VALUE, Channel
from shared.publishing import BookNow, Publisher, name_fault

OUTSIDE = (BOOK, VALUE, LOG)


def example_of(channel: Channel) -> str:
    return channel.address.format_map({name: example for name, (_, example) in PARAMETERS.items()})


@pytest.mark.parametrize("name", CHANNELS)
def test_a_producer_may_open_exactly_what_is_not_the_venues_own(name: str) -> None:
    is_open_to_all = not name_fault(example_of(CHANNELS[name]))
    assert is_open_to_all is (CHANNELS[name].messages in OUTSIDE)


@pytest.mark.parametrize(
    "name", [name for name, one in CHANNELS.items() if one.messages in OUTSIDE]
)
def test_a_producer_that_says_nothing_of_wishes_has_the_defaults_of_the_page(name: str) -> None:
    publisher = Publisher("prices", Keys("test"), boot_us=1)
    channel = CHANNELS[name]
    address = example_of(channel)
    if channel.messages is BOOK:
        state = publisher.open_book(address, lambda: BookNow((), ())).state()
    elif channel.messages is VALUE:
        state = publisher.open_value(address).state()
    else:
        state = publisher.open_log(address).state()
    assert (state.interval_ms, state.levels) == (channel.interval_ms, channel.levels or 0)
