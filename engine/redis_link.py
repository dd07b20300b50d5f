"""The engine's one connection to Redis.

The rule of this file: nothing is retried. Whatever goes wrong here ends the process, because an
engine that does not know what became of its commit must begin again from the rows.
"""

from collections.abc import Sequence

from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError, ResponseError

from shared.redis_client import connect
from shared.scripts import FLAGS_SINCE, Script, load_script

Argument = str | bytes | int
Response = object

SCRIPTS = dict.fromkeys(("enqueue", "doubt", "resume"), "shared") | dict.fromkeys(
    (
        *("acquire", "commit", "beat", "release", "attempt", "halt", "skip", "cursor"),
        *("look", "page"),
    ),
    "engine",
)
# What was accepted always drains, even when memory is full; only the journal takes no more then.
ALLOW_OOM = {name: "allow-oom" for name in SCRIPTS if name != "enqueue"}


class RedisLink:
    """A connection that sends commands, alone or many at once, and runs the engine's scripts.

    Every method raises redis.RedisError or OSError; the link is of no use afterwards.
    """

    def __init__(self, url: str) -> None:
        self._client = connect(url)
        self._connection: ConnectionInterface = self._client.connection_pool.make_connection()
        self._scripts: dict[str, Script] = {}
        self._started: tuple[str, Sequence[str], Sequence[Argument]] | None = None

    def open(self) -> None:
        self._connection.connect()
        flags = ALLOW_OOM if self._major_version() >= FLAGS_SINCE else {}
        for name, package in SCRIPTS.items():
            script = load_script(package, name, flags=flags.get(name, ""))
            self.call("SCRIPT", "LOAD", script.text)
            self._scripts[name] = script

    def close(self) -> None:
        self._connection.disconnect()
        self._client.close()

    def call(self, *arguments: Argument) -> Response:
        """Send one command and return its response; an error response is raised."""
        assert self._started is None, "the answer of the script under way comes first"
        self._connection.send_packed_command(self._connection.pack_command(*arguments))
        return self._connection.read_response()

    def call_all(self, commands: Sequence[tuple[Argument, ...]]) -> list[Response]:
        """Send commands in one write and return their responses in order; the first error is
        raised.
        """
        assert self._started is None, "the answer of the script under way comes first"
        self._connection.send_packed_command(self._connection.pack_commands(commands))
        return [self._connection.read_response() for _ in commands]

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Response:
        """Run one of SCRIPTS; a server that lost them, so ran nothing, is given them again."""
        script = self._scripts[name]
        try:
            return self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            self.call("SCRIPT", "LOAD", script.text)
            return self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)

    def start(
        self,
        first: Sequence[tuple[Argument, ...]],
        name: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
    ) -> list[Response]:
        """Send the commands `first` and one of SCRIPTS in one write; return the responses of the
        commands. The script's own is fetched by `finish`, before anything else may be sent.
        """
        assert self._started is None, "one script at a time is under way"
        script = (b"EVALSHA", self._scripts[name].sha, len(keys), *keys, *arguments)
        self._connection.send_packed_command(self._connection.pack_commands([*first, script]))
        self._started = name, keys, arguments
        return [self._connection.read_response() for _ in first]

    def finish(self) -> Response:
        """Wait for the response of the script that was started; as `run` otherwise."""
        assert self._started is not None, "a script is under way"
        name, keys, arguments = self._started
        self._started = None
        try:
            return self._connection.read_response()
        except NoScriptError:
            return self.run(name, keys, arguments)

    def _major_version(self) -> int:
        info = self.call("INFO", "server")
        if not isinstance(info, bytes):
            raise ResponseError("INFO answered without text")
        fields = dict(line.split(b":", 1) for line in info.splitlines() if b":" in line)
        return int(fields[b"redis_version"].split(b".")[0])
