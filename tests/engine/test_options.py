"""What decides an engine's answers is part of its program's name."""

from engine.options import engine_options, limits_of, program_of, standby_options
from shared.settings import Settings


def test_other_limits_make_another_program() -> None:
    settings = Settings()
    others = [
        Settings(idempotency_window_s=1),
        Settings(idempotency_keys_max=1),
        Settings(closed_orders_max=1),
    ]
    names = {program_of(each) for each in (settings, *others)}
    assert len(names) == 4
    assert program_of(Settings(batch_commands_max=7, lease_ttl_ms=900)) == program_of(settings)


def test_engine_and_standby_have_the_same_limits() -> None:
    settings = Settings(idempotency_keys_max=5, snapshot_interval_s=0)
    options = standby_options(settings, "second")
    assert options.limits == engine_options(settings).limits == limits_of(settings)
    assert options.program == program_of(settings)
    assert options.snapshot_folder is None
