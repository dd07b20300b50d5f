"""A run of tiny services under the real supervisor: `python -m tests.rialto.tiny_run HOME PLAN`.

PLAN is a JSON list of objects with `name`, `code` (Python source of the child) and the plain
fields of a ServiceSpec. "{home}" inside the code is the home's folder.
"""

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

from rialto.console import Voice
from rialto.errors import RialtoError
from rialto.home import Home, locked, open_home, prepare
from rialto.runs import end_leftovers, new_run, remove_run
from rialto.service import ServiceSpec
from rialto.supervisor import Supervisor
from rialto.versions import record_writer


def spec_of(home: Home, plan: dict[str, Any]) -> ServiceSpec:
    fields = {**plan, "needs": tuple(plan.get("needs", ()))}
    code = fields.pop("code").replace("{home}", str(home.folder))
    return ServiceSpec(argv=(sys.executable, "-c", code), **fields)


def run(home: Home, plans: list[dict[str, Any]]) -> None:
    with Voice() as voice, locked(home), contextlib.ExitStack() as stack:
        record_writer(home, None)
        prepare(home)
        end_leftovers(home)
        stack.callback(remove_run, home)
        supervisor = Supervisor(
            [spec_of(home, plan) for plan in plans],
            home,
            new_run("redis://nowhere", {}, {}),
            voice,
            on_all_ready=lambda: voice.say("all ready"),
        )
        asyncio.run(supervisor.run())


if __name__ == "__main__":
    # Tests that run under nohup hand on that it is ignored, and the supervisor heeds that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        run(open_home(sys.argv[1]), json.loads(sys.argv[2]))
    except RialtoError as error:
        sys.exit(str(error))
