"""Withdrawals that wait: what they hold, who may end them and how, and that each ends once."""

from dataclasses import replace

import pytest

from engine.core.exchange import Exchange
from engine.core.rules import PENDING_WITHDRAWALS_MAX, REFERENCE_LENGTH_MAX
from shared.messages import (
    CancelWithdrawal,
    CommandReplayed,
    Event,
    Reject,
    Rejected,
    RequestWithdrawal,
    ResolveWithdrawal,
    ReturnReason,
    SuspendAccount,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from tests.support.audited_exchange import AuditedExchange
from tests.support.scenario import FUNDED, play

ALICE, BOB, NOBODY = 1, 2, 99


def funded() -> AuditedExchange:
    return play(FUNDED)


def requested(audited: AuditedExchange, atoms: int = 300, **more: str) -> int:
    """Request a withdrawal of alice's USD and return its id."""
    command = RequestWithdrawal(account_id=ALICE, asset="USD", amount_atoms=atoms, **more)
    (event,) = audited.apply(command, 7)
    assert isinstance(event, WithdrawalRequested)
    assert event.withdrawal_id == audited.exchange.n
    return event.withdrawal_id


def refusal(events: list[Event]) -> tuple[Reject, str]:
    (event,) = events
    assert isinstance(event, Rejected)
    return event.code, event.field


def test_what_is_requested_is_held_until_it_is_settled() -> None:
    play("""
        deposit alice 1000 USD
        request_withdrawal alice w1 300 USD -> withdrawal requested 300
        balance alice USD 700 held 300
        left USD 0
        pending alice w1
        settle w1                           -> withdrawal settled 300
        balance alice USD 700 held 0
        left USD 300
        pending alice
    """)


def test_what_is_cancelled_or_refused_is_available_again() -> None:
    play("""
        deposit alice 1000 USD
        request_withdrawal alice w1 300 USD -> withdrawal requested 300
        request_withdrawal alice w2 700 USD -> withdrawal requested 700
        balance alice USD 0 held 1000
        cancel_withdrawal alice w1          -> withdrawal returned requested 300
        refuse w2                           -> withdrawal returned refused 700
        balance alice USD 1000 held 0
        left USD 0
    """)


@pytest.mark.parametrize("first", ["settle w1", "refuse w1", "cancel_withdrawal alice w1"])
def test_a_withdrawal_ends_once(first: str) -> None:
    play(f"""
        deposit alice 1000 USD
        request_withdrawal alice w1 300 USD
        {first}
        settle w1                  -> UNKNOWN_WITHDRAWAL
        refuse w1                  -> UNKNOWN_WITHDRAWAL
        cancel_withdrawal alice w1 -> UNKNOWN_WITHDRAWAL
    """)


def test_orders_and_withdrawals_hold_side_by_side() -> None:
    play("""
        deposit alice 1000 USD
        deposit bob 10 BTC
        buy alice #1 4 @ 100                -> accepted
        request_withdrawal alice w1 601 USD -> INSUFFICIENT_FUNDS
        request_withdrawal alice w1 600 USD -> withdrawal requested 600
        buy alice #2 1 @ 1                  -> INSUFFICIENT_FUNDS
        balance alice USD 0 held 1000
        sell bob #3 4 @ 100                 -> accepted, trade with #1: 4 @ 100
        balance alice USD 0 held 600
        settle w1                           -> withdrawal settled 600
        balance alice USD 0 held 0
    """)


def test_money_on_its_way_out_is_no_money_to_withdraw_or_to_give() -> None:
    play("""
        deposit alice 1000 USD
        request_withdrawal alice w1 900 USD -> withdrawal requested 900
        withdraw alice 101 USD              -> INSUFFICIENT_FUNDS
        transfer alice bob 101 USD          -> INSUFFICIENT_FUNDS
        request_withdrawal alice w2 101 USD -> INSUFFICIENT_FUNDS
        withdraw alice 100 USD              -> done
        balance alice USD 0 held 900
    """)


def test_a_suspended_account_may_cancel_and_not_request_and_the_operator_may_do_both() -> None:
    play("""
        deposit alice 1000 USD
        request_withdrawal alice w1 1 USD
        request_withdrawal alice w2 2 USD
        request_withdrawal alice w3 3 USD
        suspend alice                     -> done
        pending alice w1 w2 w3
        request_withdrawal alice w4 4 USD -> ACCOUNT_SUSPENDED
        cancel_withdrawal alice w1        -> withdrawal returned requested 1
        settle w2                         -> withdrawal settled 2
        refuse w3                         -> withdrawal returned refused 3
        resume alice                      -> done
        request_withdrawal alice w4 4 USD -> withdrawal requested 4
    """)


def test_neither_time_nor_a_cancel_of_all_orders_ends_a_withdrawal() -> None:
    play("""
        deposit alice 1000 USD
        request_withdrawal alice w1 300 USD
        buy alice #1 1 @ 100
        timer alice 5s   -> done
        wait 5s          -> orders cancel_timer 1, #1 cancelled cancel_timer 1
        cancel_all alice -> orders requested 0
        status closed    -> market closed operator
        pending alice w1
        balance alice USD 700 held 300
    """)


def test_the_checks_of_a_request_come_in_their_order() -> None:
    audited = funded()
    good = RequestWithdrawal(account_id=ALICE, asset="USD", amount_atoms=1)

    def answer(**more: object) -> tuple[Reject, str]:
        fields = {"account_id": ALICE, "asset": "USD", "amount_atoms": 1, "reference": ""} | more
        return refusal(audited.apply(RequestWithdrawal(**fields)))  # type: ignore[arg-type]

    too_long = "x" * (REFERENCE_LENGTH_MAX + 1)
    assert answer(asset="GOLD", amount_atoms=0) == (Reject.UNKNOWN_ASSET, "asset")
    assert answer(amount_atoms=0, reference=too_long) == (Reject.INVALID_AMOUNT, "amount_atoms")
    assert answer(amount_atoms=-1) == (Reject.INVALID_AMOUNT, "amount_atoms")
    assert answer(amount_atoms=2**63) == (Reject.AMOUNT_LIMIT, "amount_atoms")
    audited.apply(SuspendAccount(target_account_id=ALICE, is_suspended=True))
    assert answer(reference=too_long) == (Reject.INVALID_COMMAND, "reference")
    audited.apply(SuspendAccount(target_account_id=ALICE, is_suspended=False))
    for _ in range(PENDING_WITHDRAWALS_MAX):
        audited.apply(good)
    assert answer(amount_atoms=10**9) == (Reject.TOO_MANY_WITHDRAWALS, "account_id")
    audited.apply(SuspendAccount(target_account_id=ALICE, is_suspended=True))
    assert answer(amount_atoms=10**9) == (Reject.ACCOUNT_SUSPENDED, "account_id")
    assert answer(account_id=BOB, amount_atoms=10**9) == (Reject.INSUFFICIENT_FUNDS, "amount_atoms")


def test_room_for_a_withdrawal_is_there_again_when_one_has_ended() -> None:
    audited = funded()
    ids = [requested(audited, 1) for _ in range(PENDING_WITHDRAWALS_MAX)]
    command = RequestWithdrawal(account_id=ALICE, asset="USD", amount_atoms=1)
    assert refusal(audited.apply(command))[0] is Reject.TOO_MANY_WITHDRAWALS
    audited.apply(CancelWithdrawal(account_id=ALICE, withdrawal_id=ids[50]))
    requested(audited, 1)
    audited.finish()


def test_somebody_elses_withdrawal_is_as_unknown_as_one_that_never_was() -> None:
    audited = funded()
    withdrawal_id = requested(audited)
    answers = {
        refusal(audited.apply(CancelWithdrawal(account_id=BOB, withdrawal_id=asked)))
        for asked in (withdrawal_id, 10**6, 0, -1, 2**63)
    }
    assert answers == {(Reject.UNKNOWN_WITHDRAWAL, "withdrawal_id")}
    assert audited.exchange.balance(ALICE, "USD") == (99_700, 300)


@pytest.mark.parametrize("account_id", [ALICE, BOB, NOBODY])
def test_only_the_venue_resolves_and_only_an_account_requests_and_cancels(account_id: int) -> None:
    audited = funded()
    withdrawal_id = requested(audited)
    wrong = (
        ResolveWithdrawal(account_id=account_id, withdrawal_id=withdrawal_id, is_settled=True),
        RequestWithdrawal(asset="USD", amount_atoms=1),
        CancelWithdrawal(withdrawal_id=withdrawal_id),
    )
    for command in wrong:
        assert refusal(audited.apply(command)) == (Reject.INVALID_ACCOUNT, "account_id")


def test_a_repeated_request_names_the_withdrawal_of_the_first() -> None:
    audited = funded()
    command = RequestWithdrawal(
        account_id=ALICE, asset="USD", amount_atoms=5, idempotency_key="once"
    )
    audited.apply(command)
    withdrawal_id = audited.exchange.n
    assert audited.apply(command) == [
        CommandReplayed(audited.exchange.sequence, ALICE, withdrawal_id)
    ]
    assert list(audited.exchange.state.withdrawals) == [withdrawal_id]


def test_the_end_of_a_withdrawal_tells_all_that_its_request_did() -> None:
    audited = funded()
    settled, refused, cancelled = (requested(audited, n, reference="bank") for n in (3, 4, 5))
    for command, kind, atoms in (
        (ResolveWithdrawal(withdrawal_id=settled, is_settled=True), WithdrawalSettled, 3),
        (ResolveWithdrawal(withdrawal_id=refused, is_settled=False), WithdrawalReturned, 4),
        (CancelWithdrawal(account_id=ALICE, withdrawal_id=cancelled), WithdrawalReturned, 5),
    ):
        (event,) = audited.apply(command, 50)
        assert isinstance(event, kind)
        told = event.account_id, event.reference, event.requested_at_ns, -event.change.held_change
        assert told == (ALICE, "bank", 7, atoms)
        if isinstance(event, WithdrawalReturned):
            by_owner = isinstance(command, CancelWithdrawal)
            assert event.reason is (ReturnReason.REQUESTED if by_owner else ReturnReason.REFUSED)


# ---- rows ----


def test_what_came_and_went_between_two_drains_leaves_no_row() -> None:
    exchange = funded().exchange
    exchange.drain_changes()
    exchange.apply(RequestWithdrawal(account_id=ALICE, asset="USD", amount_atoms=5))
    kept_id = exchange.n
    exchange.apply(RequestWithdrawal(account_id=ALICE, asset="USD", amount_atoms=6))
    exchange.apply(ResolveWithdrawal(withdrawal_id=exchange.n, is_settled=False))
    changes = exchange.drain_changes()
    assert list(changes.withdrawals) == [kept_id]
    assert not changes.ended_withdrawals
    exchange.apply(ResolveWithdrawal(withdrawal_id=kept_id, is_settled=True))
    assert list(exchange.drain_changes().ended_withdrawals) == [kept_id]


def test_a_restored_exchange_ends_withdrawals_as_the_first_one_would() -> None:
    audited = funded()
    settled, cancelled = requested(audited), requested(audited, 5)
    again = audited.restored()
    for command in (
        ResolveWithdrawal(withdrawal_id=settled, is_settled=True),
        CancelWithdrawal(account_id=ALICE, withdrawal_id=cancelled),
    ):
        assert again.apply(command) == audited.apply(command)
    assert again.state_hash() == audited.exchange.state_hash()


def test_the_state_hash_tells_pending_withdrawals_apart() -> None:
    audited = funded()
    requested(audited, 300)
    exchange = audited.exchange
    rows = exchange.rows()
    (row,) = rows.withdrawals
    held = {exchange.state_hash()}
    for changed in (
        Withdrawal(1, ALICE, "USD", 300, row.reference, 7),
        Withdrawal(row.withdrawal_id, BOB, "USD", 300, row.reference, 7),
        Withdrawal(row.withdrawal_id, ALICE, "BTC", 300, row.reference, 7),
        Withdrawal(row.withdrawal_id, ALICE, "USD", 299, row.reference, 7),
        Withdrawal(row.withdrawal_id, ALICE, "USD", 300, "other", 7),
    ):
        held.add(Exchange.restore(replace(rows, withdrawals=[changed])).state_hash())
    held.add(Exchange.restore(replace(rows, withdrawals=[])).state_hash())
    assert len(held) == 7
