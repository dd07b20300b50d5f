"""Both clients trade on a real exchange, and say the same of it."""

import time

import pyotp
import pytest

from rialto.client import (
    AdminClient,
    AsyncAdminClient,
    AsyncClient,
    Client,
    RefusedError,
    new_order,
)
from shared.rest.orders import BatchAmend, BatchCancel, BatchPlace
from tests.api.exchange import PASSWORD
from tests.rialto.client.conftest import OPERATOR, Venue

TOTP_STEP_S = 30


def test_a_client_places_partly_fills_amends_and_cancels(venue: Venue) -> None:
    with venue.trader("seller.1", "TATA") as seller, venue.trader("buyer.1", "INR") as buyer:
        resting = seller.place_order(
            "TATA_INR", "sell", price="101.5", quantity=10, client_order_id="ask"
        )
        bought = buyer.place_order("TATA_INR", "buy", price="101.5", quantity="4")
        assert (bought.status, [fill.quantity for fill in bought.fills]) == ("filled", ["4"])
        assert seller.order(resting.order_id).filled_quantity == "4"
        assert seller.trades("TATA_INR", limit=1).trades[0].price == "101.5"

        amended = seller.amend_order(client_order_id="ask", quantity="8")
        assert amended.remaining_quantity == "4"
        assert seller.balances(min_sequence=amended.sequence).balances["TATA"].held == "4"
        assert seller.order(client_order_id="ask").order_id == resting.order_id
        cancelled = seller.cancel_order(resting.order_id, idempotency_key="cancel-ask")
        assert cancelled.status == "cancelled"
        assert seller.order_answer("cancel-ask").n == cancelled.n

        assert seller.open_orders(min_sequence=cancelled.sequence).orders == []
        assert seller.balances().balances["INR"].available == "406"
        assert buyer.balances().balances["TATA"].available == "4"


async def test_an_async_client_places_partly_fills_amends_and_cancels(venue: Venue) -> None:
    async with (
        await venue.async_trader("seller.2", "TATA") as seller,
        await venue.async_trader("buyer.2", "INR") as buyer,
    ):
        resting = await seller.place_order("TATA_INR", "sell", price="102", quantity="10")
        bought = await buyer.place_order("TATA_INR", "buy", price="102", quantity="4")
        assert bought.filled_quantity == "4"
        amended = await seller.amend_order(resting.order_id, price="103")
        assert (amended.price, amended.remaining_quantity) == ("103", "6")
        assert (await seller.depth("TATA_INR", levels=1)).asks == [("103", "6")]
        assert (await seller.cancel_order(resting.order_id)).status == "cancelled"
        assert (await seller.balances()).balances["INR"].available == "408"


def test_a_client_places_pairs_and_batches_and_sets_a_timer(venue: Venue) -> None:
    with venue.trader("many", "INR", "TATA") as client:
        limit = new_order("JIO_INR", "buy", price="90", quantity="1")
        child = new_order("JIO_INR", "sell", price="120", quantity="1")
        pair = client.place_oto(limit, child)
        assert (pair.parent.child_order_id, pair.child.status) == (pair.child.order_id, "pending")
        stop = new_order("TATA_INR", "sell", type="stop", stop_price="85", quantity="1")
        high = new_order("TATA_INR", "sell", price="120", quantity="1")
        both = client.place_oco(high, stop)
        assert both.limit.peer_order_id == both.stop.order_id

        answer = client.batch(
            [
                BatchPlace(market="TATA_INR", side="buy", price="90", quantity="2"),
                BatchAmend(order_id=pair.parent.order_id, price="91"),
                BatchCancel(order_id=1, response="ack"),
                BatchPlace(market="TATA_INR", side="buy", price="90", quantity="1", response="ack"),
            ]
        )
        assert [result.status for result in answer.results] == [201, 200, 404, 201]
        assert answer.results[1].body["price"] == "91"

        assert client.set_cancel_timer(60).cancel_at_ns is not None
        assert client.cancel_timer().cancel_at_ns is not None
        assert client.set_cancel_timer(0).cancel_at_ns is None
        assert client.check_order("TATA_INR", "buy", price="90", quantity="1").hold == "90"
        assert client.cancel_all_orders().count == 6
        held = {asset: row.held for asset, row in client.balances().balances.items()}
        assert set(held.values()) == {"0"}


