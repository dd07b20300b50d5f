"""What the services are started with."""

import os
import socket
from pathlib import Path

import msgspec
import pytest

from broadcaster.channels.hub import Hub
from broadcaster.sockets.server import FeedServer
from rialto.embedded_redis import choose_port
from rialto.errors import RialtoError
from rialto.home import Home
from rialto.services import (
    aggregator_ports,
    check_doors,
    exchange_specs,
    history_ports,
    private_ports,
    service_environ,
    urls,
    venues_ports,
    with_own_venues,
)
from shared.claims import Claims, TokenError
from shared.settings import Settings, load_settings
from tests.support.ports import ports_in_a_row


@pytest.mark.parametrize("content", ["log = ", "api_port = 1234", "no_such_setting = 1"])
def test_a_settings_file_that_changed_since_the_start_does_not_reach_the_services(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    settings = Settings(venue="moon", api_port=4321)
    named = tmp_path / "named.toml"
    environ = {**os.environ, "RIALTO_CONFIG": str(named)}
    ours = service_environ(environ, settings, home, "redis://here", "id")
    for file in (named, tmp_path / "rialto.toml"):
        file.write_text(content)
    loaded = load_settings(environ=ours)
    assert (loaded.venue, loaded.api_port) == ("moon", 4321)
    assert (loaded.home, loaded.redis_url) == (str(home.folder), "redis://here")


@pytest.mark.parametrize(("given", "there"), [({}, "1"), ({"MALLOC_ARENA_MAX": "4"}, "4")])
def test_threads_of_a_service_share_a_heap_unless_somebody_says_otherwise(
    given: dict[str, str], there: str, tmp_path: Path
) -> None:
    ours = service_environ(given, Settings(), Home(tmp_path), "redis://here", "id")
    assert ours["MALLOC_ARENA_MAX"] == there


def test_several_broadcasters_share_a_port_and_each_has_one_of_its_own(tmp_path: Path) -> None:
    settings = Settings(broadcasters=3, ws_private_port=9100)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    names = {
        spec.name: spec.argv[-2:] for spec in exchange_specs(settings, environ, "redis://here", ())
    }
    ours = {name: words for name, words in names.items() if name.startswith("broadcaster")}
    assert ours == {
        "broadcaster": ("broadcaster", "1"),
        "broadcaster-2": ("broadcaster", "2"),
        "broadcaster-3": ("broadcaster", "3"),
    }
    assert private_ports(settings) == {
        "broadcaster": 9100,
        "broadcaster-2": 9101,
        "broadcaster-3": 9102,
    }
    assert urls(settings)["broadcaster-2"] == "http://127.0.0.1:9101"
    assert set(urls(Settings())) == {"api", "admin", "ws"}, "one has nothing to share"


async def test_each_of_several_is_ready_by_its_own_door(tmp_path: Path) -> None:
    settings = Settings(ws_port=choose_port(), ws_private_port=ports_in_a_row(2), broadcasters=2)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = exchange_specs(settings, environ, "redis://here", ())
    one, two = [spec for spec in specs if spec.name.startswith("broadcaster")]
    everything, nothing = FeedServer(Hub(), believe_nobody), FeedServer(Hub(), believe_nobody)
    await everything.start("127.0.0.1", settings.ws_port, is_shared=True)
    assert not await one.ready(), "somebody answers at the shared port, who may be another"
    await everything.start("127.0.0.1", settings.ws_private_ports[0])
    assert (await one.ready(), await two.ready()) == (True, False)
    await nothing.start("127.0.0.1", settings.ws_port, is_shared=True)
    await nothing.start("127.0.0.1", settings.ws_private_ports[1])
    assert (await one.ready(), await two.ready()) == (True, True)
    await everything.close()
    assert (await one.ready(), await two.ready()) == (False, True)
    await nothing.close()


def test_the_aggregators_come_last_each_with_a_number_and_a_door(tmp_path: Path) -> None:
    settings = Settings(aggregators=2, aggregator_port=9200)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = exchange_specs(settings, environ, "redis://here", ("redis",))
    assert [(spec.name, spec.argv[-2:]) for spec in specs[-2:]] == [
        ("aggregator", ("aggregator", "1")),
        ("aggregator-2", ("aggregator", "2")),
    ]
    assert all(spec.needs == ("redis",) for spec in specs[-2:]), "and nobody's internet"
    assert aggregator_ports(settings) == {"aggregator": 9200, "aggregator-2": 9201}


def test_without_the_aggregator_there_is_none_and_no_port_of_it(tmp_path: Path) -> None:
    settings = Settings(aggregator_enabled=False)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = exchange_specs(settings, environ, "redis://here", ())
    assert not [spec for spec in specs if spec.name.startswith("aggregator")]
    assert aggregator_ports(settings) == {}


def test_the_history_runs_at_its_port_and_stops_after_the_engine(tmp_path: Path) -> None:
    settings = Settings(history_port=9300)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = {spec.name: spec for spec in exchange_specs(settings, environ, "redis://here", ("r",))}
    history = specs["history"]
    assert (history.argv[-1], history.address) == ("history", "http://127.0.0.1:9300")
    # What the engine still commits is recorded before Redis goes.
    assert specs["engine"].stop_rank < history.stop_rank
    assert history_ports(settings) == {"history": 9300}


def test_without_the_history_there_is_none_and_no_port_of_it(tmp_path: Path) -> None:
    settings = Settings(history_enabled=False)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = exchange_specs(settings, environ, "redis://here", ())
    assert "history" not in [spec.name for spec in specs]
    assert history_ports(settings) == {}


def test_the_historys_port_that_is_in_use_is_refused_with_its_setting() -> None:
    first = ports_in_a_row(5)
    settings = Settings(
        api_port=first,
        admin_port=first + 1,
        ws_port=first + 2,
        aggregator_port=first + 3,
        history_port=first + 4,
    )
    with (
        socket.create_server(("127.0.0.1", first + 4)),
        pytest.raises(RialtoError, match=f"Port {first + 4} .* set RIALTO_HISTORY_PORT to"),
    ):
        check_doors(settings)


def test_an_aggregators_port_that_is_in_use_is_refused_with_its_setting() -> None:
    port = choose_port()
    settings = Settings(
        api_port=choose_port(),
        admin_port=choose_port(),
        ws_port=choose_port(),
        aggregator_port=port,
    )
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(RialtoError, match=f"Port {port} .* set RIALTO_AGGREGATOR_PORT to"),
    ):
        check_doors(settings)
    check_doors(settings)


