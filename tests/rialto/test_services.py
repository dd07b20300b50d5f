"""What the services are started with."""

import os
from pathlib import Path

import pytest

from rialto.home import Home
from rialto.services import exchange_specs, service_environ
from shared.settings import Settings, load_settings


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
