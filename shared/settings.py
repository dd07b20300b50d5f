"""Every setting of Rialto: its default, its bounds, what it means, and where its value came from.

The rule of this file: what is not declared here is no setting. Later sources win: defaults, then
rialto.toml in the current directory (or the file that RIALTO_CONFIG names), then the environment,
then flags. A value out of bounds or a name that nobody knows stops the program with one sentence.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from shared.networks import reachable_host
from shared.settings_faults import FAUCET_AMOUNT, FAULTS, split_origins
from shared.settings_fields import SECRET, SettingsError, describe, redact_url
from shared.settings_history import HistorySettings
from shared.settings_outside import OUTSIDE_FAULTS, OutsideSettings
from shared.settings_sources import CONFIG_VARIABLE, OTHER_VARIABLES, found_values

__all__ = [
    "CONFIG_VARIABLE",
    "FIELDS",
    "OTHER_VARIABLES",
    "Loaded",
    "Settings",
    "SettingsError",
    "load_settings",
    "load_with_sources",
    "shown_value",
    "split_origins",
]

# Each takes a core when it is busy, and every event from Redis: more are for more machines.
BROADCASTERS_MAX = 16
PORT_MAX = 65_535

Port = Annotated[int, Meta(ge=1, le=PORT_MAX)]


class Settings(HistorySettings, frozen=True, kw_only=True):
    """All settings, checked. A path is relative to the current directory."""

    home: Annotated[
        str, Meta(min_length=1, description="The folder that holds everything that lasts.")
    ] = ".rialto"
    venue: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
            description="The name of this exchange; it is part of every key in Redis.",
        ),
    ] = "rialto"
    redis_url: Annotated[
        str,
        Meta(
            description="The Redis to use, or REDIS_URL. Empty: an embedded one is started.",
            extra=SECRET,
        ),
    ] = ""
    limits_redis_url: Annotated[
        str,
        Meta(
            description="The Redis of rate limits, revoked sessions and tickets, apart from the "
            "ledger. Empty: database 1 of the same server.",
            extra=SECRET,
        ),
    ] = ""
    database_url: Annotated[
        str,
        Meta(
            description="The SQL database of the users. Empty: the SQLite file users.db in home.",
            extra=SECRET,
        ),
    ] = ""
    api_host: Annotated[str, Meta(min_length=1, description="The gateway listens here.")] = (
        "127.0.0.1"
    )
    api_port: Annotated[Port, Meta(description="The gateway's port.")] = 8000
    admin_host: Annotated[
        str, Meta(min_length=1, description="The admin routes listen here: keep it private.")
    ] = "127.0.0.1"
    admin_port: Annotated[Port, Meta(description="The port of the admin routes.")] = 8001
    ws_host: Annotated[str, Meta(min_length=1, description="The broadcaster listens here.")] = (
        "127.0.0.1"
    )
    ws_port: Annotated[Port, Meta(description="The broadcaster's port.")] = 8080
    broadcasters: Annotated[
        int,
        Meta(
            ge=1,
            le=BROADCASTERS_MAX,
            description="How many broadcasters `rialto up` runs; all of them share ws_port.",
        ),
    ] = 1
    ws_private_port: Annotated[
        Port,
        Meta(
            description="Each of several broadcasters answers for itself on loopback: the first "
            "at this port, the others at the next ones."
        ),
    ] = 8081
    log: Annotated[
        str,
        Meta(
            description="The log level, then levels of single modules: `info,engine.service=debug`."
        ),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "text", "json"],
        Meta(description="`auto` is text on a terminal and JSON otherwise."),
    ] = "auto"
    token_lifetime_s: Annotated[
        int, Meta(ge=1, le=86_400, description="How long an access token is good for.")
    ] = 900
    refresh_lifetime_s: Annotated[
        int,
        Meta(
            ge=60,
            le=31_536_000,
            description="How long a login lasts; refreshing does not add to it.",
        ),
    ] = 2_592_000
    docs_enabled: Annotated[bool, Meta(description="Whether the gateway serves /docs.")] = True
    demo_markets: Annotated[
        bool, Meta(description="Whether an empty exchange gets TATA_INR and JIO_INR.")
    ] = True
    engine_owner: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[A-Za-z0-9._:-]*$",
            description="The engine's name in its lease. Empty: unique per process.",
        ),
    ] = ""
    lease_ttl_ms: Annotated[
        int, Meta(ge=300, le=60_000, description="A silent engine loses its lease after this.")
    ] = 2_000
    standby: Annotated[
        bool,
        Meta(
            description="Whether `rialto up` runs a second engine that checks the first, and takes "
            "over."
        ),
    ] = True
    snapshot_dir: Annotated[
        str, Meta(description="The folder of verified snapshots. Empty: snapshots in home.")
    ] = ""
    snapshot_interval_s: Annotated[
        int, Meta(ge=0, le=86_400, description="How often the standby writes one; 0 is never.")
    ] = 300
    snapshots_kept: Annotated[
        int, Meta(ge=2, le=1_000, description="How many snapshots stay; the oldest go first.")
    ] = 3
    batch_commands_max: Annotated[
        int, Meta(ge=1, le=4_096, description="The most commands that one commit holds.")
    ] = 512
    backlog_commands_max: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="With more commands waiting, the gateway says 503."),
    ] = 20_000
    reply_timeout_ms: Annotated[
        int,
        Meta(
            ge=10, le=60_000, description="After this the gateway answers 202 and a place to ask."
        ),
    ] = 2_000
    idempotency_window_s: Annotated[
        int,
        Meta(
            ge=1, le=604_800, description="How long a key's answer is kept, by the journal's time."
        ),
    ] = 86_400
    idempotency_keys_max: Annotated[
        int, Meta(ge=1, le=10_000_000, description="The most keys kept; the oldest go first.")
    ] = 1_000_000
    closed_orders_max: Annotated[
        int, Meta(ge=0, le=10_000_000, description="The most closed orders that can be asked for.")
    ] = 100_000
    recent_trades_max: Annotated[
        int, Meta(ge=1, le=100_000, description="The most recent trades kept for each market.")
    ] = 1_000
    archive_dir: Annotated[
        str, Meta(description="The folder of the archived journal. Empty: archive in home.")
    ] = ""
    ws_allowed_origins: Annotated[
        str,
        Meta(
            description="Web pages that may connect by WebSocket, to the feed and to enter orders: "
            "origins, comma between."
        ),
    ] = ""
    withdrawal_delay_s: Annotated[
        int,
        Meta(
            ge=0,
            le=2_592_000,
            description="A withdrawal cannot be approved before it has waited so long.",
        ),
    ] = 0
    faucet_enabled: Annotated[
        bool,
        Meta(description="Whether everybody gets play money for the asking. Never on a real one."),
    ] = False
    faucet_amounts: Annotated[
        str,
        Meta(description="What the faucet gives of each asset once a day: amounts, comma between."),
    ] = "INR=100000,TATA=1000,JIO=1000"
    cors_allowed_origins: Annotated[
        str,
        Meta(description="Web pages that may call the gateway: origins, comma between."),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Proxies whose X-Forwarded-For is believed: addresses or networks, comma "
            "between."
        ),
    ] = ""
    limit_weight_minute: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000_000,
            description="Weight of requests a minute, for each address and account; 0 is no limit.",
        ),
    ] = 6_000
    limit_orders_10s: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Orders in ten seconds, for each account and key; 0 is no limit.",
        ),
    ] = 20_000
    limit_orders_10s_address: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Orders in ten seconds, for each address; 0 is no limit.",
        ),
    ] = 100_000
    limit_orders_day: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000_000,
            description="Orders a day, for each account and key; 0 is no limit.",
        ),
    ] = 10_000_000
    limit_refusals_minute: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="An address with more refusals for its limits a minute is banned; 0 never.",
        ),
    ] = 100

    def __repr__(self) -> str:
        """Show every value but the secrets, so that a settings object may be logged."""
        shown = (f"{name}={shown_value(self, name)!r}" for name in self.__struct_fields__)
        return f"Settings({', '.join(shown)})"

    @property
    def home_path(self) -> Path:
        return Path(self.home).expanduser()

    @property
    def archive_path(self) -> Path:
        return self._folder(self.archive_dir, "archive")

    @property
    def snapshot_path(self) -> Path:
        return self._folder(self.snapshot_dir, "snapshots")

    @property
    def parquet_path(self) -> Path:
        return self._folder(self.parquet_dir, "parquet")

    @property
    def flights_path(self) -> Path:
        return self._folder(self.flights_dir, "flights")

    def _folder(self, named: str, usual: str) -> Path:
        return Path(named).expanduser() if named else self.home_path / usual

    @property
    def probed_feed_url(self) -> str:
        """Where an aggregator listens to itself; empty where nothing is measured."""
        if not self.metrics_enabled:
            return ""
        host = reachable_host(self.ws_host)
        host = f"[{host}]" if ":" in host else host
        return self.metrics_feed_url or f"ws://{host}:{self.ws_port}/ws"

    @property
    def faucet(self) -> dict[str, str]:
        """What the faucet gives, by asset."""
        return dict(FAUCET_AMOUNT.findall(self.faucet_amounts))

    @property
    def ws_private_ports(self) -> range:
        """The ports of the broadcasters' own doors, none where one has ws_port for itself."""
        count = self.broadcasters if self.broadcasters > 1 else 0
        return range(self.ws_private_port, self.ws_private_port + count)

    @property
    def ws_origins(self) -> tuple[str, ...]:
        return split_origins(self.ws_allowed_origins)

    @property
    def cors_origins(self) -> tuple[str, ...]:
        return split_origins(self.cors_allowed_origins)


