"""A decision has one effect, and the first one is the only one."""

from itertools import permutations

import pytest

from api.money.withdrawal_rows import Claim, Decision
from api.money.withdrawals import Told
from shared.messages import Reject, ResolveWithdrawal
from shared.outcomes import Accepted, Outcome
from tests.api.money.desks import Desk, code_of_decision, desk_at
from tests.api.money.engine_of_withdrawals import LOST, NOT_ACCEPTED


@pytest.mark.parametrize(
    ("decision", "state", "available", "gone"),
    [
        (Decision.SETTLE, "settled", 900, 100),
        (Decision.REFUSE, "refused", 1_000, 0),
        (Decision.CANCEL, "cancelled", 1_000, 0),
    ],
)
async def test_a_decision_has_one_effect(
    desk: Desk, decision: Decision, state: str, available: int, gone: int
) -> None:
    n = await desk.pending()
    first, again = await desk.decide(n, decision), await desk.decide(n, decision)
    assert isinstance(first, Told)
    assert isinstance(again, Told)
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.n, first.sequence) == (again.n, again.sequence) == (12, 12)
    assert first.row.state == again.row.state == state
    assert first.row.ended_at_ns == 12_000_000_000
    assert (desk.engine.available, desk.engine.held, desk.engine.gone) == (available, 0, gone)
    assert (await desk.shown(n)).state == state


@pytest.mark.parametrize(("first", "second"), list(permutations(Decision, 2)))
async def test_the_first_decision_is_the_only_one(
    desk: Desk, first: Decision, second: Decision
) -> None:
    n = await desk.pending()
    await desk.decide(n, first)
    assert await code_of_decision(desk, n, second) == "WITHDRAWAL_DECIDED"
    assert len(desk.engine.commands) == 2


async def test_an_approval_with_another_payment_is_told_of_the_first(desk: Desk) -> None:
    n = await desk.pending()
    await desk.decide(n, Decision.SETTLE, external_reference="payment-1")
    assert await code_of_decision(desk, n, Decision.SETTLE, "payment-2") == "WITHDRAWAL_DECIDED"
    again = await desk.decide(n, Decision.SETTLE, external_reference="payment-1")
    assert isinstance(again, Told)
    assert (again.replayed, desk.engine.gone) == (True, 100)


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("window_passed", [True, False])
async def test_a_lost_end_is_found_by_looking(
    desk: Desk, lost: Outcome, decision: Decision, window_passed: bool
) -> None:
    n = await desk.pending()
    desk.engine.losses = [lost]
    if isinstance(lost, Accepted):
        assert await desk.decide(n, decision) == lost
    else:
        assert await code_of_decision(desk, n, decision) == "UNKNOWN_OUTCOME"
    if window_passed:
        desk.engine.forget()
    row = await desk.shown(n)
    assert row.state == {"settle": "settled", "refuse": "refused", "cancel": "cancelled"}[decision]
    assert row.ended_n == (0 if window_passed else 12)
    told = await desk.decide(n, decision)
    assert isinstance(told, Told)
    assert (told.replayed, len(desk.engine.commands)) == (True, 2)


@pytest.mark.parametrize("other", [Decision.REFUSE, Decision.CANCEL])
async def test_a_decision_whose_sender_died_is_completed_by_who_decides_otherwise(
    desk: Desk, other: Decision
) -> None:
    n = await desk.pending()
    claim = Claim(decision=Decision.SETTLE, by="user:1", token="dead")
    assert await desk.rows.claim(n, claim)  # And then its process was killed.
    assert (await desk.shown(n)).state == "pending"
    assert await code_of_decision(desk, n, other) == "WITHDRAWAL_DECIDED"
    assert (desk.engine.gone, (await desk.shown(n)).state) == (100, "settled")
    assert (await desk.shown(n)).decided_by == "user:1"


async def test_a_decision_that_was_never_sent_is_taken_back(desk: Desk) -> None:
    n = await desk.pending()
    desk.engine.losses = [NOT_ACCEPTED]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "ENGINE_UNAVAILABLE"
    assert (await desk.shown(n)).decision == ""
    told = await desk.decide(n, Decision.REFUSE)
    assert isinstance(told, Told)
    assert (told.row.state, desk.engine.available) == ("refused", 1_000)


async def test_a_decision_that_may_have_been_sent_is_not_taken_back(desk: Desk) -> None:
    n = await desk.pending()
    claim = Claim(decision=Decision.SETTLE, by="user:1", token="dead")
    assert await desk.rows.claim(n, claim)
    desk.engine.losses = [NOT_ACCEPTED]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "ENGINE_UNAVAILABLE"
    assert (await desk.shown(n)).decision == "settle"
    assert await code_of_decision(desk, n, Decision.REFUSE) == "WITHDRAWAL_DECIDED"
    assert desk.engine.gone == 100


async def test_a_decision_that_somebody_has_joined_is_not_taken_back(desk: Desk) -> None:
    n = await desk.pending()
    assert await desk.rows.claim(n, Claim(decision=Decision.SETTLE, by="user:1", token="mine"))
    assert await desk.rows.join(n, "theirs")
    assert not await desk.rows.release(n, "mine")
    assert (await desk.shown(n)).decision == "settle"


