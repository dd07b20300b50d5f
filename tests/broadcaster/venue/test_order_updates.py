"""What each event of an account says on its channel; what does not apply is left out."""

from typing import Any

import msgspec
import pytest

from broadcaster.venue.account_updates import account_news
from broadcaster.venue.market import MarketPicture
from shared.messages import (
    NO_ORDER_ID,
    AccountUpdated,
    AmendReason,
    BalanceChange,
    CancelReason,
    CancelTimerSet,
    DepthChanged,
    Event,
    FeesPaidOut,
    FundsTransferred,
    MarketStatus,
    MarketStatusChanged,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrdersCancelled,
    OrderStatus,
    OrderTested,
    OrderTriggered,
    OrderType,
    Reject,
    Rejected,
    ReturnReason,
    SelfTrade,
    Side,
    StatusReason,
    TimeInForce,
    TimePassed,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from shared.money import format_decimal
from tests.support.fake_engine import inr_market

ALICE, BOB = 7, 8
MARKET = "TATA_INR"
AT_NS = 1_700_000_000_000_000_000
HOLD = BalanceChange("INR", -500, 500, 1_000, 500)
HEAD = {"channel": "account", "sequence": 3, "at_ns": AT_NS}
BALANCES = [{"asset": "INR", "available": "10", "held": "5"}]
ORDER = {"order_id": 11, "client_order_id": "mine", "market": MARKET}
NAMED = (11, "mine", MARKET)


class Venue:
    """One market: ticks of 0.05, lots of one unit."""

    def picture(self, market: str) -> MarketPicture:
        assert market == MARKET
        return MarketPicture(inr_market("TATA"), base_scale=2)

    def amount(self, _asset: str, atoms: int) -> str:
        return format_decimal(atoms, 2)


def told(event: Event) -> dict[str, Any]:
    (news,) = account_news(event, AT_NS, Venue(), {ALICE})
    assert (news.account_id, news.sequence) == (ALICE, 3)
    message: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(news.update))
    return message


def accepted(**more: Any) -> OrderAccepted:
    fields: dict[str, Any] = {
        "side": Side.SELL,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "price_ticks": 20,
        "quantity_lots": 3,
        "budget_atoms": 0,
        "hold": HOLD,
    }
    return OrderAccepted(1, ALICE, 3, *NAMED, **(fields | more))


def test_a_plain_order_is_told_without_what_it_does_not_have() -> None:
    assert told(accepted()) == {
        "type": "accepted",
        **HEAD,
        "balances": BALANCES,
        **ORDER,
        "side": "sell",
        "order_type": "limit",
        "time_in_force": "gtc",
        "price": "1",
        "quantity": "3",
        "quote_quantity": None,
        "fee_asset": "INR",
    }


def test_a_special_order_is_told_with_all_that_it_has() -> None:
    plain = told(accepted())
    special = told(
        accepted(
            type=OrderType.TRAILING_STOP,
            status=OrderStatus.PENDING,
            time_in_force=TimeInForce.GTD,
            price_ticks=0,
            post_only=True,
            expires_at_ns=9,
            display_lots=2,
            stop_price_ticks=40,
            trail_ticks=10,
            trail_ppm=5,
            peer_order_id=12,
            parent_order_id=13,
            self_trade=SelfTrade.EXPIRE_TAKER,
        )
    )
    assert {key: value for key, value in special.items() if plain.get(key) != value} == {
        "order_type": "trailing_stop",
        "status": "pending",
        "time_in_force": "gtd",
        "price": None,
        "post_only": True,
        "expires_at_ns": 9,
        "display_quantity": "2",
        "stop_price": "2",
        "trail": "0.5",
        "trail_ppm": 5,
        "peer_order_id": 12,
        "parent_order_id": 13,
        "self_trade": "expire_taker",
    }


def test_a_trigger_is_told_with_the_price_that_was_reached_or_without() -> None:
    by_price = told(OrderTriggered(1, ALICE, 3, *NAMED, 40, HOLD))
    assert by_price == {
        "type": "triggered", **HEAD, "balances": BALANCES, **ORDER, "stop_price": "2",
    }  # fmt: skip
    assert "stop_price" not in told(OrderTriggered(1, ALICE, 3, *NAMED, 0, HOLD))


