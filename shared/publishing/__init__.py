"""How a program publishes channels that every broadcaster then shows to clients.

The rule of this room: a producer opens channels and says what changes; nothing here knows what a
channel is about, and no broadcaster has to be changed for a new one.

    publisher = Publisher("prices", Keys(venue), boot_us=time.time_ns() // 1_000)
    link = PublisherLink(redis_url, Keys(venue), publisher)
    await link.start()
    price = publisher.open_value("price:BTC")
    price.set(time.time_ns(), b'{"price":"64000.5"}')
"""

from shared.publishing.channels import (
    BookChannel,
    BookNow,
    Channel,
    LogChannel,
    ValueChannel,
)
from shared.publishing.link import PublisherLink
from shared.publishing.messages import (
    DATA_BYTES_MAX,
    ENTRY_BYTES_MAX,
    PUBLICATION_BYTES_MAX,
    Alive,
    Ask,
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    Level,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
    decode_alive,
    decode_ask,
    decode_publication,
    encode,
)
from shared.publishing.names import name_fault, producer_fault
from shared.publishing.publisher import Publisher

__all__ = [
    "DATA_BYTES_MAX",
    "ENTRY_BYTES_MAX",
    "PUBLICATION_BYTES_MAX",
    "Alive",
    "Ask",
    "BookChange",
    "BookChannel",
    "BookImage",
    "BookNow",
    "Channel",
    "ChannelState",
    "Kind",
    "Level",
    "LogChannel",
    "LogEntries",
    "LogEntry",
    "LogImage",
    "Publication",
    "Publisher",
    "PublisherLink",
    "ValueChannel",
    "ValueNow",
    "decode_alive",
    "decode_ask",
    "decode_publication",
    "encode",
    "name_fault",
    "producer_fault",
]
