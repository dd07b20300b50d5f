"""The README as a newcomer types it: every command of the tour, on a whole exchange.

The rule of this file: the commands are read from the README itself; only the ports are other ones.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rialto.embedded_redis import choose_port
from rialto.processes import leashed
from tests.support.deadlines import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOUR_DEADLINE_S = 60.0
DOORS = {"api": "8000", "admin": "8001", "ws": "8080"}


@contextmanager
def exchange(home: Path, environ: dict[str, str]) -> Iterator[None]:
    """`rialto up` for as long as the block lasts."""
    log = home.parent / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            leashed([sys.executable, "-m", "rialto", "up"]),
            env=environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: "Rialto is up" in log.read_text())
        yield
    finally:
        process.terminate()
        assert process.wait(TOUR_DEADLINE_S) == 0


def here(text: str, environ: dict[str, str]) -> str:
    """Return the README's text with this test's ports and virtual environment."""
    for door, port in DOORS.items():
        text = text.replace(
            f"127.0.0.1:{port}", f"127.0.0.1:{environ[f'RIALTO_{door.upper()}_PORT']}"
        )
    return text.replace(". .venv/bin/activate", f"PATH={Path(sys.executable).parent}:$PATH")


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def run(argv: list[str], environ: dict[str, str]) -> str:
    ended = subprocess.run(
        argv, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=TOUR_DEADLINE_S
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_every_command_of_the_tour_does_what_the_readme_says(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ports = {f"RIALTO_{door.upper()}_PORT": str(choose_port()) for door in DOORS}
    environ = {**os.environ, **ports, "RIALTO_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environ["RIALTO_AGGREGATOR_PORT"] = str(choose_port())
    environ["RIALTO_HISTORY_PORT"] = str(choose_port())
    environ["RIALTO_VENUES_ADDRESS"] = "127.0.0.1:1"  # Nobody's internet is needed, or touched.
    tour = "set -e\n" + "\n".join(here(block, environ) for block in blocks("bash"))
    with exchange(home, environ):
        said = run(["bash", "-c", tour], environ)
        trades, kept, traded = (
            run([sys.executable, "-c", here(block, environ)], environ)
            for block in blocks("python")[:3]
        )
    assert '"username":"bob","account_id":' in said
    assert '"status":"open"' in said, "Alice's order rests"
    assert '"status":"filled"' in said, "Bob's is filled"
    assert '"replayed":true' in said
    assert '"INR":{"available":"4594","held":"0"' in said, "4 at 101.50, not at 102"
    assert '"type":"delta"' in said, "the book changes while one looks"
    assert '"bids":[],"asks":[["101.5","6"]]' in said
    assert '"channel":"depth:TATA_INR"' in said
    assert '"channel":"account"' in said
    assert '"reason":"market_remainder"' not in said, "the budget is spent as far as it goes"
    assert '"type":"stop","time_in_force":"gtc","status":"pending"' in said
    assert '"type":"trailing_stop","time_in_force":"gtc","status":"pending"' in said
    assert '"display_quantity":"1"' in said, "the iceberg rests"
    assert '"reason":"fok_not_fillable"' in said, "Alice does not trade with herself"
    assert '"stop_price":"96"' in said, "Bob's stop has moved"
    assert '{"count":3,' in said, "his bid and his two stops are taken back"
    assert "difference" in said, "the proof has been shown"
    assert '"limit":{' in said, "one cancels the other"
    assert '"results":[{"status":201' in said, "the batch is answered command by command"
    assert '"valid":true' in said
    assert '"cancel_at_ns":' in said
    assert '"price":"94"' in said, "the bot's key signed well"
    assert '"status":"settled"' in said, "the money has left"
    assert '"interval":"1m"' in said
    assert '"average_price":' in said
    assert '"role":"taker"' in said, "Bob has taken"
    assert "withdrawal_settled" in said, "his statement tells where the money went"
    assert '"channel":"klines:TATA_INR:1s"' in said
    assert '"code":' not in said, "nothing was refused"
    assert traded.startswith("open ")
    assert traded.endswith("cancelled\n")
    assert '"channel":"trades:TATA_INR"' in trades
    assert '"quantity":"4"' in trades
    assert kept.startswith("bids [")
    assert "sequence" in kept


def test_the_core_can_be_used_alone_as_the_readme_shows() -> None:
    said = run([sys.executable, "-c", blocks("python")[3]], dict(os.environ))
    assert "TradeExecuted" in said
    assert said.endswith("(60000, 0)\n")


def test_every_file_that_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
