"""The Dockerfile and docker-compose.yml keep what they promise, read as text and as YAML.

The files are tried with a real engine by hand; here is what a later change must not undo.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rialto.healthcheck import CHECKS
from rialto.prepare import (
    LIMITS_HOST,
    POSTGRES_DATA,
    POSTGRES_HOST,
    POSTGRES_USER,
    REDIS_DATA,
    REDIS_HOST,
)
from shared.settings import FIELDS

ROOT = Path(__file__).resolve().parent.parent
OURS = ("prepare", "archive", "engine", "standby", "api", "broadcaster", "history", "aggregator")
LASTING = ("redis", "limits", "postgres", *OURS[1:])
# These are settled by the file itself; a value from outside would only break it.
SETTLED = frozenset(
    {
        *(
            "home",
            "redis_url",
            "limits_redis_url",
            "archive_dir",
            "snapshot_dir",
            "flights_dir",
            "parquet_dir",
            "metrics_feed_url",
            "engine_owner",
            "standby",
        ),
        # One to a container: see docs/OPERATIONS.md, Several broadcasters.
        *("broadcasters", "ws_private_port", "aggregators", "aggregator_venues"),
        *("aggregator_enabled", "aggregator_host", "aggregator_port"),
        *("history_enabled", "history_host", "history_port", "history_url"),
        # Only `rialto up` starts simulated venues; to call others there is venues_address.
        *("offline", "venues_port"),
        *("api_host", "api_port", "admin_host", "admin_port", "ws_host", "ws_port"),
    }
)
# What docker-compose 1.29 and Compose v2 both know; one word more and 1.29 refuses the file.
SERVICE_WORDS = frozenset(
    {
        *("build", "image", "pull_policy", "command", "environment", "init", "user", "volumes"),
        *("networks", "ports", "depends_on", "healthcheck", "restart", "stop_grace_period"),
        *("cap_drop", "read_only", "security_opt", "tmpfs"),
        *("logging", "mem_limit", "pids_limit", "ulimits"),
    }
)


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


@cache
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text("utf-8")


def test_both_generations_of_compose_take_the_file() -> None:
    words = {word for word in compose() if not word.startswith("x-")}
    assert words == {"services", "networks", "volumes"}  # No name: and no version:.
    for name, described in compose()["services"].items():
        assert set(described) <= SERVICE_WORDS, name


def test_the_services_are_those_of_the_house() -> None:
    assert set(compose()["services"]) == {"redis", "limits", "postgres", *OURS}
    assert set(CHECKS) == set(OURS) - {"prepare"}
    for name in CHECKS:
        module = "engine" if name in ("archive", "standby") else name
        assert re.search(rf"python -m {module}\b", " ".join(service(name)["command"]))


def test_one_image_is_built_once_and_never_pulled() -> None:
    assert {service(name)["image"] for name in OURS} == {"rialto:local"}
    assert [name for name in OURS if "build" in service(name)] == ["prepare"]
    assert {name: service(name)["pull_policy"] for name in OURS} == {
        name: "build" if name == "prepare" else "never" for name in OURS
    }


def test_redis_keeps_every_acknowledged_write() -> None:
    command = service("redis")["command"]
    options = dict(zip(command[2::2], command[3::2], strict=True))
    assert command[:2] == ["redis-server", "/var/lib/rialto-config/redis.conf"]
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert _bytes(options["--maxmemory"]) * 2 <= _bytes(service("redis")["mem_limit"])


def test_the_redis_of_limits_keeps_nothing_and_cannot_grow() -> None:
    limits = service("limits")
    options = dict(zip(limits["command"][2::2], limits["command"][3::2], strict=True))
    assert limits["command"][:2] == ["redis-server", "/var/lib/rialto-config/limits.conf"]
    assert (options["--appendonly"], options["--save"]) == ("no", "")
    assert options["--maxmemory-policy"] == "allkeys-lru"
    assert _bytes(options["--maxmemory"]) * 2 <= _bytes(limits["mem_limit"])
    assert limits["networks"] == ["core"]
    assert "ports" not in limits
    # The doors go on without it, so none of them waits for it.
    for name in ("api", "broadcaster"):
        assert service(name)["depends_on"]["limits"] == {"condition": "service_started"}


def _bytes(text: str) -> int:
    return int(text.rstrip("bgm")) << {"m": 20, "g": 30}[text.rstrip("b")[-1]]


def test_redis_is_on_the_inner_network_only_and_has_a_volume() -> None:
    redis = service("redis")
    assert "ports" not in redis
    assert redis["networks"] == ["core"]
    assert compose()["networks"]["core"] == {"internal": True}
    data = {"type": "volume", "source": "redis-data", "target": REDIS_DATA}
    # With nocopy the volume keeps the owner that `prepare` gave it.
    assert {**data, "volume": {"nocopy": True}} in redis["volumes"]
    assert "redis-data:/var/lib/rialto-redis" in service("prepare")["volumes"]


def test_postgres_is_on_the_inner_network_only_and_has_a_volume() -> None:
    postgres = service("postgres")
    assert "ports" not in postgres
    assert postgres["networks"] == ["core"]
    data = {"type": "volume", "source": "postgres-data", "target": POSTGRES_DATA}
    assert {**data, "volume": {"nocopy": True}} in postgres["volumes"]
    assert "postgres-data:/var/lib/rialto-postgres" in service("prepare")["volumes"]
    assert postgres["environment"]["POSTGRES_USER"] == POSTGRES_USER


def test_the_gateway_asks_the_history_where_it_listens() -> None:
    assert service("api")["environment"]["RIALTO_HISTORY_URL"] == "http://history:8070"
    assert service("history")["environment"]["RIALTO_HISTORY_HOST"] == "0.0.0.0"
    assert service("history")["networks"] == ["core"]
    assert "home:/var/lib/rialto:ro" in service("history")["volumes"]
    assert FIELDS["history_port"].default == 8070


def test_only_the_doors_are_published_and_on_loopback() -> None:
    published = {name: described.get("ports") for name, described in compose()["services"].items()}
    assert {name: ports for name, ports in published.items() if ports} == {
        "api": ["${RIALTO_API_HOST:-127.0.0.1}:${RIALTO_API_PORT:-8000}:8000"],
        "broadcaster": ["${RIALTO_WS_HOST:-127.0.0.1}:${RIALTO_WS_PORT:-8080}:8080"],
    }
    on_the_edge = {name for name in published if "edge" in service(name)["networks"]}
    assert on_the_edge == {"api", "broadcaster"}


@pytest.mark.parametrize("name", ["redis", "limits", "postgres", *OURS])
def test_nothing_runs_as_root_or_may_become_root(name: str) -> None:
    described = service(name)
    user = described.get("user") or re.findall(r"^USER (.+)$", dockerfile(), re.MULTILINE)[-1]
    assert user == "10001:10001"
    assert described["cap_drop"] == ["ALL"]
    assert "cap_add" not in described
    assert described["read_only"] is True
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert described["mem_limit"]
    assert described["pids_limit"]


@pytest.mark.parametrize("name", LASTING)
def test_a_service_is_watched_and_comes_back(name: str) -> None:
    described = service(name)
    assert described["restart"] == "unless-stopped"
    assert described["stop_grace_period"]
    test = described["healthcheck"]["test"]
    if name in CHECKS:
        assert test == ["CMD", "python", "-m", "rialto.healthcheck", name]
        assert described["depends_on"]["redis"] == {"condition": "service_healthy"}
    else:
        asked = "pg_isready" if name == "postgres" else "redis-cli ping"
        assert asked in test[1]
        assert described["depends_on"] == {
            "prepare": {"condition": "service_completed_successfully"}
        }


def test_every_setting_is_passed_on_or_settled() -> None:
    passed = {
        variable.removeprefix("RIALTO_").lower()
        for name in CHECKS
        for variable, value in service(name)["environment"].items()
        if value is None
    }
    assert passed | SETTLED == set(FIELDS)
    assert not passed & SETTLED


def test_the_doors_listen_inside_and_the_admin_door_stays_private() -> None:
    assert service("api")["environment"]["RIALTO_API_HOST"] == "0.0.0.0"
    assert service("broadcaster")["environment"]["RIALTO_WS_HOST"] == "0.0.0.0"
    for name in CHECKS:
        assert "RIALTO_ADMIN_HOST" not in service(name)["environment"]


def test_only_the_aggregator_has_a_way_out_and_nobody_comes_in_there() -> None:
    on_the_way = [name for name in compose()["services"] if "outside" in service(name)["networks"]]
    assert on_the_way == ["aggregator"]
    assert "ports" not in service("aggregator")
    assert not any("home:" in str(volume) for volume in service("aggregator")["volumes"])


def test_the_broadcaster_cannot_change_what_lasts() -> None:
    assert "home:/var/lib/rialto:ro" in service("broadcaster")["volumes"]
    assert not any("home:" in str(volume) for volume in service("engine")["volumes"])


def test_no_secret_is_written_in_the_files() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8") + dockerfile()
    assert not re.search(r"requirepass|PASSWORD\s*[:=]|redis://", text)
    assert {REDIS_HOST, LIMITS_HOST, POSTGRES_HOST} <= set(compose()["services"])


def test_the_image_holds_only_what_is_named() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule[1:] for rule in rules if rule.startswith("!")}
    sources = re.findall(r"^COPY (?!--)(.+)$", dockerfile(), re.MULTILINE)
    copied = set(re.findall(r"[\w.]+", " ".join(sources)))
    assert copied - {"."} == named


def test_the_dependencies_are_pinned_and_a_layer_of_their_own() -> None:
    text = dockerfile()
    assert "--constraint requirements.lock" in text
    assert text.index("--constraint") < text.index("COPY shared")
    assert "PYTHONUNBUFFERED=1" in text
    assert "PYTHONOPTIMIZE" not in text  # The asserts of the engine stay on.
