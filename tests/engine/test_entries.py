"""Journal entries: what they decode to, and what makes them unreadable."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from engine.entries import Entry, decode_entry, entry_of, skipped_numbers
from shared.messages import Deposit, SkipCommand
from shared.wire import WIRE_VERSION, DecodeError, Envelope, encode, fingerprint

DEPOSIT = Deposit(account_id=1, asset="INR", amount_atoms=5, idempotency_key="d")


def entry(command: object, n: int = 7, version: int = WIRE_VERSION) -> Entry:
    return Entry(n, 0, encode(Envelope(version, "gateway", 3, Raw(encode(command)))))


def test_an_entry_is_stamped_by_the_clock_of_redis_in_nanoseconds() -> None:
    fields = [b"t", b"1558594830216001", b"b", b"payload"]
    assert entry_of(b"12-0", fields) == Entry(12, 1_558_594_830_216_001_000, b"payload")


def test_an_entry_names_its_command_and_who_waits() -> None:
    decoded = decode_entry(entry(DEPOSIT))
    assert (decoded.gateway, decoded.request_id, decoded.command) == ("gateway", 3, DEPOSIT)
    assert decoded.fingerprint == fingerprint(encode(DEPOSIT))


def test_another_wire_version_is_unreadable() -> None:
    with pytest.raises(DecodeError, match="version 99"):
        decode_entry(entry(DEPOSIT, version=99))


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_unreadable_and_nothing_else(payload: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_entry(Entry(1, 0, payload))


def test_only_a_readable_skip_of_an_earlier_entry_counts() -> None:
    entries = [
        entry(DEPOSIT, n=8),
        entry(SkipCommand(skip_n=8), n=9),
        entry(SkipCommand(skip_n=11), n=10),
        Entry(11, 0, b"skip_command"),
        entry(Deposit(account_id=1, asset="skip_command", amount_atoms=1), n=12),
    ]
    assert skipped_numbers(entries) == {8}
