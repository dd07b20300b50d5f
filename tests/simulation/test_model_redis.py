"""The model of Redis answers and stores as the real one does, script by script."""

from random import Random

import pytest
from redis.exceptions import ResponseError

from engine.redis_link import RedisLink
from engine.rows import Program, raw_string
from shared.channels import Keys
from tests.simulation.model_redis import Argument, ModelRedis, Response

CALLS = 400
TTL_MS = 60_000  # Longer than the test: no lease ends by itself here.
KEYS = Keys("model")
STORED = (KEYS.meta, KEYS.attempts, KEYS.balances, KEYS.results)
Call = tuple[str, list[str], list[Argument]]


def _random_call(random: Random) -> Call:
    epoch, position, n = (random.randint(0, 6) for _ in range(3))
    owner = random.choice(("ann", "bob"))
    meta_lease = [KEYS.meta, KEYS.lease]
    calls: list[Call] = [
        ("acquire", meta_lease, [owner, TTL_MS, f"version-{n}"]),
        ("release", [*meta_lease, KEYS.attempts], [owner, epoch]),
        ("beat", meta_lease, [owner, TTL_MS, epoch, KEYS.heartbeat_channel, n]),
        ("attempt", [KEYS.meta, KEYS.attempts], [epoch, n]),
        ("enqueue", [KEYS.n, KEYS.journal, KEYS.meta], [9, *(["p"] * random.randint(1, 3))]),
        ("skip", [KEYS.n, KEYS.journal, KEYS.meta, KEYS.attempts], [position + 1, "skip"]),
    ]
    if random.random() < 0.1:
        calls.append(("halt", [KEYS.meta], [epoch, "a reason", position + 1]))
        calls.append(("resume", [KEYS.meta, KEYS.attempts], []))
    program = Program()
    program.write("HSET", KEYS.meta, ["position", f"{position + 1}", "sequence", f"{position + 1}"])
    program.write("HSET", KEYS.balances, ["1:INR", f"{n} 0", "2:INR", f"0 {n}"])
    program.write("HDEL", KEYS.balances, [f"{n}:INR"])
    program.write("LPUSH", KEYS.dead, [raw_string(b"\xff\x00"), f"{n}"])
    program.write("LTRIM", KEYS.dead, ["0", "2"])
    head: list[Argument] = [owner, TTL_MS, epoch, position, position + 1, "events"]
    commit_keys = [*meta_lease, KEYS.events, KEYS.changes_wanted, KEYS.changes]
    commit: Call = ("commit", commit_keys, [*head, program.packed()])
    calls += [commit] * 4
    if random.random() < 0.1:
        calls.append(("doubt", [KEYS.meta], ["another reason"]))
    calls += [
        ("cursor", [KEYS.changes_wanted], ["1", TTL_MS]),
        ("cursor", [KEYS.cursor("test")], [n]),
        ("page", [KEYS.meta, KEYS.balances], ["0", 100]),
        ("look", [KEYS.meta, KEYS.balances], ["1:INR", f"{n}:INR"]),
    ]
    return random.choice(calls)


def _outcome(server: RedisLink | ModelRedis, call: Call) -> Response:
    script, keys, arguments = call
    try:
        response = server.run(script, keys, arguments)
    except ResponseError as error:
        return str(error).split()[0]
    if script == "page" and isinstance(response, list):
        flat = response[3][1]
        return [*response[:3], sorted(zip(flat[::2], flat[1::2], strict=True))]
    if script == "enqueue" and isinstance(response, list) and response[0]:
        return response[0]  # The clock beside it is the real one.
    return response


def _content(server: RedisLink | ModelRedis) -> dict[str, object]:
    content: dict[str, object] = {}
    for key in STORED:
        row = server.call("HGETALL", key)
        assert isinstance(row, list)
        content[key] = dict(zip(row[::2], row[1::2], strict=True))
    for key in (KEYS.journal, KEYS.events):
        stream = server.call("XRANGE", key, "-", "+")
        assert isinstance(stream, list)
        content[key] = [(name, fields[-1]) for name, fields in stream]
    changes = server.call("XREVRANGE", KEYS.changes, "+", "-", "COUNT", 1)
    assert isinstance(changes, list)
    content["changes"] = [fields for _, fields in changes]
    content["n"], content["lease"] = server.call("GET", KEYS.n), server.call("GET", KEYS.lease)
    return content


@pytest.mark.parametrize("seed", range(4))
def test_every_script_answers_and_stores_the_same_as_its_model(
    each_redis_url: str, seed: int
) -> None:
    random, model, real = Random(seed), ModelRedis(), RedisLink(each_redis_url)
    real.open()
    try:
        for _ in range(CALLS):
            call = _random_call(random)
            assert _outcome(real, call) == _outcome(model, call), call
        assert _content(real) == _content(model)
    finally:
        real.close()
