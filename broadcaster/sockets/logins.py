"""Checking the tokens of clients, with what takes long to load, in a feed where nobody may wait.

The rule of this file: it is loaded when the first token is shown, in a thread, and only whoever
logs in meanwhile waits for it. Cryptography is 11 MB and 60 ms, and a feed to which nobody logs in
has no use for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from broadcaster.clients.session import TokensNotReadyError, Verify
from shared.claims import Claims
from shared.tasks import spawn, stop


class Logins:
    """Verifies tokens, once `load` has returned what does; ask in a running loop."""

    def __init__(self, load: Callable[[], Verify]) -> None:
        self._load = load
        self._verify: Verify | None = None
        self._loading: asyncio.Task[None] | None = None
        self._waiting: deque[Callable[[], None]] = deque()

    def verify(self, token: str) -> Claims:
        """Return what a token says; raises TokenError, and TokensNotReadyError for the first."""
        if self._verify is not None:
            return self._verify(token)
        if self._loading is None:
            self._loading = spawn(self._load_and_tell(), "feed-logins")
        raise TokensNotReadyError(self._waiting.append)

    async def close(self) -> None:
        """Tell nobody any more."""
        self._waiting.clear()
        await stop(self._loading)

    async def _load_and_tell(self) -> None:
        self._verify = await asyncio.to_thread(self._load)
        loop = asyncio.get_running_loop()
        while self._waiting:
            loop.call_soon(self._waiting.popleft())
            await asyncio.sleep(0)  # Each costs a signature, and others have their turn between.
