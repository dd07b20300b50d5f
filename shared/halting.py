"""Halting a whole venue and letting it go on, for whoever runs no engine.

The rule of this file: the scripts are those of the engine and its standby, so a halt is a halt,
whoever said it. Nothing here is journalled: a halt must work when no command does.
"""

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from shared.channels import Keys
from shared.redis_client import connect_async
from shared.scripts import FLAGS_SINCE, load_script

SWITCH_TIMEOUT_S = 1.5  # As for the journal: a healthy call takes a millisecond.
CONNECTIONS_MAX = 2  # Operators are few.


class NotReached(Exception):
    """Redis was not reached, so nothing was done."""


class NotHeard(Exception):
    """The answer did not come; the same again does it once, or finds it done."""


class Standing(Struct, frozen=True, kw_only=True):
    """How far a venue is. `halt` is why it is halted, "" if it is not; `halted_n` the entry that an
    engine has halted over, 0 if the halt is about none.
    """

    position: int
    sequence: int
    last_n: int
    halt: str
    halted_n: int
    is_alive: bool

    @property
    def waiting(self) -> int:
        return self.last_n - self.position


class VenueSwitch:
    """Halts and resumes one venue; use `close` after."""

    def __init__(self, redis_url: str, keys: Keys) -> None:
        self._client: Redis = connect_async(
            redis_url, timeout_s=SWITCH_TIMEOUT_S, pool_size_max=CONNECTIONS_MAX
        )
        self._keys = keys

    async def close(self) -> None:
        await self._client.aclose()

    async def standing(self) -> Standing:
        """Return how the venue is now; raises NotReached."""
        keys = self._keys
        try:
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hmget(keys.meta, "position", "sequence", "halt", "halted_n")
                pipeline.get(keys.n)
                pipeline.exists(keys.lease)
                meta, last_n, leases = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise NotReached(str(error)) from error
        return Standing(
            position=int(meta[0] or 0),
            sequence=int(meta[1] or 0),
            last_n=int(last_n or 0),
            halt=(meta[2] or b"").decode(errors="replace"),
            halted_n=int(meta[3] or 0),
            is_alive=bool(leases),
        )

    async def halt(self, reason: str) -> bool:
        """Stop the journal now and the engine at its next beat; False if the venue was halted
        before: the first reason stays. Raises NotReached and NotHeard.
        """
        return await self._run("doubt", (self._keys.meta,), reason)

    async def resume(self) -> bool:
        """Let the venue go on; False if it was not halted. Raises NotReached and NotHeard."""
        return await self._run("resume", (self._keys.meta, self._keys.attempts))

    async def _run(self, name: str, keys: tuple[str, ...], *arguments: str) -> bool:
        try:
            info = await self._client.info("server")
            has_flags = int(str(info["redis_version"]).split(".")[0]) >= FLAGS_SINCE
            script = load_script("shared", name, flags="allow-oom" if has_flags else "")
        except (RedisError, OSError) as error:
            raise NotReached(str(error)) from error
        try:
            call = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
            try:
                return bool(await self._client.execute_command(*call))
            except NoScriptError:  # So nothing was run.
                await self._client.script_load(script.text.decode())
                return bool(await self._client.execute_command(*call))
        except (RedisError, OSError) as error:
            raise NotHeard(str(error)) from error
