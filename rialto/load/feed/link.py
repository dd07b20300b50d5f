"""The crowd as the measuring process sees it: an order, and what is answered.

The rule of this file: an order that is not carried out ends the measurement with what the crowd
said last.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from rialto.errors import RialtoError
from rialto.load.feed import plan
from rialto.processes import leashed
from rialto.throwaway import Throwaway
from shared.tasks import spawn, stop

END_DEADLINE_S = 5.0  # Of one that has no more orders; the leash ends it should we be killed.
PATIENCE_S = 120.0  # Of 10,000 clients that come in, on a machine that is busy with other things.

_decode_answer = msgspec.json.Decoder(plan.Answer).decode
_decode_recorded = msgspec.msgpack.Decoder(plan.Recorded).decode


class CrowdLink:
    """A crowd of its own for the broadcaster on `port`; an async context manager."""

    def __init__(self, place: Throwaway, port: int) -> None:
        self._place = place
        self._port = port
        self._file = Path(place.home.folder) / "recorded"
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[plan.Done | None] = asyncio.Queue()
        self.on_progress: Callable[[int], None] = _nobody_asks

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was entered"
        return self._process.pid

    async def __aenter__(self) -> "CrowdLink":
        self._process = await asyncio.create_subprocess_exec(
            *leashed([sys.executable, "-P", "-m", "rialto.load.feed", str(self._port)]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._place.environ,
        )
        self._listener = spawn(self._listen(self._process), "crowd-link")
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        assert process is not None, "it was entered"
        assert process.stdin is not None, "it was given a pipe"
        process.stdin.close()  # It ends with its orders.
        try:
            async with asyncio.timeout(END_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await stop(self._listener)

    async def order(self, order: plan.Order) -> int:
        """Have an order carried out; return how long that took, in ns. Raises RialtoError."""
        process = self._process
        assert process is not None, "it was entered"
        assert process.stdin is not None, "it was given a pipe"
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._answers.get()
        except TimeoutError:
            raise RialtoError(f"The crowd did not carry out {type(order).__name__}.") from None
        if answer is None:
            assert process.stderr is not None, "it was given a pipe"
            words = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
            raise RialtoError(f"The crowd ended: {words[-1] if words else 'it said nothing'}")
        return answer.elapsed_ns

    async def recorded(self) -> plan.Recorded:
        """Stop recording; return what was recorded."""
        await self.order(plan.Stop(str(self._file)))
        return _decode_recorded(self._file.read_bytes())

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "it was given a pipe"
        while line := await process.stdout.readline():
            answer = _decode_answer(line)
            if isinstance(answer, plan.Progress):
                self.on_progress(answer.changes)
            else:
                self._answers.put_nowait(answer)
        self._answers.put_nowait(None)


def _nobody_asks(_changes: int) -> None:
    """The default: progress that was not asked for."""