def believe_nobody(_token: str) -> Claims:
    raise TokenError("INVALID_TOKEN")


def test_a_port_of_several_that_is_in_use_is_refused_with_its_setting() -> None:
    first = ports_in_a_row(2)
    with socket.create_server(("127.0.0.1", first + 1)):
        free = Settings(
            api_port=choose_port(),
            admin_port=choose_port(),
            ws_port=choose_port(),
            ws_private_port=first,
            aggregator_enabled=False,
        )
        with pytest.raises(RialtoError, match=f"Port {first + 1} .* set RIALTO_WS_PRIVATE_PORT to"):
            check_doors(msgspec.structs.replace(free, broadcasters=2))
        check_doors(free)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_standby_is_an_engine_of_another_name_unless_switched_off(
    wanted: bool, tmp_path: Path
) -> None:
    settings = Settings(standby=wanted)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = {spec.name: spec for spec in exchange_specs(settings, environ, "redis://here", ())}
    assert ("standby" in specs) is wanted
    if wanted:
        engine, standby = specs["engine"], specs["standby"]
        assert standby.argv == engine.argv
        owners = [spec.environ["RIALTO_ENGINE_OWNER"] for spec in (engine, standby)]
        assert owners[1] == f"{owners[0]}-standby"
        assert list(specs).index("standby") > list(specs).index("engine")
        assert standby.stop_rank == engine.stop_rank, "it may be the one at work"


def test_offline_the_aggregator_follows_venues_that_run_beside_it(tmp_path: Path) -> None:
    # Given settings that say offline, and name another server.
    settings = Settings(offline=True, venues_port=9200, venues_address="elsewhere:1")
    settings = with_own_venues(settings)
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    specs = exchange_specs(settings, environ, "redis://here", ("redis",))
    # Then our own one is started, needs nothing, and comes before those who call it.
    names = [spec.name for spec in specs]
    assert names.index("venues") < names.index("aggregator")
    venues = specs[names.index("venues")]
    assert (venues.argv[-2:], venues.needs) == (("--port", "9200"), ())
    assert environ["RIALTO_VENUES_ADDRESS"] == "127.0.0.1:9200"
    assert venues_ports(settings) == {"venues": 9200}


def test_online_no_venues_are_started(tmp_path: Path) -> None:
    settings = with_own_venues(Settings(venues_address="elsewhere:1"))
    environ = service_environ({}, settings, Home(tmp_path), "redis://here", "id")
    assert "venues" not in [spec.name for spec in exchange_specs(settings, environ, "", ())]
    assert environ["RIALTO_VENUES_ADDRESS"] == "elsewhere:1"


def test_a_port_of_the_venues_that_is_in_use_is_refused() -> None:
    first = ports_in_a_row(4)
    with socket.create_server(("127.0.0.1", 0)) as door:
        settings = Settings(
            offline=True,
            venues_port=door.getsockname()[1],
            api_port=first,
            admin_port=first + 1,
            ws_port=first + 2,
            aggregator_port=first + 3,
        )
        with pytest.raises(RialtoError, match="RIALTO_VENUES_PORT"):
            check_doors(settings)
