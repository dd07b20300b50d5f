"""What SQL has missed or lost is learnt from the ledger."""

import pytest
import sqlalchemy as sa

from api.money.withdrawal_rows import Claim, Decision
from tests.api.money.desks import Desk, code_of, code_of_decision


async def test_a_withdrawal_without_a_row_is_shown_and_can_be_refused(desk: Desk) -> None:
    n = await desk.pending()
    async with desk.database.begin() as connection:
        await connection.execute(sa.text("DELETE FROM withdrawals"))
    (row,), _ = await desk.withdrawals.book.page(limit=10, state="pending")
    assert (row.withdrawal_id, row.account_id, row.destination) == (n, 7, "")
    await desk.decide(n, Decision.REFUSE)
    assert desk.engine.available == 1_000


@pytest.mark.parametrize("decision", Decision)
async def test_a_row_of_an_older_database_learns_its_end_from_the_ledger(
    desk: Desk, decision: Decision
) -> None:
    n = await desk.pending()
    await desk.decide(n, decision)
    await _forget_the_decision(desk)
    row = await desk.shown(n)
    assert (row.state, row.ended_n) == (
        {"settle": "settled", "refuse": "refused", "cancel": "cancelled"}[decision],
        12,
    )


async def test_an_end_that_nobody_knows_any_more_is_said_to_be_one(desk: Desk) -> None:
    n = await desk.pending()
    await desk.decide(n, Decision.SETTLE)
    await _forget_the_decision(desk)
    desk.engine.forget()
    assert (await desk.shown(n)).state == "ended"
    assert await code_of_decision(desk, n, Decision.REFUSE) == "WITHDRAWAL_DECIDED"


async def test_the_ledger_wins_over_a_decision_of_an_older_database(desk: Desk) -> None:
    n = await desk.pending()
    await desk.decide(n, Decision.SETTLE)
    await _forget_the_decision(desk)
    assert await desk.rows.claim(n, Claim(decision=Decision.REFUSE, by="user:2", token="x"))
    assert await code_of_decision(desk, n, Decision.REFUSE) == "WITHDRAWAL_DECIDED"
    assert ((await desk.shown(n)).state, desk.engine.gone) == ("settled", 100)


async def _forget_the_decision(desk: Desk) -> None:
    async with desk.database.begin() as connection:
        await connection.execute(
            sa.text("UPDATE withdrawals SET state='pending', decision='', decided_by=''")
        )


async def test_without_redis_nothing_is_shown_and_nothing_done(desk: Desk) -> None:
    n = await desk.pending()
    desk.store.is_up = False
    assert await code_of_decision(desk, n, Decision.SETTLE) == "REDIS_UNAVAILABLE"
    assert await code_of(desk) == "REDIS_UNAVAILABLE"
    desk.store.is_up = True
    assert (await desk.shown(n)).decision == ""
