"""The audit log: every action of an operator, noted before anything is done.

The rule of this file: an action that cannot be noted is not begun; one that has begun goes on
whatever becomes of its note. A note is written once and ended once, and never touched again; those
whose process died say `started` for ever. The first word of every transaction is the chain's one
row, so notes of all processes stand in one order, on any database.
"""

import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import sqlalchemy as sa
from fastapi import Request
from msgspec import Raw, Struct
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.admin.audit_chain import (
    ActionRow,
    ChainError,
    end_record,
    link,
    next_hash,
    records_of,
    start_record,
)
from api.edge.address import address_of
from api.edge.answers import request_id_of
from api.edge.errors import ApiError
from api.identity.caller import Caller
from api.sql.tables import admin_actions, admin_chain, users
from shared.logs import get_logger
from shared.rest.audit import REASON_LENGTH_MAX, AdminAction, AuditVerdict

STARTED = "started"
DONE = "done"
ACCEPTED = "ACCEPTED"  # Journalled, and carried out once; its answer has not come.
CLI_USER_ID = 0
CLI_USERNAME = "cli"
VERIFY_PAGE_RECORDS = 1_000  # Read at once, about a megabyte at most of usual actions.
ADDRESS_LENGTH_MAX = 64
TARGET_LENGTH_MAX = 128

_log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Entry:
    """An action under way; whoever carries it out says what is so `after` it.

    `outcome` is what is noted if the action ends without an error.
    """

    def __init__(self, action_id: int) -> None:
        self.action_id = action_id
        self.after: object = None
        self.outcome = DONE
        self.hash = ""  # Of the record of its end, once that is written.


class Actor(Struct, frozen=True):
    """Who acts, from where; a `username` of "" is looked up."""

    user_id: int
    username: str
    address: str = ""
    request_id: str = ""


