"""What an operator asks of the aggregators.

The rule of this file: said over Redis, which only the house can reach, and never over HTTP. It is
heard by who is there: whoever is started later begins anew anyway.
"""

import msgspec

from shared.channels import Keys
from shared.redis_client import connect
from shared.wire import DecodeError

ANSWER_TIMEOUT_S = 2.0

_FEED_CHARS_MAX = 128


class ResumeFeed(msgspec.Struct, frozen=True, tag="resume"):
    """Begin again with a feed that was halted, as `kraken:spot`; an empty one: with all."""

    feed: str = ""


def ask_to_resume(redis_url: str, venue: str, feed: str = "") -> int:
    """Tell all aggregators, and return how many heard it; raises redis.RedisError."""
    with connect(redis_url, timeout_s=ANSWER_TIMEOUT_S) as client:
        said = msgspec.json.encode(ResumeFeed(feed))
        return int(client.publish(Keys(venue).aggregator_channel, said))


def read_order(data: bytes) -> ResumeFeed:
    """Read what was said; raises DecodeError."""
    try:
        order = msgspec.json.decode(data, type=ResumeFeed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(str(error), data) from error
    if len(order.feed) > _FEED_CHARS_MAX:
        raise DecodeError("no feed has such a long name", data)
    return order
