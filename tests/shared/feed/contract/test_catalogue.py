"""The channels there are."""

import re

from shared.feed.contract.catalogue import CHANNELS, KINDS, PARAMETERS, channels_table
from shared.feed.contract.examples import EXAMPLES


def test_each_channel_has_an_address_and_messages_of_its_own_kind() -> None:
    addresses = [channel.address for channel in CHANNELS.values()]
    assert len(set(addresses)) == len(addresses)
    assert {channel.messages for channel in CHANNELS.values()} == set(KINDS)


def test_every_parameter_is_explained_and_used() -> None:
    used = {
        name for channel in CHANNELS.values() for name in re.findall(r"{(\w+)}", channel.address)
    }
    assert used == set(PARAMETERS)


def test_every_update_among_the_examples_is_of_a_channel_with_its_type() -> None:
    patterns = {
        re.sub(r"{\w+}", "[^:]+", channel.address): channel for channel in CHANNELS.values()
    }
    for kind, examples in EXAMPLES.items():
        for message in examples.values():
            if "type" in message:
                name = message["channel"]
                fitting = [
                    channel for pattern, channel in patterns.items() if re.fullmatch(pattern, name)
                ]
                assert any(kind in channel.messages for channel in fitting), (name, kind)


def test_a_wish_that_a_channel_does_not_take_has_no_default_in_the_table() -> None:
    rows = channels_table().splitlines()
    assert rows[2] == "| `depth:<market>` | book | 0 | full | the whole book of a market |"
    assert [row for row in rows if row.startswith("| `account` | account |  |  |")]
    assert len(rows) == len(CHANNELS) + 2
