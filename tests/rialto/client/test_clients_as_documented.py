"""The example of docs/PROTOCOL.md, run as it stands by a Python of its own."""

import re
import subprocess
import sys

from tests.conftest import ROOT
from tests.rialto.client.conftest import Venue

PATIENCE_S = 60.0
DOCUMENTED_URL = "http://127.0.0.1:8000"


def test_the_example_trades(venue: Venue) -> None:
    section = (ROOT / "docs" / "PROTOCOL.md").read_text().split("\n### Python\n")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    assert DOCUMENTED_URL in found[1]
    done = subprocess.run(
        [sys.executable, "-c", found[1].replace(DOCUMENTED_URL, venue.url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "open [('101.5', '10')]",
        "cancelled",
        "UNKNOWN_ORDER",
    ]