async def test_a_decision_that_cannot_be_taken_back_is_not_called_undone(desk: Desk) -> None:
    n = await desk.pending()

    async def submit(_command: object) -> Outcome:
        await desk.break_writes("withdrawals")
        return NOT_ACCEPTED

    desk.engine.submit = submit  # type: ignore[assignment, method-assign]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "UNKNOWN_OUTCOME"


async def test_a_decision_that_somebody_may_carry_on_is_not_called_undone(desk: Desk) -> None:
    n = await desk.pending()

    async def submit(_command: object) -> Outcome:
        assert await desk.rows.join(n, "theirs")  # They have not sent it yet.
        return NOT_ACCEPTED

    carry_out = desk.engine.submit
    desk.engine.submit = submit  # type: ignore[assignment, method-assign]
    assert await code_of_decision(desk, n, Decision.CANCEL) == "UNKNOWN_OUTCOME"
    desk.engine.submit = carry_out  # type: ignore[method-assign]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "WITHDRAWAL_DECIDED"
    assert (await desk.shown(n)).state == "cancelled"


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_decision_whose_commit_nobody_heard_of_is_unknown(
    desk: Desk, is_written: bool
) -> None:
    n = await desk.pending()
    with desk.commits_lost(is_written=is_written):
        assert await code_of_decision(desk, n, Decision.CANCEL) == "UNKNOWN_OUTCOME"
    assert (await desk.shown(n)).decision == ("cancel" if is_written else "")
    told = await desk.decide(n, Decision.CANCEL)
    assert isinstance(told, Told)
    assert told.row.state == "cancelled"


async def test_a_refused_decision_that_cannot_be_taken_back_is_unknown(desk: Desk) -> None:
    n = await desk.pending()
    carry_out, desk.engine.refusal = desk.engine.submit, Reject.COMMAND_SKIPPED

    async def submit(command: ResolveWithdrawal) -> Outcome:
        outcome = await carry_out(command)
        await desk.break_writes("withdrawals")
        return outcome

    desk.engine.submit = submit  # type: ignore[assignment, method-assign]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "UNKNOWN_OUTCOME"


async def test_a_refused_decision_of_which_the_ledger_cannot_be_asked_is_unknown(
    desk: Desk,
) -> None:
    n = await desk.pending()
    carry_out, desk.engine.refusal = desk.engine.submit, Reject.COMMAND_SKIPPED

    async def submit(command: ResolveWithdrawal) -> Outcome:
        outcome = await carry_out(command)
        desk.store.is_up = False
        return outcome

    desk.engine.submit = submit  # type: ignore[assignment, method-assign]
    assert await code_of_decision(desk, n, Decision.SETTLE) == "UNKNOWN_OUTCOME"


async def test_an_end_that_cannot_be_noted_is_a_success_and_found_later(desk: Desk) -> None:
    n = await desk.pending()
    carry_out = desk.engine.submit

    async def submit(command: ResolveWithdrawal) -> Outcome:
        outcome = await carry_out(command)
        await desk.break_writes("withdrawals")
        return outcome

    desk.engine.submit = submit  # type: ignore[assignment, method-assign]
    told = await desk.decide(n, Decision.SETTLE)
    assert isinstance(told, Told)
    assert (told.row.state, told.replayed) == ("settled", False)
    assert (await desk.shown(n)).state == "settled"  # By the ledger, though SQL still fails.
    await desk.mend()
    assert (await desk.shown(n)).state == "settled"
    (row,), _ = await desk.withdrawals.book.page(limit=10, state="settled")
    assert row.ended_n == 12


async def test_a_decision_that_cannot_be_written_down_is_not_sent(desk: Desk) -> None:
    n = await desk.pending()
    await desk.break_writes("withdrawals")
    assert await code_of_decision(desk, n, Decision.SETTLE) == "USERS_UNAVAILABLE"
    assert len(desk.engine.commands) == 1


async def test_a_decision_that_was_passed_over_may_be_made_again(desk: Desk) -> None:
    n = await desk.pending()
    desk.engine.refusal = Reject.COMMAND_SKIPPED
    assert await code_of_decision(desk, n, Decision.SETTLE) == "COMMAND_SKIPPED"
    desk.engine.refusal = None
    told = await desk.decide(n, Decision.REFUSE)
    assert isinstance(told, Told)
    assert (told.row.state, told.row.attempt, desk.engine.available) == ("refused", 1, 1_000)


async def test_nothing_is_settled_that_is_too_young(desk: Desk) -> None:
    n = await desk.pending()
    patient = desk_at(desk.engine, desk.store, desk.database, delay_s=2**40)
    assert await code_of_decision(patient, n, Decision.SETTLE) == "WITHDRAWAL_TOO_YOUNG"
    assert (await desk.shown(n)).decision == ""
    await patient.decide(n, Decision.REFUSE)
    assert desk.engine.available == 1_000
