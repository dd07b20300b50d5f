"""An engine for tests of whoever sends commands: it remembers keys and answers, and nothing else.

The rule of this file: what it commits is what the real one commits of a result, in one MULTI; what
it says afterwards, and whether, is the test's choice.
"""

from typing import Any

import redis

from shared.channels import Keys, result_field
from shared.messages import Command, Reject
from shared.redis_client import connect
from shared.wire import (
    NOBODY,
    CommandResult,
    Reply,
    decode,
    decode_command,
    decode_envelope,
    encode,
    fingerprint,
)


class AnsweringEngine:
    """Works only when the test calls `beat` or `work`."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.redis: redis.Redis = connect(url)
        self.keys = keys
        self.position = 0
        self.commands: list[Command] = []
        self._replies: dict[str, list[Reply]] = {}

    def close(self) -> None:
        self.redis.close()

    def beat(self) -> None:
        self.redis.publish(self.keys.heartbeat_channel, f"1 {self.position}")

    @property
    def journalled(self) -> int:
        return int(self.redis.get(self.keys.n) or 0)

    def work(self, *, publish: bool = True) -> int:
        """Carry out all that is journalled, and reply unless told not to; return how much it was.

        The replies that were not published are published with the next that are.
        """
        entries: Any = self.redis.xrange(self.keys.journal, min=f"({self.position}-0")
        for entry_id, fields in entries:
            self._apply(int(entry_id[:-2]), fields[b"b"])
        if publish:
            self.publish()
        return len(entries)

    def publish(self) -> None:
        for gateway, replies in self._replies.items():
            self.redis.publish(self.keys.reply_channel(gateway), encode(replies))
        self._replies.clear()

    def forget_replies(self) -> None:
        self._replies.clear()

    def _apply(self, n: int, payload: bytes) -> None:
        envelope = decode_envelope(payload)
        command = decode_command(envelope.command)
        name = result_field(command.account_id, command.idempotency_key)
        mark = fingerprint(envelope.command)
        row = self.redis.hget(self.keys.results, name)
        result: CommandResult | None = CommandResult(n, n * 1_000, n, mark)
        pipeline = self.redis.pipeline(transaction=True)
        if isinstance(row, bytes):
            same = decode(row, CommandResult).fingerprint == mark
            mismatch = CommandResult(n, n * 1_000, n, mark, Reject.IDEMPOTENCY_MISMATCH)
            result = None if same else mismatch
        else:
            self.commands.append(command)
            pipeline.hset(self.keys.results, name, encode(result))
        pipeline.hset(self.keys.meta, "position", str(n))
        pipeline.execute()
        self.position = n
        if envelope.gateway != NOBODY:
            self._replies.setdefault(envelope.gateway, []).append(
                Reply(envelope.request_id, n, result)
            )