class AuditLog:
    """The log of one database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def action(
        self,
        caller: Caller,
        request: Request,
        action: str,
        *,
        target: str,
        reason: str,
        before: object = None,
    ) -> AsyncIterator[Entry]:
        """Note an action before it is done and how it ended; an ApiError goes on, as its code.

        Raises ApiError AUDIT_UNAVAILABLE and INVALID_REASON before anything is done. `before`, and
        `after` of the entry, are anything that msgspec makes JSON of.
        """
        actor = Actor(caller.user_id, "", address_of(request), request_id_of(request))
        async with self._noted(actor, action, target, reason, before=before) as entry:
            yield entry
        # The chain's newest hash in another place than the chain: what is cut off later is missed.
        _log.info("operator_acted", action=action, action_id=entry.action_id, hash=entry.hash)

    @contextlib.asynccontextmanager
    async def by_cli(
        self, action: str, *, target: str, reason: str, before: object = None
    ) -> AsyncIterator[Entry]:
        """Note what is done at the machine itself; else as `action`."""
        actor = Actor(CLI_USER_ID, CLI_USERNAME)
        async with self._noted(actor, action, target, reason, before=before) as entry:
            yield entry

    @contextlib.asynccontextmanager
    async def _noted(
        self, actor: Actor, action: str, target: str, reason: str, *, before: object
    ) -> AsyncIterator[Entry]:
        _check_reason(reason)
        noted = {
            "action": action,
            "target": target[:TARGET_LENGTH_MAX],
            "reason": reason.strip(),
        }
        entry = Entry(await self._start(actor, {**noted, "before": _json(before)}))
        try:
            yield entry
        except ApiError as error:
            await self._end(entry, error.code)
            raise
        except Exception:
            await self._end(entry, "INTERNAL_ERROR")
            raise
        else:  # Who is cancelled cannot say how it ended: it stays as started.
            await self._end(entry, entry.outcome)

    async def _start(self, actor: Actor, noted: dict[str, str]) -> int:
        try:
            async with self._engine.begin() as connection:
                action_id, previous = await _next(connection)
                username = actor.username or await _username(connection, actor.user_id)
                values = {
                    "action_id": action_id,
                    "at_ns": time.time_ns(),
                    "user_id": actor.user_id,
                    "username": username,
                    "address": actor.address[:ADDRESS_LENGTH_MAX],
                    "request_id": actor.request_id,
                    **noted,
                    "hash": "",
                    "outcome": STARTED,
                    "after": "null",
                }
                await connection.execute(sa.insert(admin_actions).values(values))
                row = await _row(connection, action_id)
                own = link(previous, start_record(row))
                await _note(connection, action_id, {"hash": own}, own)
        except (SQLAlchemyError, OSError) as error:
            _log.error("action_not_noted", action=noted["action"], reason=str(error))
            raise ApiError("AUDIT_UNAVAILABLE") from error
        return action_id

    async def _end(self, entry: Entry, outcome: str) -> None:
        try:
            async with self._engine.begin() as connection:
                ended_n, previous = await _next(connection)
                values = {
                    "ended_n": ended_n,
                    "ended_at_ns": time.time_ns(),
                    "outcome": outcome,
                    "after": _json(entry.after),
                }
                await _note(connection, entry.action_id, values, previous)
                row = await _row(connection, entry.action_id)
                own = link(previous, end_record(row))
                await _note(connection, entry.action_id, {"ended_hash": own}, own)
        except (SQLAlchemyError, OSError) as error:
            # It is done all the same, or refused: that is the answer, whatever the note says.
            _log.error(
                "action_end_not_noted",
                action_id=entry.action_id,
                outcome=outcome,
                reason=str(error),
            )
            return
        entry.hash = own

    async def page(
        self, *, limit: int, before_id: int = 0, action: str = "", target: str = "", user: str = ""
    ) -> list[AdminAction]:
        """Return actions, newest first, older than `before_id` unless it is 0; "" is any.

        Raises ApiError AUDIT_UNAVAILABLE.
        """
        table = admin_actions.c
        wanted = sa.select(admin_actions).order_by(table.action_id.desc()).limit(limit)
        if before_id:
            wanted = wanted.where(table.action_id < before_id)
        for column, text in ((table.action, action), (table.target, target)):
            if text:
                wanted = wanted.where(column == text)
        if user:
            wanted = wanted.where(sa.func.lower(table.username) == user.lower())
        return [_view(row) for row in await self._read(wanted)]

    async def verify(self) -> AuditVerdict:
        """Check every record against the chain; raises ApiError AUDIT_UNAVAILABLE."""
        last, head, started = 0, "", 0
        try:
            (chain,) = await self._read(sa.select(admin_chain))
            last = chain.records
            for first in range(1, last + 1, VERIFY_PAGE_RECORDS):
                upto = min(first + VERIFY_PAGE_RECORDS - 1, last)
                rows = await self._read(_of_records(first, upto))
                for row, half in records_of(rows, first, upto):
                    head = next_hash(head, row, half)
                    started += 1 if half == "start" else -1
            if head != chain.hash:
                raise ChainError("The last hash is not the one that was noted.")
            extra = await self._read(_of_records(last + 1, 2**63 - 1, limit=1))
            (fresh,) = await self._read(sa.select(admin_chain))
            if extra and fresh.records == last:
                raise ChainError(f"There are records after the last one, {last}.")
        except ChainError as error:
            return AuditVerdict(False, last, started, head, str(error))
        return AuditVerdict(True, last, started, head, "")

    async def _read(self, wanted: sa.Select[tuple[object, ...]]) -> list[ActionRow]:
        """One connection to each: all pages of a long log take longer than SQL is waited for."""
        try:
            async with self._engine.connect() as connection:
                return list((await connection.execute(wanted)).all())
        except (SQLAlchemyError, OSError) as error:
            raise ApiError("AUDIT_UNAVAILABLE", "The audit log cannot be read now.") from error


def _check_reason(reason: str) -> None:
    text = reason.strip()
    if not text or len(text) > REASON_LENGTH_MAX or not text.isprintable():
        raise ApiError("INVALID_REASON", field="reason")


def _json(value: object) -> str:
    return _encode(value).decode()


async def _next(connection: AsyncConnection) -> tuple[int, str]:
    """Take the next record's number; until the end of the transaction nobody else gets one."""
    counted = (
        sa.update(admin_chain)
        .values(records=admin_chain.c.records + 1)
        .returning(admin_chain.c.records, admin_chain.c.hash)
    )
    row = (await connection.execute(counted)).one()
    return row.records, row.hash


async def _note(
    connection: AsyncConnection, action_id: int, values: dict[str, object], head: str
) -> None:
    mine = admin_actions.c.action_id == action_id
    await connection.execute(sa.update(admin_actions).where(mine).values(values))
    await connection.execute(sa.update(admin_chain).values(hash=head))


async def _username(connection: AsyncConnection, user_id: int) -> str:
    wanted = sa.select(users.c.username).where(users.c.user_id == user_id)
    return str((await connection.execute(wanted)).scalar_one())


async def _row(connection: AsyncConnection, action_id: int) -> ActionRow:
    wanted = sa.select(admin_actions).where(admin_actions.c.action_id == action_id)
    return (await connection.execute(wanted)).one()


def _of_records(
    first: int, last: int, *, limit: int = VERIFY_PAGE_RECORDS
) -> sa.Select[tuple[object, ...]]:
    table = admin_actions.c
    wanted = sa.select(admin_actions).where(
        table.action_id.between(first, last) | table.ended_n.between(first, last)
    )
    return wanted.limit(limit)


def _view(row: ActionRow) -> AdminAction:
    fields = {name: getattr(row, name) for name in AdminAction.__struct_fields__}
    texts = {name: Raw(fields[name].encode()) for name in ("before", "after")}
    return AdminAction(**{**fields, **texts})
