"""From the events of a command to the answer that its sender gets.

The rule of this file: an answer is made of committed facts only, the events and the order they
left behind.
"""

from collections.abc import Sequence

from engine.core.exchange import Exchange
from shared.messages import (
    FILLS_IN_RESULT_MAX,
    CommandReplayed,
    CommandSkipped,
    Event,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrdersCancelled,
    Reject,
    Rejected,
    TradeExecuted,
)
from shared.wire import CommandResult, FillReport


def result_of(
    exchange: Exchange, events: Sequence[Event], fingerprint: bytes
) -> CommandResult | None:
    """Return the answer to the command just applied, or None when an earlier answer stands.

    `events` may begin with what was due before it. Encode the answer before the next command is
    applied: its orders are the living ones.
    """
    answer = events[exchange.answer_at :]
    first = answer[0]
    if isinstance(first, CommandReplayed):
        return None
    n, at_ns, sequence = exchange.n, exchange.at_ns, answer[-1].sequence
    if isinstance(first, Rejected):
        return CommandResult(
            n, at_ns, sequence, fingerprint, first.code, first.field, named_order_id=first.order_id
        )
    if isinstance(first, CommandSkipped):
        return CommandResult(n, at_ns, sequence, fingerprint, Reject.COMMAND_SKIPPED)
    if isinstance(first, OrdersCancelled):
        return CommandResult(n, at_ns, sequence, fingerprint, count=first.count)
    if not isinstance(first, OrderAccepted | OrderCancelled | OrderAmended):
        return CommandResult(n, at_ns, sequence, fingerprint)
    return CommandResult(
        n,
        at_ns,
        sequence,
        fingerprint,
        order=exchange.order(first.order_id),
        expiry_reason=_expiry_reason(answer, first.order_id),
        fills=_fills(answer, first.order_id),
        other_order=_other_order(exchange, answer),
    )


def _other_order(exchange: Exchange, answer: Sequence[Event]) -> Order | None:
    """Return the second order of a pair; the two are accepted one right after the other."""
    if len(answer) < 2 or not isinstance(answer[1], OrderAccepted):
        return None
    return exchange.order(answer[1].order_id)


def _expiry_reason(answer: Sequence[Event], order_id: int) -> str:
    ends = (event for event in answer if isinstance(event, OrderExpired))
    return next((end.reason for end in ends if end.order_id == order_id), "")


def _fills(answer: Sequence[Event], order_id: int) -> tuple[FillReport, ...]:
    # A stop that these trades triggered, perhaps somebody else's, trades in the same command.
    trades = [
        event
        for event in answer
        if isinstance(event, TradeExecuted) and event.taker.order_id == order_id
    ]
    return tuple(
        FillReport(trade.trade_id, trade.price_ticks, trade.quantity_lots, trade.taker.fee_atoms)
        for trade in trades[:FILLS_IN_RESULT_MAX]
    )
