"""A request has one effect and is found again, wherever anybody dies."""

import pytest

from api.edge.errors import ApiError
from api.money.withdrawals import Told, Wish
from shared.outcomes import Accepted, Outcome
from tests.api.money.desks import Desk, code_of
from tests.api.money.engine_of_withdrawals import LOST, NOT_ACCEPTED


async def test_a_request_holds_the_money_and_its_repeat_shows_the_same(desk: Desk) -> None:
    first, again = await desk.request(), await desk.request()
    assert isinstance(first, Told)
    assert isinstance(again, Told)
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.n, first.sequence) == (again.n, again.sequence)
    assert first.row.withdrawal_id == again.row.withdrawal_id == first.n
    assert (desk.engine.available, desk.engine.held, desk.authorised) == (900, 100, 1)


@pytest.mark.parametrize(
    "other",
    [Wish(7, "key", "INR", 101, "bank"), Wish(7, "key", "X", 100, "bank"),
     Wish(7, "key", "INR", 100, "elsewhere")],
)  # fmt: skip
async def test_a_key_is_for_one_request(desk: Desk, other: Wish) -> None:
    await desk.request()
    assert await code_of(desk, other) == "IDEMPOTENCY_MISMATCH"
    assert desk.engine.held == 100


async def test_the_same_key_of_another_account_is_another_request(desk: Desk) -> None:
    await desk.request()
    await desk.request(Wish(8, "key", "INR", 100, "bank"))
    assert desk.engine.held == 200


async def test_a_refusal_is_final_and_repeated_in_the_same_words(desk: Desk) -> None:
    desk.engine.available = 50
    with pytest.raises(ApiError) as first:
        await desk.request()
    desk.engine.available = 5_000
    with pytest.raises(ApiError) as again:
        await desk.request()
    for refused in (first.value, again.value):
        assert (refused.code, refused.field) == ("INSUFFICIENT_FUNDS", "amount")
    assert again.value.details["replayed"] is True
    assert again.value.details["n"] == first.value.details["n"]
    assert (desk.engine.available, desk.engine.held) == (5_000, 0)


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_is_found_by_repeating(desk: Desk, lost: Outcome) -> None:
    desk.engine.losses = [lost]
    if isinstance(lost, Accepted):
        assert await desk.request() == lost
    else:
        assert await code_of(desk) == "UNKNOWN_OUTCOME"
    told = await desk.request()
    assert isinstance(told, Told)
    assert (told.replayed, desk.engine.held, desk.authorised) == (True, 100, 1)


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_is_found_by_looking(desk: Desk, lost: Outcome) -> None:
    desk.engine.losses = [lost]
    if isinstance(lost, Accepted):
        await desk.request()
    else:
        await code_of(desk)
    rows, _ = await desk.withdrawals.book.page(limit=10, account_id=7)
    assert [(row.withdrawal_id, row.state, row.destination) for row in rows] == [
        (11, "pending", "bank")
    ]
    assert rows[0].sequence == 11


@pytest.mark.parametrize("by_id", [True, False])
async def test_an_operator_finds_it_by_its_reference_in_the_ledger(desk: Desk, by_id: bool) -> None:
    desk.engine.losses = [LOST[0]]
    await code_of(desk)
    desk.engine.forget()
    if by_id:
        row = await desk.shown(11)
    else:
        (row,), _ = await desk.withdrawals.book.page(limit=10)
    assert (row.withdrawal_id, row.destination, row.state) == (11, "bank", "pending")
    told = await desk.request()  # Its key is forgotten, but not by the row.
    assert isinstance(told, Told)
    assert (told.n, told.replayed, desk.engine.held) == (11, True, 100)


async def test_what_was_not_accepted_may_be_repeated(desk: Desk) -> None:
    desk.engine.losses = [NOT_ACCEPTED]
    assert await code_of(desk) == "ENGINE_UNAVAILABLE"
    assert (desk.engine.held, await desk.withdrawals.book.page(limit=10, account_id=7)) == (
        0,
        ([], None),
    )
    told = await desk.request()
    assert isinstance(told, Told)
    assert (told.replayed, desk.engine.held) == (False, 100)


async def test_an_answer_that_cannot_be_noted_is_a_success_and_found_later(desk: Desk) -> None:
    await desk.break_writes("withdrawals")
    told = await desk.request()
    assert isinstance(told, Told)
    assert (told.replayed, told.row.withdrawal_id, told.row.state) == (False, 11, "pending")
    await desk.mend()
    assert (await desk.shown(11)).destination == "bank"
    told = await desk.request()
    assert isinstance(told, Told)
    assert (told.replayed, desk.engine.held) == (True, 100)


async def test_a_request_that_cannot_be_written_down_is_not_sent(desk: Desk) -> None:
    await desk.break_writes("withdrawals", "INSERT")
    assert await code_of(desk) == "USERS_UNAVAILABLE"
    assert desk.engine.commands == []


async def test_an_old_request_is_never_sent_again(desk: Desk) -> None:
    desk.engine.losses = [NOT_ACCEPTED]
    await code_of(desk)
    desk.engine.forget()
    assert await code_of(desk) == "WITHDRAWAL_UNRESOLVED"
    assert desk.engine.commands == []


async def test_an_old_request_that_was_carried_out_is_found(desk: Desk) -> None:
    desk.engine.losses = [LOST[0]]
    await code_of(desk)
    desk.engine.forget()
    told = await desk.request()
    assert isinstance(told, Told)
    assert (told.n, told.replayed, len(desk.engine.commands)) == (11, True, 1)


async def test_another_accounts_withdrawal_is_as_unknown_as_one_that_never_was(
    desk: Desk,
) -> None:
    n = await desk.pending()
    for wanted, account_id in ((n, 8), (n + 1, 7), (n + 1, 0)):
        with pytest.raises(ApiError) as refused:
            await desk.withdrawals.book.find(wanted, account_id)
        assert (refused.value.code, refused.value.field) == ("UNKNOWN_WITHDRAWAL", "withdrawal_id")


async def test_pages_follow_each_other_without_a_gap(desk: Desk) -> None:
    for number in range(7):
        await desk.request(Wish(7, f"key-{number}", "INR", 1, "bank"))
        await desk.request(Wish(8, f"key-{number}", "INR", 1, "bank"))
    seen: list[int] = []
    cursor: str | None = "0"
    while cursor:
        rows, cursor = await desk.withdrawals.book.page(
            limit=3, before_id=int(cursor), account_id=7
        )
        seen += [row.withdrawal_id or 0 for row in rows]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7
