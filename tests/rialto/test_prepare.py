"""The files that the containers begin with."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rialto.embedded_redis import EmbeddedRedis, choose_port, render_config
from rialto.errors import RialtoError
from rialto.home import Home
from rialto.prepare import REDIS_DATA, REDIS_PORT, main, prepare_containers
from rialto.versions import RedisBinary
from shared.settings import load_settings


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}


def test_the_services_find_redis_through_the_settings_file(tmp_path: Path) -> None:
    config = tmp_path / "rialto.toml"
    prepare_containers(config)
    password = (tmp_path / "secrets" / "redis_password").read_text().strip()
    settings = load_settings(environ={"RIALTO_CONFIG": str(config)})
    assert settings.redis_url == f"redis://:{password}@redis:6379/0"
    assert f"\nrequirepass {password}\n" in (tmp_path / "redis.conf").read_text()
    assert settings.limits_redis_url == f"redis://:{password}@limits:6379/0"
    assert f"\nrequirepass {password}\n" in (tmp_path / "limits.conf").read_text()


def test_the_history_finds_its_database_through_the_settings_file(tmp_path: Path) -> None:
    config = tmp_path / "rialto.toml"
    prepare_containers(config)
    password = (tmp_path / "secrets" / "postgres_password").read_text().strip()
    settings = load_settings(environ={"RIALTO_CONFIG": str(config)})
    assert settings.history_database_url == f"postgresql://rialto:{password}@postgres/rialto"
    assert password != (tmp_path / "secrets" / "redis_password").read_text().strip()


def test_the_redis_of_limits_keeps_nothing_and_cannot_grow(tmp_path: Path) -> None:
    prepare_containers(tmp_path / "rialto.toml")
    lines = (tmp_path / "limits.conf").read_text().splitlines()
    wanted = {"appendonly no", 'save ""', "maxmemory 64mb", "maxmemory-policy allkeys-lru"}
    assert wanted <= set(lines)


def test_redis_gets_the_settings_of_the_embedded_one(tmp_path: Path) -> None:
    prepare_containers(tmp_path / "rialto.toml")
    password = (tmp_path / "secrets" / "redis_password").read_text().strip()
    binary = RedisBinary(Path("redis-server"), "redis", (7, 0, 0))
    embedded = render_config(
        EmbeddedRedis(binary, Home(tmp_path / "other"), choose_port(), password)
    )
    written = (tmp_path / "redis.conf").read_text()
    differing = set(written.splitlines()) - set(embedded.splitlines())
    assert {line.split()[0] for line in differing} == {"#", "port", "dir"}
    assert {f"port {REDIS_PORT}", f"dir {REDIS_DATA}"} <= differing


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    prepare_containers(tmp_path / "rialto.toml")
    before = read(tmp_path)
    prepare_containers(tmp_path / "rialto.toml")
    assert len(before) == 3
    assert read(tmp_path) == before


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    prepare_containers(tmp_path / "rialto.toml")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RialtoError, match="cannot write to its folder"):
        prepare_containers(tmp_path / "file" / "rialto.toml")


def test_the_program_asks_for_the_name_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 1
    assert capsys.readouterr().err == "RIALTO_CONFIG must name the file to write.\n"


def test_the_program_writes_the_file_that_it_is_told(tmp_path: Path) -> None:
    config = tmp_path / "new" / "rialto.toml"
    environ = {**os.environ, "RIALTO_CONFIG": str(config)}
    subprocess.run([sys.executable, "-m", "rialto.prepare"], env=environ, check=True)
    assert config.read_text().startswith('redis_url = "redis://')