def test_money_goes_out_when_an_operator_says_so(venue: Venue) -> None:
    with venue.trader("owner", "INR") as owner, venue.operator() as operator:
        taken_back = owner.withdraw("INR", "10", "IBAN 1")
        assert owner.cancel_withdrawal(taken_back.withdrawal_id).status == "cancelled"
        refused, approved = (owner.withdraw("INR", "20", "IBAN 2") for _ in range(2))
        waiting = operator.withdrawals(status="pending").withdrawals
        assert {each.withdrawal_id for each in waiting} == {
            refused.withdrawal_id,
            approved.withdrawal_id,
        }
        operator.refuse_withdrawal(refused.withdrawal_id, "Another name.")
        done = operator.approve_withdrawal(approved.withdrawal_id, external_reference="SEPA-1")
        assert operator.approve_withdrawal(
            approved.withdrawal_id, external_reference="SEPA-1"
        ).replayed
        assert owner.withdrawal(refused.withdrawal_id).reason == "Another name."
        assert owner.withdrawals(status="settled").withdrawals[0].external_reference == "SEPA-1"
        assert owner.balances(min_sequence=done.sequence).balances["INR"].total == "99980"

        credit = operator.deposit("INR", "20.5", "back-1", username="owner")
        assert operator.deposit("INR", "20.5", "back-1", username="owner").replayed
        assert credit.balance is not None
        assert credit.balance.available == "100000.5"
        assert {each.reference for each in owner.deposits().deposits} >= {"back-1"}
        assert operator.proof().adds_up


def test_an_account_of_its_own_is_given_money_and_spoken_for(venue: Venue) -> None:
    with venue.trader("two.accounts", "INR") as client:
        main = client.me().account_id
        other = client.create_account("grid")
        moved = client.transfer(other.account_id, "INR", "40.25", idempotency_key="move")
        assert client.transfer_status("move").n == moved.n
        assert client.refresh(account_id=other.account_id).account_id == other.account_id
        assert client.balances().balances["INR"].available == "40.25"
        assert client.refresh(account_id=main).account_id == main  # With the next refresh token.
        assert client.balances().balances["INR"].available == "99959.75"


def test_a_second_factor_is_asked_for(venue: Venue) -> None:
    with venue.trader("careful", "INR") as client:
        totp = pyotp.TOTP(client.begin_totp(PASSWORD).secret)
        now_s = time.time()
        assert client.confirm_totp(totp.at(now_s - TOTP_STEP_S)).totp_enabled
        with pytest.raises(RefusedError) as raised:
            client.log_in("careful", PASSWORD)
        assert raised.value.code == "TOTP_REQUIRED"
        client.log_in("careful", PASSWORD, totp_code=totp.at(now_s))
        assert len(client.sessions().sessions) == 2
        assert client.end_other_sessions().count == 1
        assert client.withdraw("INR", "1", "IBAN", totp_code=totp.at(now_s + TOTP_STEP_S)).n


def test_who_has_logged_out_is_nobody(venue: Venue) -> None:
    with venue.trader("gone") as client:
        assert client.log_out().count == 1
        with pytest.raises(RefusedError) as raised:
            client.balances()
        assert raised.value.status == 401
        assert client.markets().markets  # What is open to everybody still is.


def test_operators_run_the_venue(venue: Venue) -> None:
    with (
        venue.operator() as operator,
        venue.trader("bystander", "INR") as trader,
        Client(venue.url, timeout_s=0.5) as impatient,
    ):
        impatient.log_in("bystander", PASSWORD)
        operator.set_market_status("JIO_INR", "cancel_only", "A test.")
        assert trader.market("JIO_INR").status == "cancel_only"
        halted = operator.halt_all_markets("A test.")
        names = [each.market for each in halted.markets]
        assert set(names) >= {"JIO_INR", "TATA_INR"}
        operator.reopen_markets(names, "It is over.")
        assert {market.status for market in trader.markets().markets} == {"open"}

        assert operator.halt_venue("A test.").changed
        with pytest.raises(RefusedError) as raised:
            impatient.place_order("TATA_INR", "buy", price="90", quantity="1")
        assert raised.value.code == "HALTED"
        assert operator.resume_venue("It is over.").changed
        assert trader.place_order("TATA_INR", "buy", price="90", quantity="1").status == "open"
        account_id = trader.me().account_id
        operator.set_suspension(account_id, True, "A test.", idempotency_key="suspend")
        assert operator.account(account_id).is_suspended
        assert operator.command_status("suspend").n
        assert trader.open_orders().orders == []
        assert operator.users(username="bystander").users[0].account_id == account_id
        assert operator.verify_audit().ok
        assert operator.audit(action="account.suspend", limit=1).actions


async def test_an_async_operator_reads_the_reports(venue: Venue) -> None:
    async with AsyncAdminClient(venue.admin_url) as operator:
        await operator.log_in(OPERATOR, PASSWORD)
        assert (await operator.venue()).engine_is_alive
        assert (await operator.proof()).adds_up
        assert (await operator.risk(market="TATA_INR")).quote == "INR"
        assert (await operator.bans()).total == 0


def test_a_refusal_is_an_error_with_its_code(venue: Venue) -> None:
    with venue.trader("poor") as client:
        with pytest.raises(RefusedError) as raised:
            client.place_order("TATA_INR", "buy", price="100", quantity="1")
        assert raised.value.code == "INSUFFICIENT_FUNDS"
        assert raised.value.details["n"]


def test_the_clients_of_a_door_offer_the_same_calls() -> None:
    def offered(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert offered(Client) == offered(AsyncClient)
    assert offered(AdminClient) == offered(AsyncAdminClient)
    assert "place_order" in offered(Client) - offered(AdminClient)
    assert "halt_venue" in offered(AdminClient) - offered(Client)
