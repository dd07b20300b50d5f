"""A producer as a program: `python -m tests.support.outside_producer REDIS_URL VENUE`.

The rule of this file: a book, a value and a log that change all the time, until it is killed. The
quantity of its one level, its value and its entries are the number of the change.
"""

import asyncio
import sys
import time

from shared.channels import Keys
from shared.publishing import BookNow, Publisher, PublisherLink

PAUSE_S = 0.002


async def produce(redis_url: str, venue: str) -> None:
    """Change everything until cancelled."""
    keys = Keys(venue)
    publisher = Publisher("program", keys, boot_us=time.time_ns() // 1_000)
    link = PublisherLink(redis_url, keys, publisher)
    count = 1

    def level() -> tuple[int, tuple[str, ...]]:
        return 100, ("100", str(count))

    book = publisher.open_book("book:program:one", lambda: BookNow([level()], []))
    value = publisher.open_value("price:program")
    log = publisher.open_log("trades:program:one")
    await link.start()
    while True:
        book.change(time.time_ns(), [level()])
        value.set(time.time_ns(), b"%d" % count)
        log.add(time.time_ns(), b"%d" % count)
        await asyncio.sleep(PAUSE_S)
        count += 1


if __name__ == "__main__":
    asyncio.run(produce(*sys.argv[1:]))
