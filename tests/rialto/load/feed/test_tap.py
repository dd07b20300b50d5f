"""What Redis says of its commands becomes times of commits and messages."""

from rialto.load.feed.tap import Stamp, Stamps, parse_line, unquoted
from shared.channels import Keys
from shared.messages import Applied, DepthChanged
from shared.wire import encode

KEYS = Keys("v")
SECOND_NS = 1_700_000_000 * 10**9


def quoted(data: bytes) -> str:
    """Write bytes as Redis does."""
    short = {0x5C: "\\\\", 0x22: '\\"', 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
    return (
        '"'
        + "".join(
            short.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
            for byte in data
        )
        + '"'
    )


def line(microseconds: int, *words: str, source: str = "127.0.0.1:5") -> bytes:
    head = f"+1700000000.{microseconds:06} [0 {source}] "
    return (head + " ".join(words)).encode() + b"\r\n"


def batch(*sequences: int) -> bytes:
    events = tuple(
        DepthChanged(sequence=number, market="A_B", market_sequence=number, bids=(), asks=())
        for number in sequences
    )
    return encode([Applied(1, 5, events)])


def test_every_byte_comes_back_as_it_was() -> None:
    every = bytes(range(256))
    assert unquoted(quoted(every).encode()) == every


def test_a_line_tells_when_and_what() -> None:
    told = parse_line(line(12, '"publish"', '"c"', '"m"'))
    assert told is not None
    assert (told.at_ns, told.command) == (SECOND_NS + 12_000, b"PUBLISH")
    assert told.arguments == b'"c" "m"'


def test_a_command_of_a_script_is_passed_over() -> None:
    assert parse_line(line(12, '"PUBLISH"', '"c"', '"m"', source="lua")) is None
    assert parse_line(b"-ERR no\r\n") is None


def test_a_change_has_the_times_of_its_message_and_of_the_commit_with_the_same_bytes() -> None:
    stamps, first, second = Stamps(KEYS), quoted(batch(1, 2)), quoted(batch(3))
    channel = f'"{KEYS.events_channel}"'
    for told in (
        line(100, '"EVALSHA"', '"sha"', '"0"', first),
        line(150, '"EVALSHA"', '"other"', '"0"', '"x"'),
        line(200, '"EVALSHA"', '"sha"', '"0"', second),
        line(300, '"PUBLISH"', '"{v}:reply:g"', first),
        line(400, '"PUBLISH"', channel, first),
        line(500, '"PUBLISH"', channel, second),
        line(600, '"PUBLISH"', channel, quoted(batch(4))),
    ):
        stamps.take(told)
    depth = "depth:A_B"
    assert stamps.of[depth, 1] == Stamp(SECOND_NS + 100_000, SECOND_NS + 400_000)
    assert stamps.of[depth, 2] == stamps.of[depth, 1]
    assert stamps.of[depth, 3] == Stamp(SECOND_NS + 200_000, SECOND_NS + 500_000)
    assert stamps.of[depth, 4] == Stamp(0, SECOND_NS + 600_000)
    assert stamps.last == {depth: 4}