def test_an_amendment_shows_the_order_as_it_is_now() -> None:
    event = OrderAmended(1, ALICE, 3, *NAMED, 5, 1, 4, HOLD, 20, 0, AmendReason.SELF_TRADE)
    assert told(event) == {
        "type": "amended",
        **HEAD,
        "balances": BALANCES,
        **ORDER,
        "filled_quantity": "1",
        "remaining_quantity": "4",
        "quantity": "5",
        "reason": "self_trade",
        "price": "1",
    }


def test_a_cancellation_says_why() -> None:
    event = OrderCancelled(1, ALICE, 3, *NAMED, 1, 4, HOLD, CancelReason.LINKED)
    assert (told(event)["reason"], told(event)["remaining_quantity"]) == ("linked", "4")


def test_a_cancel_all_is_announced_with_what_it_was_of() -> None:
    event = OrdersCancelled(1, ALICE, 3, MARKET, Side.BUY, CancelReason.REQUESTED, 2)
    head = {"type": "orders_cancelled", **HEAD, "balances": [], "count": 2}
    assert told(event) == {**head, "reason": "requested", "market": MARKET, "side": "buy"}
    of_all = OrdersCancelled(1, ALICE, 3, "", None, CancelReason.CANCEL_TIMER, 2)
    assert told(of_all) == {**head, "reason": "cancel_timer"}


@pytest.mark.parametrize(("available_change", "direction"), [(-250, "out"), (250, "in")])
def test_each_side_of_a_transfer_reads_its_own(available_change: int, direction: str) -> None:
    change = BalanceChange("INR", available_change, 0, 1_000, 500)
    assert told(FundsTransferred(1, ALICE, 3, change, BOB, "lunch")) == {
        "type": "transferred",
        **HEAD,
        "balances": BALANCES,
        "asset": "INR",
        "amount": "2.5",
        "reference": "lunch",
        "direction": direction,
        "counterparty_account_id": BOB,
    }


@pytest.mark.parametrize(
    ("event", "more"),
    [
        (WithdrawalRequested(1, ALICE, 3, HOLD, 42, "bank"), {"type": "withdrawal_requested"}),
        (
            WithdrawalSettled(
                1, ALICE, 3, BalanceChange("INR", 0, -500, 1_000, 500), 42, "bank", 5
            ),
            {"type": "withdrawal_settled"},
        ),
        (
            WithdrawalReturned(
                1,
                ALICE,
                3,
                BalanceChange("INR", 500, -500, 1_000, 500),
                42,
                "bank",
                ReturnReason.REFUSED,
                5,
            ),
            {"type": "withdrawal_returned", "reason": "refused"},
        ),
    ],
)
def test_a_withdrawal_is_told_with_its_whole_amount_at_each_step(
    event: Event, more: dict[str, str]
) -> None:
    funds = {"asset": "INR", "amount": "5", "reference": "bank", "withdrawal_id": 42}
    assert told(event) == {**HEAD, "balances": BALANCES, **funds, **more}


def test_fees_that_are_paid_out_are_told_to_who_gets_them() -> None:
    event = FeesPaidOut(1, ALICE, 3, BalanceChange("INR", 250, 0, 1_000, 500), "July")
    funds = {"asset": "INR", "amount": "2.5", "reference": "July"}
    assert told(event) == {"type": "fees_paid_out", **HEAD, "balances": BALANCES, **funds}


def test_what_the_account_may_and_when_its_timer_runs_out_is_told() -> None:
    assert told(CancelTimerSet(1, ALICE, 3, 0)) == {
        "type": "cancel_timer_set", **HEAD, "balances": [], "cancel_at_ns": 0,
    }  # fmt: skip
    assert told(AccountUpdated(1, ALICE, 3, 2, is_suspended=True)) == {
        "type": "account_updated", **HEAD, "balances": [], "tier": 2, "is_suspended": True,
    }  # fmt: skip


def test_an_order_that_never_was_has_no_number() -> None:
    event = Rejected(1, ALICE, 3, Reject.UNKNOWN_ORDER, "order_id", "", NO_ORDER_ID)
    assert "order_id" not in told(event)


@pytest.mark.parametrize(
    "event",
    [
        TimePassed(1),
        OrderTested(1, ALICE, "INR", 5),
        DepthChanged(1, MARKET, 1, (), ()),
        MarketStatusChanged(1, MARKET, MarketStatus.HALTED, StatusReason.VOLATILITY, 5),
        AccountUpdated(1, BOB, 3, 2, is_suspended=True),
    ],
)
def test_what_concerns_no_listener_says_nothing(event: Event) -> None:
    assert not account_news(event, AT_NS, Venue(), {ALICE})
