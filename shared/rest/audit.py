"""The audit log as an operator reads it.

The rule of this file: shapes only; what was before and after is whatever the action speaks of.
"""

from typing import Annotated

from msgspec import Meta, Raw, Struct

REASON_LENGTH_MAX = 500  # A sentence or three: why, and the number of the ticket.

Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=REASON_LENGTH_MAX,
        description="Why: one line, kept in the audit log.",
        examples=["Ticket 1742: the issuer asked for it."],
    ),
]


class AdminAction(Struct, frozen=True):
    """Something that an operator did, or tried.

    `outcome` is `done`, `ACCEPTED` (it will be carried out, once), the code of the error, or
    `started`: it is under way, or its process died, and what became of it is to be looked up.
    `user_id` 0 is the command line on the machine itself. `hash` and `ended_hash` are this action's
    two links in the log's chain.
    """

    action_id: int
    at_ns: int
    user_id: int
    username: str
    address: str
    request_id: str
    action: str
    target: str
    reason: str
    before: Raw
    outcome: str
    after: Raw
    ended_at_ns: int | None
    hash: str
    ended_hash: str | None


class AdminActions(Struct, frozen=True):
    """Newest first; `next_cursor` asks for those before, null when there are none."""

    actions: list[AdminAction]
    next_cursor: str | None


class AuditVerdict(Struct, frozen=True):
    """Whether every record of the log is as it was written.

    `hash` is that of the last record: noted elsewhere, it proves later that nothing was cut off.
    `started` counts the actions that have not ended.
    """

    ok: bool
    records: int
    started: int
    hash: str
    fault: str
