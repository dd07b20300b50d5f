"""Looking in SQL for sessions that were revoked, whoever did it.

The rule of this file: SQL is the truth, so what is found there counts here and is announced to the
others, for whoever ended the session may have died before telling anybody, or not reached Redis.
"""

import asyncio
import contextlib

from api.edge.errors import ApiError
from api.identity.sessions import Sessions
from shared.revocations import Revocations
from shared.tasks import spawn, stop

INTERVAL_S = 2.0  # One indexed read; so long may a revocation be unknown where Redis is away.
OVERLAP_S = 60  # A transaction that began long ago is committed now; clocks differ a little.


class RevocationWatch:
    """Reads what was revoked at the start and at intervals; `close` ends it."""

    def __init__(self, sessions: Sessions, revocations: Revocations) -> None:
        self._sessions = sessions
        self._revocations = revocations
        self._since_s = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once this process knows all that SQL does, or SQL has not answered."""
        await self.look()
        self._task = spawn(self._run(), "revocation-watch")

    async def close(self) -> None:
        await stop(self._task)

    async def look(self) -> None:
        """Learn what was revoked since the last look; a database that is away comes later."""
        now_s = self._sessions.now_s()
        with contextlib.suppress(ApiError):  # Whoever needs the database tells its operator.
            revoked = await self._sessions.revoked_since(self._since_s)
            self._since_s = now_s - OVERLAP_S
            unknown = {
                session_id: until_s
                for session_id, until_s in revoked.items()
                if not self._revocations.is_revoked(session_id)
            }
            await self._revocations.announce(unknown)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.look()
