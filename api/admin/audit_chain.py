"""The chain of the audit log: each record is hashed together with the hash of the one before.

The rule of this file: a record is a list of what must never change, in JSON, so the hashes are the
same on any database. An action has two records: its start, and its end if it has one. Who changes,
removes or inserts a record has to make all later ones anew, and then the last hash is another one.
"""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa

ActionRow = sa.Row[tuple[object, ...]]

_encode = msgspec.json.Encoder().encode


def link(previous: str, record: list[object]) -> str:
    """Return the hash of a record that stands after the one with the hash `previous`."""
    return hashlib.sha256(previous.encode() + b"\n" + _encode(record)).hexdigest()


def start_record(row: ActionRow) -> list[object]:
    """Return what is hashed of an action's start; its `action_id` is the number of this record."""
    return [
        "start", row.action_id, row.at_ns, row.user_id, row.username, row.address, row.request_id,
        row.action, row.target, row.reason, row.before,
    ]  # fmt: skip


def end_record(row: ActionRow) -> list[object]:
    return ["end", row.ended_n, row.action_id, row.ended_at_ns, row.outcome, row.after]


class ChainError(Exception):
    """The log is not as it was written; one sentence says where."""


def records_of(rows: Iterable[ActionRow], first: int, last: int) -> Iterator[tuple[ActionRow, str]]:
    """Yield the records `first` to `last` in order, as the row and which half of it; raises
    ChainError when one is missing or is there twice.
    """
    found: dict[int, tuple[ActionRow, str]] = {}
    for row in rows:
        for n, half in ((row.action_id, "start"), (row.ended_n, "end")):
            if n is not None and first <= n <= last:
                if n in found:
                    raise ChainError(f"Record {n} is there twice.")
                found[n] = (row, half)
    for n in range(first, last + 1):
        if n not in found:
            raise ChainError(f"Record {n} is missing.")
        yield found[n]


def next_hash(previous: str, row: ActionRow, half: str) -> str:
    """Return the record's hash; raises ChainError unless it is the one that was noted."""
    if half == "start":
        n, noted, record = row.action_id, row.hash, start_record(row)
    else:
        n, noted, record = row.ended_n, row.ended_hash, end_record(row)
    if link(previous, record) != noted:
        raise ChainError(f"Record {n}, of action {row.action_id}, is not what was written.")
    return str(noted)
