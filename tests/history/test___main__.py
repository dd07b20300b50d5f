"""How the program begins and ends: exit codes and sentences."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from rialto.embedded_redis import choose_port
from shared.history_key import HEADER, history_key
from shared.home import history_database
from tests.support.deadlines import eventually
from tests.support.followed import Followed, followed_venue
from tests.support.processes import Service
from tests.support.redis_server import RedisServer

EXIT_CONFIGURATION = 78


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive", name="test") as followed:
        yield followed


def history(home: Path, redis_url: str, **settings: object) -> Service:
    home.mkdir(parents=True, exist_ok=True)
    values = {"redis_url": redis_url, "venue": "test", "history_port": choose_port(), **settings}
    return Service("history", home, values)


def in_step(service: Service) -> bool:
    service.fail_if_ended()
    return "history_is_in_step" in service.log_tail()


def answered(url: str, shown: dict[str, str]) -> httpx.Response | None:
    """What is answered there, None as long as nobody listens."""
    try:
        return httpx.get(url, headers=shown)
    except httpx.TransportError:
        return None


def is_well(answer: httpx.Response | None) -> bool:
    return answer is not None and answer.status_code == httpx.codes.OK


def test_it_ends_cleanly_when_it_is_told_to(followed: Followed, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # given
        service = history(tmp_path / number.name / "home", followed.venue.url)
        service.start()
        eventually(partial(in_step, service))
        # when
        service.signal(number)
        # then
        assert service.wait() == 0
        assert "history_stopped" in service.log_tail()


def test_its_figures_are_at_its_port(followed: Followed, tmp_path: Path) -> None:
    # given
    port = choose_port()
    service = history(tmp_path / "home", followed.venue.url, history_port=port)
    service.start()
    eventually(partial(in_step, service))
    # when
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    # then
    assert f"rialto_history_sequence {float(followed.sequence)}" in lines
    assert "rialto_history_outlet_unread 0" in lines
    assert "rialto_history_outlet_markets_left_out 0" in lines
    service.terminate()


def test_tickers_that_are_not_loaded_yet_are_no_empty_list(
    followed: Followed, redis_server: RedisServer, tmp_path: Path
) -> None:
    """They move with the venue, which has to be seen; until then nobody knows them."""
    # given
    port = choose_port()
    url = f"http://127.0.0.1:{port}/v1/tickers"
    shown = {HEADER: history_key(followed.venue.url)}
    service = history(tmp_path / "home", followed.venue.url, history_port=port)
    service.start()
    eventually(partial(in_step, service))
    assert httpx.get(url, headers=shown).json()["tickers"] == []
    service.terminate()
    # when
    redis_server.kill()
    service.start()
    eventually(lambda: answered(url, shown) is not None)
    answer = httpx.get(url, headers=shown)
    # then
    assert (answer.status_code, answer.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
    redis_server.start()
    eventually(lambda: is_well(answered(url, shown)))
    service.terminate()


def test_without_a_redis_it_says_what_to_set(tmp_path: Path) -> None:
    # given
    service = history(tmp_path / "home", "")
    # when
    service.start()
    # then
    assert service.wait() == EXIT_CONFIGURATION
    assert "There is no Redis to follow: set REDIS_URL" in service.log_tail()


def test_a_database_that_cannot_be_used_is_said_in_a_sentence(
    followed: Followed, tmp_path: Path
) -> None:
    # given
    home = tmp_path / "home"
    service = history(home, followed.venue.url)
    history_database(home).write_bytes(b"no database" * 1_000)
    # when
    service.start()
    # then
    assert service.wait() == EXIT_CONFIGURATION
    assert "The history's database cannot be opened" in service.log_tail()
    assert "Traceback" not in service.log_tail()


def test_a_history_of_another_venue_is_refused(followed: Followed, tmp_path: Path) -> None:
    # given
    followed.deposit(3)
    service = history(tmp_path / "home", followed.venue.url)
    service.start()
    eventually(partial(in_step, service))
    service.terminate()
    # when
    followed.empty()
    service.start()
    # then
    assert service.wait() == EXIT_CONFIGURATION
    assert "it is of another venue, or of a later time of this one." in service.log_tail()
    assert "Traceback" not in service.log_tail()