# In the order of their declaration: the exchange's own, the history's, those of outside exchanges.
FIELDS = dict(
    sorted(
        describe(Settings).items(),
        key=lambda named: (
            named[0] in OutsideSettings.__struct_fields__,
            named[0] in HistorySettings.__annotations__,
        ),
    )
)


class Loaded(NamedTuple):
    """The settings, and by name where each value came from: default, file, variable or flag."""

    settings: Settings
    sources: dict[str, str]


def load_settings(
    flags: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings; raise SettingsError with one sentence if they cannot be used."""
    return load_with_sources(flags, environ).settings


def load_with_sources(
    flags: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Return the settings with the source of each; environ is the process's own by default."""
    environ = os.environ if environ is None else environ
    settings = Settings()
    sources = dict.fromkeys(FIELDS, "default")
    for found in found_values(FIELDS, environ, flags or {}):
        value = FIELDS[found.name].check(found.value, found.source)
        settings = msgspec.structs.replace(settings, **{found.name: value})
        sources[found.name] = found.source
    _check_texts(settings, sources)
    _check_together(settings)
    return Loaded(settings, sources)


def shown_value(settings: Settings, name: str) -> object:
    """Return a value as it may be printed: passwords inside URLs are starred out."""
    value = getattr(settings, name)
    return redact_url(value) if FIELDS[name].secret and value else value


def _check_texts(settings: Settings, sources: Mapping[str, str]) -> None:
    for name, fault_of in (FAULTS | OUTSIDE_FAULTS).items():
        if fault := fault_of(getattr(settings, name)):
            raise SettingsError(f"{name} {fault} (from {sources[name]}).")


def _check_together(settings: Settings) -> None:
    ports = {name: getattr(settings, name) for name in ("api_port", "admin_port", "ws_port")}
    rows = {
        "ws_private_port": settings.ws_private_ports,
        "aggregator_port": settings.aggregator_ports,
        "history_port": range(
            settings.history_port, settings.history_port + settings.history_enabled
        ),
        "venues_port": range(settings.venues_port, settings.venues_port + settings.offline),
    }
    own = [port for row in rows.values() for port in row]
    if len({*ports.values(), *own}) < len(ports) + len(own) or max(own, default=0) > PORT_MAX:
        listed = ", ".join(f"{name} {port}" for name, port in ports.items())
        for name, row in rows.items():
            if len(row) == 1:
                listed += f", {name} {row[0]}"
            elif row:
                listed += f", {name} {row[0]} to {row[-1]}"
        raise SettingsError(f"Each listener needs a port of its own, not {listed}.")
    if settings.batch_commands_max > settings.backlog_commands_max:
        raise SettingsError("batch_commands_max must not be larger than backlog_commands_max.")
    if fault := settings.sharing_fault():
        raise SettingsError(fault)
