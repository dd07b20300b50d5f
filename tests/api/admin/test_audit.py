"""What an operator did is noted before it is done, and the notes cannot be changed unseen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from api.admin.audit import ACCEPTED, AuditLog
from api.edge.errors import ApiError
from api.identity.caller import ALL_SCOPES, Caller
from api.identity.users import Role, Users
from api.sql.database import open_database
from api.sql.tables import admin_actions, admin_chain

TABLE = admin_actions.c
RULES = {"taker_fee_ppm": 100}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_database(tmp_path, "")
    yield engine
    await engine.dispose()


@pytest.fixture
async def caller(engine: AsyncEngine) -> Caller:
    user = await Users(engine).create("root", "a hash", Role.ADMIN)
    return Caller(user.user_id, user.account_id, user.role, ALL_SCOPES)


@pytest.fixture
def log(engine: AsyncEngine) -> AuditLog:
    return AuditLog(engine)


def a_request(request_id: str = "request-1") -> Request:
    scope = {"type": "http", "client": ("203.0.113.9", 5), "headers": []}
    return Request({**scope, "request_id": request_id})


async def act(log: AuditLog, caller: Caller, action: str = "market.update", n: int = 0) -> None:
    target = f"market:M{n}"
    async with log.action(caller, a_request(), action, target=target, reason="a reason"):
        pass


async def change(engine: AsyncEngine, statement: sa.Executable) -> None:
    async with engine.begin() as connection:
        await connection.execute(statement)


async def test_an_action_is_noted_with_who_from_where_what_why_before_and_after(
    log: AuditLog, caller: Caller
) -> None:
    async with log.action(
        caller,
        a_request("request-7"),
        "market.update",
        target="market:TATA_INR",
        reason=" Ticket 5. ",
        before=RULES,
    ) as entry:
        entry.after = {"taker_fee_ppm": 200}
    (noted,) = await log.page(limit=10)
    assert (noted.username, noted.user_id) == ("root", caller.user_id)
    assert (noted.address, noted.request_id) == ("203.0.113.9", "request-7")
    assert (noted.action, noted.target, noted.reason) == (
        "market.update",
        "market:TATA_INR",
        "Ticket 5.",
    )
    assert msgspec.json.decode(noted.before) == RULES
    assert msgspec.json.decode(noted.after) == {"taker_fee_ppm": 200}
    assert noted.outcome == "done"
    assert noted.ended_at_ns is not None
    assert noted.ended_at_ns >= noted.at_ns


async def test_while_an_action_is_under_way_it_is_there_as_started(
    log: AuditLog, caller: Caller
) -> None:
    async with log.action(caller, a_request(), "venue.halt", target="venue", reason="fire"):
        (noted,) = await log.page(limit=10)
        assert (noted.outcome, noted.ended_at_ns, noted.ended_hash) == ("started", None, None)


async def test_a_refused_action_is_noted_by_its_code_and_refused(
    log: AuditLog, caller: Caller
) -> None:
    with pytest.raises(ApiError, match="UNKNOWN_MARKET"):
        async with log.action(caller, a_request(), "market.update", target="m", reason="r"):
            raise ApiError("UNKNOWN_MARKET")
    assert [noted.outcome for noted in await log.page(limit=10)] == ["UNKNOWN_MARKET"]


async def test_a_bug_is_noted_as_one_and_goes_on(log: AuditLog, caller: Caller) -> None:
    with pytest.raises(ZeroDivisionError):
        async with log.action(caller, a_request(), "market.update", target="m", reason="r"):
            _ = 1 // 0
    assert [noted.outcome for noted in await log.page(limit=10)] == ["INTERNAL_ERROR"]


async def test_whoever_is_cut_off_leaves_the_action_as_started(
    log: AuditLog, caller: Caller
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with log.action(caller, a_request(), "market.update", target="m", reason="r"):
            raise asyncio.CancelledError
    assert [noted.outcome for noted in await log.page(limit=10)] == ["started"]


async def test_an_action_whose_answer_has_not_come_can_say_so(
    log: AuditLog, caller: Caller
) -> None:
    async with log.action(caller, a_request(), "market.update", target="m", reason="r") as entry:
        entry.outcome = ACCEPTED
    assert [noted.outcome for noted in await log.page(limit=10)] == ["ACCEPTED"]


async def test_the_command_line_is_a_user_of_its_own(log: AuditLog) -> None:
    async with log.by_cli("user.create", target="user:root", reason="the first admin"):
        pass
    (noted,) = await log.page(limit=10)
    assert (noted.username, noted.user_id, noted.address) == ("cli", 0, "")


@pytest.mark.parametrize("reason", ["", "   ", "two\nlines", "a\x00", "x" * 501])
async def test_without_a_reason_nothing_is_begun(
    log: AuditLog, caller: Caller, reason: str
) -> None:
    begun = False
    with pytest.raises(ApiError, match="INVALID_REASON"):
        async with log.action(caller, a_request(), "market.update", target="m", reason=reason):
            begun = True
    assert (begun, await log.page(limit=10)) == (False, [])


async def test_without_a_database_nothing_is_begun(
    log: AuditLog, caller: Caller, engine: AsyncEngine
) -> None:
    await change(engine, sa.text("ALTER TABLE admin_actions RENAME TO elsewhere"))
    begun = False
    with pytest.raises(ApiError, match="AUDIT_UNAVAILABLE") as refused:
        async with log.action(caller, a_request(), "market.update", target="m", reason="r"):
            begun = True
    assert (begun, refused.value.status) == (False, 503)


async def test_a_database_that_goes_away_meanwhile_changes_no_answer(
    log: AuditLog, caller: Caller, engine: AsyncEngine
) -> None:
    async with log.action(caller, a_request(), "market.update", target="m", reason="r"):
        await change(engine, sa.text("ALTER TABLE admin_actions RENAME TO elsewhere"))
    await change(engine, sa.text("ALTER TABLE elsewhere RENAME TO admin_actions"))
    assert [noted.outcome for noted in await log.page(limit=10)] == ["started"]
    assert (await log.verify()).ok


async def test_pages_and_filters_find_what_was_done(log: AuditLog, caller: Caller) -> None:
    for n in range(5):
        await act(log, caller, "market.update" if n % 2 else "market.create", n)
    newest = await log.page(limit=2)
    assert [noted.target for noted in newest] == ["market:M4", "market:M3"]
    older = await log.page(limit=9, before_id=newest[-1].action_id)
    assert [noted.target for noted in older] == ["market:M2", "market:M1", "market:M0"]
    updates = await log.page(limit=9, action="market.update")
    assert [noted.target for noted in updates] == ["market:M3", "market:M1"]
    assert [noted.target for noted in await log.page(limit=9, target="market:M2")] == ["market:M2"]
    assert len(await log.page(limit=9, user="ROOT")) == 5
    assert await log.page(limit=9, user="nobody") == []


async def test_actions_at_the_same_time_stand_in_one_chain(
    log: AuditLog, caller: Caller, engine: AsyncEngine
) -> None:
    other = AuditLog(engine)
    await asyncio.gather(*(act(log if n % 2 else other, caller, n=n) for n in range(20)))
    verdict = await log.verify()
    assert (verdict.ok, verdict.records, verdict.started, verdict.fault) == (True, 40, 0, "")
    assert len({noted.action_id for noted in await log.page(limit=99)}) == 20


async def test_a_chain_of_many_pages_is_verified(
    log: AuditLog, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.admin.audit.VERIFY_PAGE_RECORDS", 3)
    assert (await log.verify()).ok
    async with log.action(caller, a_request(), "venue.halt", target="venue", reason="long"):
        for n in range(5):
            await act(log, caller, n=n)
        verdict = await log.verify()
        assert (verdict.ok, verdict.records, verdict.started) == (True, 11, 1)
    assert (await log.verify()).started == 0


async def test_each_page_of_a_verification_has_its_own_time(
    log: AuditLog, caller: Caller, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A connection is held for two seconds at most, and a long log takes longer than that.
    monkeypatch.setattr("api.admin.audit.VERIFY_PAGE_RECORDS", 3)
    for n in range(5):
        await act(log, caller, n=n)
    taken: list[object] = []
    sa.event.listen(engine.sync_engine, "checkout", lambda *given: taken.append(given))
    assert (await log.verify()).records == 10
    assert len(taken) >= 4, "one for each page"


TAMPERED = [
    sa.update(admin_actions).where(TABLE.action_id == 3).values(reason="a better reason"),
    sa.update(admin_actions).where(TABLE.action_id == 3).values(username="somebody"),
    sa.update(admin_actions).where(TABLE.action_id == 3).values(after='{"fee":1}'),
    sa.update(admin_actions).where(TABLE.action_id == 3).values(outcome="BUSY"),
    sa.update(admin_actions).where(TABLE.action_id == 3).values(ended_n=None, outcome="started"),
    sa.update(admin_actions).where(TABLE.action_id == 3).values(hash="0" * 64),
    sa.update(admin_actions).where(TABLE.action_id == 5).values(ended_hash="0" * 64),
    sa.update(admin_actions).where(TABLE.action_id == 5).values(ended_n=7),
    sa.delete(admin_actions).where(TABLE.action_id == 3),
    sa.delete(admin_actions).where(TABLE.action_id == 5),
    sa.update(admin_chain).values(records=4),
    sa.update(admin_chain).values(hash="0" * 64),
]


@pytest.mark.parametrize("statement", TAMPERED, ids=range(len(TAMPERED)))
async def test_whatever_is_changed_or_removed_by_hand_is_found(
    log: AuditLog, caller: Caller, engine: AsyncEngine, statement: sa.Executable
) -> None:
    for n in range(3):
        await act(log, caller, n=n)
    assert (await log.verify()).ok
    await change(engine, statement)
    verdict = await log.verify()
    assert not verdict.ok
    assert verdict.fault
