"""From the exchange to what a client shows, in one thread, with everything going wrong between.

Real are the exchange, the feed, the sessions and the client's desk; played are the time, the wire,
and when things happen. Whatever is shown as live is what the exchange was at that number; when it
is quiet again, everybody shows all that they wish for, as it is.
"""

import random
from collections.abc import Iterator

import pytest

from tests.support.feed_model_client import ModelClient
from tests.support.feed_model_venue import ACCOUNTS, ModelVenue

SEEDS = 20
STEPS = 200
QUIET_S = 120
SMALL = {  # So that everything that has an end comes to it.
    "broadcaster.clients.outbox.LAG_MESSAGES_MAX": 25,
    "broadcaster.channels.logs.KEPT_ENTRIES_MAX": 30,
    "broadcaster.channels.logs.SHOWN_ENTRIES_MAX": 10,
    "broadcaster.channels.account_ring.RING_UPDATES_MAX": 15,
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL.items():
        monkeypatch.setattr(name, value)


@pytest.fixture
def the_same_dice() -> Iterator[None]:
    """What the client draws for itself is drawn from the seed, too."""
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.mark.usefixtures("small", "the_same_dice")
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_what_a_client_shows_is_so(seed: int) -> None:
    random.seed(seed)
    draw = random.Random(seed)
    venue = ModelVenue(draw)
    clients = [ModelClient(venue, draw, account_id) for account_id in (*ACCOUNTS[:2], 0)]

    for _ in range(STEPS):
        venue.step()
        if draw.random() < 0.02:
            venue.reload()
        venue.read_accounts()
        venue.pass_time(draw.choice((0.001, 0.05, 0.5, 2.0)))
        for client in clients:
            client.move()
            client.pump()

    _let_it_be_quiet(venue, clients)
    for client in clients:
        client.check_all()


def _let_it_be_quiet(venue: ModelVenue, clients: list[ModelClient]) -> None:
    for client in clients:
        client.is_bad = False
    venue.touch()
    for _ in range(QUIET_S * 2):
        venue.read_accounts(all_of_them=True)
        venue.pass_time(0.5)
        for client in clients:
            client.retry()
            client.pump()
