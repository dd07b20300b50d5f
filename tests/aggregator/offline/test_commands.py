"""`rialto venues`: the program, as it is started."""

import asyncio
import signal
import socket
import sys

import pytest
import typer

from aggregator.offline.commands import venues_command
from rialto.probes import http_answers
from tests.support.deadlines import eventually_async
from tests.support.ports import ports_in_a_row


@pytest.mark.asyncio
async def test_the_program_is_ready_when_it_answers_and_ends_at_once_when_told() -> None:
    # Given the program on a free port.
    port = ports_in_a_row(1)
    words = ("-m", "aggregator.offline", "--port", str(port))
    program = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        # Then it says that it is well,
        await eventually_async(http_answers("127.0.0.1", port, "/health", status="200"))
        assert program.stdout is not None
        assert f"127.0.0.1:{port}: binance" in (await program.stdout.readline()).decode()
        # and ends in good order.
        program.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.wait(), 20) == 0
    finally:
        if program.returncode is None:
            program.kill()


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with pytest.raises(typer.Exit) as ended:
            venues_command(port=port)
    assert ended.value.exit_code == 1
    assert f"cannot be opened at 127.0.0.1:{port}" in capsys.readouterr().err


def test_without_a_port_it_listens_where_the_setting_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        monkeypatch.setenv("RIALTO_VENUES_PORT", str(port))
        with pytest.raises(typer.Exit):
            venues_command()
    assert f"cannot be opened at 127.0.0.1:{port}" in capsys.readouterr().err
