"""A tape is read whole or refused with one sentence."""

import gzip
from pathlib import Path

import pytest

from engine.bench.errors import BenchError
from engine.bench.tape import read_tape
from tests.support.tapes import SMALL, body, header, tape


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_tape_is_read_compressed_or_not(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(pack(tape(SMALL)))
    read = read_tape(path)
    assert (read.name, read.count) == ("any.name", len(SMALL))
    assert tuple(read.messages()) == SMALL


def test_a_tape_without_messages_is_one(tmp_path: Path) -> None:
    path = tmp_path / "orders_none.bin"
    path.write_bytes(tape([]))
    assert list(read_tape(path).messages()) == []


WHOLE = tape(SMALL)
ONE = SMALL[0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no tape: it is shorter than a tape's header."),
        (WHOLE[:15], "is no tape: it is shorter than a tape's header."),
        (header(1, magic=7) + body([ONE]), "is no tape: it begins with 0x7, not with 0x4d45"),
        (header(1, version=2) + body([ONE]), "is a tape of version 2, not of version 1."),
        (WHOLE[:-1], "its header says 5 messages of 40 bytes, and 199 bytes follow."),
        (WHOLE[:-40], "its header says 5 messages of 40 bytes, and 160 bytes follow."),
        (WHOLE + b"\0", "its header says 5 messages of 40 bytes, and 201 bytes follow."),
        (tape([(3, *ONE[1:])]), "has a message of the unknown kind 3."),
        (tape([(0, 2, *ONE[2:])]), "has a message of the unknown side 2."),
        (tape([(0, 0, 9, *ONE[3:])]), "has a message of the unknown IOC flag 9."),
        (gzip.compress(WHOLE, mtime=0)[:-9], "cannot be read: Compressed file ended"),
        (gzip.compress(WHOLE, mtime=0)[:20] + b"garbage", "cannot be read:"),
    ],
)
def test_what_is_no_whole_tape_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "orders_bad.bin"
    path.write_bytes(data)
    with pytest.raises(BenchError) as refused:
        read_tape(path)
    assert str(refused.value).startswith(f"{path} ")
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.bin", tmp_path):
        with pytest.raises(BenchError, match="cannot be read"):
            read_tape(path)
