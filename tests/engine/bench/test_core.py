"""The benchmark of the core plays a whole day, the same one each time."""

from engine.bench.core import run

COMMANDS = 1_500  # A few batches.


def test_a_run_gives_figures_and_always_the_same_exchange() -> None:
    first, second = run(COMMANDS), run(COMMANDS)
    assert first.commands == COMMANDS
    assert first.commands_per_s > 0
    assert first.packed_commands_per_s > 0
    assert first.state_hash == second.state_hash
    assert first.events_bytes == second.events_bytes > 0
