"""A client of our own measures how old a message is, on a real broadcaster."""

import time

from aggregator.client_probe import ClientProbe
from aggregator.metrics import StageTimes
from rialto.embedded_redis import choose_port
from shared.publishing import Publisher, PublisherLink
from tests.broadcaster.running import running
from tests.support.deadlines import eventually_async

BOOK = "kraken:spot:BTC/USD"
AGE_NS = 5_000_000


async def test_the_age_of_what_is_told_is_measured_and_that_of_what_was_there_is_not(
    redis_url: str,
) -> None:
    times = StageTimes()
    async with running(redis_url) as venue:
        # Given: it asks before anybody publishes.
        probe = ClientProbe(f"{venue.url}/ws", {"kraken:spot": BOOK}, {"kraken:spot": times})
        probe.retry_s = probe.pause_s = 0.05
        await probe.start()
        publisher = Publisher("aggregator", venue.keys, boot_us=time.time_ns() // 1_000)
        link = PublisherLink(redis_url, venue.keys, publisher)
        await link.start()
        touch = publisher.open_value(f"bbo:{BOOK}")
        touch.set(1, b"{}")  # Of long ago: whoever counted it would be wrong by years.
        try:
            await eventually_async(lambda: probe.is_listening)

            def measured() -> bool:
                touch.set(time.time_ns() - AGE_NS, b"{}")
                return times.histograms["client"].total >= 2

            await eventually_async(measured)
        finally:
            await probe.close()
            await link.close()
    said = times.histograms["client"].percentiles()
    assert AGE_NS <= said.min <= said.max < 60 * 1_000_000_000


async def test_without_a_broadcaster_it_goes_on_and_ends_when_told() -> None:
    probe = ClientProbe(
        f"ws://127.0.0.1:{choose_port()}/ws", {"kraken:spot": BOOK}, {"kraken:spot": StageTimes()}
    )
    await probe.start()
    assert not probe.is_listening
    await probe.close()
