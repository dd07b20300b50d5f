"""Answers: what is told of the events of one command, and what is not."""

from engine.core.exchange import Exchange
from engine.results import result_of
from shared.messages import (
    BalanceChange,
    CancelReason,
    Event,
    ExpiryReason,
    Fill,
    OrderAccepted,
    OrderExpired,
    OrdersCancelled,
    OrderStatus,
    OrderTested,
    OrderType,
    Reject,
    Rejected,
    ReturnReason,
    Side,
    Tick,
    TimeInForce,
    TradeExecuted,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from shared.wire import CommandResult

MARKET = "TATA_INR"
NOTHING = BalanceChange("INR", 0, 0, 0, 0)


class Told(Exchange):
    """An exchange that knows no order and says where its answer begins."""

    def __init__(self, answer_at: int) -> None:
        super().__init__()
        self.answer_at = answer_at
        self.asked: list[int] = []

    def order(self, order_id: int) -> None:
        self.asked.append(order_id)


def accepted(order_id: int) -> OrderAccepted:
    kinds = Side.BUY, OrderType.LIMIT, TimeInForce.GTC
    return OrderAccepted(1, 1, 1, order_id, "", MARKET, *kinds, 100, 5, 0, NOTHING)


def trade(trade_id: int, *, maker: int, taker: int) -> TradeExecuted:
    fills = (
        Fill(1, 1, order_id, "", 1, 0, OrderStatus.FILLED, 3, NOTHING, NOTHING)
        for order_id in (maker, taker)
    )
    return TradeExecuted(2, MARKET, trade_id, 100, 1, 500, Side.BUY, *fills)


def expired(order_id: int, reason: ExpiryReason) -> OrderExpired:
    return OrderExpired(3, 1, 2, order_id, "", MARKET, 0, 5, NOTHING, reason)


def answered(exchange: Told, *events: Event) -> CommandResult:
    result = result_of(exchange, events, b"f")
    assert result is not None
    return result


def test_what_was_due_before_the_command_is_no_part_of_its_answer() -> None:
    exchange = Told(answer_at=2)
    due = expired(4, ExpiryReason.TIME), trade(1, maker=8, taker=9)
    assert not answered(exchange, *due, accepted(9)).fills
    assert answered(exchange, *due, accepted(9)).expiry_reason == ""
    rejected = Rejected(9, 1, 3, Reject.UNKNOWN_ORDER, "order_id")
    assert answered(exchange, *due, rejected).code is Reject.UNKNOWN_ORDER


def test_fills_and_the_end_are_those_of_the_order_that_was_placed() -> None:
    events = (
        accepted(9),
        trade(1, maker=5, taker=9),
        trade(2, maker=6, taker=7),  # A stop that the first trade triggered.
        trade(3, maker=9, taker=7),
        expired(7, ExpiryReason.MARKET_REMAINDER),
    )
    result = answered(Told(answer_at=0), *events)
    assert [fill.trade_id for fill in result.fills] == [1]
    assert result.expiry_reason == ""
    ended = answered(Told(0), *events, expired(9, ExpiryReason.SELF_TRADE))
    assert ended.expiry_reason == "self_trade"


def test_a_pair_is_answered_with_both_orders() -> None:
    exchange = Told(answer_at=0)
    answered(exchange, accepted(9), accepted(10), trade(1, maker=5, taker=9))
    assert exchange.asked == [9, 10]


def test_a_cancel_all_is_answered_with_the_count_and_other_commands_without() -> None:
    cancelled = OrdersCancelled(5, 1, 1, "", None, CancelReason.REQUESTED, 0)
    assert answered(Told(0), cancelled).count == 0
    assert answered(Told(0), accepted(9)).count is None


def test_a_tested_order_is_answered_with_what_it_would_hold() -> None:
    result = answered(Told(0), OrderTested(5, 1, "INR", 40))
    assert (result.code, result.hold_asset, result.hold_atoms) == (None, "INR", 40)
    assert answered(Told(0), accepted(9)).hold_asset == ""


def test_a_withdrawal_is_answered_alike_when_it_begins_and_however_it_ends() -> None:
    exchange = Told(0)
    exchange.apply(Tick(), n=42, at_ns=7)
    exchange.answer_at = 0
    change = BalanceChange("INR", -30, 30, 0, 30)
    back, out = BalanceChange("INR", 30, -30, 30, 0), BalanceChange("INR", 0, -30, 0, 0)
    requested = answered(exchange, WithdrawalRequested(5, 1, 1, change, 42, "bank"))
    assert requested.withdrawal == Withdrawal(42, 1, "INR", 30, "bank", 7)
    assert requested.n == 42
    exchange.apply(Tick(), n=50, at_ns=9)
    exchange.answer_at = 0
    for event in (
        WithdrawalSettled(6, 1, 2, out, 42, "bank", 7),
        WithdrawalReturned(6, 1, 2, back, 42, "bank", ReturnReason.REFUSED, 7),
    ):
        assert answered(exchange, event).withdrawal == requested.withdrawal
    assert answered(Told(0), accepted(9)).withdrawal is None
