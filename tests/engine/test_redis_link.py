"""The engine's connection: a script may be under way, and then nothing else is sent."""

import contextlib

import pytest

from engine.redis_link import Argument, RedisLink
from shared.channels import Keys

KEYS = Keys("link")
NAMES = [KEYS.meta, KEYS.lease]
ARGUMENTS: list[Argument] = ["somebody", 60_000, "program"]


def test_a_started_script_is_answered_after_the_commands_before_it(redis_url: str) -> None:
    with contextlib.closing(RedisLink(redis_url)) as link:
        link.open()
        commands = [("SET", "first", "1"), ("GET", "first")]
        assert link.start(commands, "acquire", NAMES, ARGUMENTS) == [b"OK", b"1"]
        assert link.finish() == 1


def test_nothing_is_sent_while_a_script_is_under_way(redis_url: str) -> None:
    with contextlib.closing(RedisLink(redis_url)) as link:
        link.open()
        link.start([], "acquire", NAMES, ARGUMENTS)
        with pytest.raises(AssertionError, match="under way"):
            link.call("GET", "first")
        with pytest.raises(AssertionError, match="under way"):
            link.call_all([("GET", "first")])
        assert link.finish() == 1
        assert link.call("GET", "first") is None
