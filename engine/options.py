"""From the settings of everybody to the options of the engine's parts.

The rule of this file: engine, standby and verification get their limits here, for what they compute
agrees only if these do.
"""

from engine.core.exchange import Limits
from engine.rows import DATA_VERSION
from engine.service import EngineOptions
from engine.snapshots import program_version
from engine.standby import StandbyOptions
from shared.settings import Settings

NS_PER_S = 1_000_000_000


def limits_of(settings: Settings) -> Limits:
    return Limits(
        idempotency_window_ns=settings.idempotency_window_s * NS_PER_S,
        idempotency_keys_max=settings.idempotency_keys_max,
        closed_orders_max=settings.closed_orders_max,
    )


def program_of(settings: Settings) -> str:
    """Name what decides, beside the journal, what an engine makes of it.

    The version of the data is raised with the commands that an engine knows, so it is named too.
    """
    limits = limits_of(settings)
    memory = f"{limits.idempotency_window_ns} {limits.idempotency_keys_max}"
    return f"{program_version()} {DATA_VERSION} {memory} {limits.closed_orders_max}"


def engine_options(settings: Settings) -> EngineOptions:
    return EngineOptions(
        lease_ttl_ms=settings.lease_ttl_ms,
        batch_commands_max=settings.batch_commands_max,
        recent_trades_max=settings.recent_trades_max,
        limits=limits_of(settings),
    )


def standby_options(settings: Settings, owner: str) -> StandbyOptions:
    """Return the options of a standby that calls itself `owner` in its lease."""
    return StandbyOptions(
        owner=owner,
        limits=limits_of(settings),
        program=program_of(settings),
        snapshot_folder=settings.snapshot_path if settings.snapshot_interval_s else None,
        snapshot_every_s=settings.snapshot_interval_s,
        snapshots_kept=settings.snapshots_kept,
    )
