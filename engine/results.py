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
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    Reject,
    Rejected,
    TradeExecuted,
)
from shared.wire import CommandResult, FillReport


def result_of(
    exchange: Exchange, events: Sequence[Event], fingerprint: bytes
) -> CommandResult | None:
    """Return the answer to the command just applied, or None when an earlier answer stands.

    Encode it before the next command is applied: its order is the living one.
    """
    first, last = events[0], events[-1]
    if isinstance(first, CommandReplayed):
        return None
    n, at_ns, sequence = exchange.n, exchange.at_ns, last.sequence
    if isinstance(first, Rejected):
        return CommandResult(
            n, at_ns, sequence, fingerprint, first.code, first.field, named_order_id=first.order_id
        )
    if isinstance(first, CommandSkipped):
        return CommandResult(n, at_ns, sequence, fingerprint, Reject.COMMAND_SKIPPED)
    if not isinstance(first, OrderAccepted | OrderCancelled | OrderAmended):
        return CommandResult(n, at_ns, sequence, fingerprint)
    return CommandResult(
        n,
        at_ns,
        sequence,
        fingerprint,
        order=exchange.order(first.order_id),
        expiry_reason=_expiry_reason(events),
        fills=_fills(events),
    )


def _expiry_reason(events: Sequence[Event]) -> str:
    return next((event.reason for event in events if isinstance(event, OrderExpired)), "")


def _fills(events: Sequence[Event]) -> tuple[FillReport, ...]:
    trades = [event for event in events if isinstance(event, TradeExecuted)]
    return tuple(
        FillReport(trade.trade_id, trade.price_ticks, trade.quantity_lots, trade.taker.fee_atoms)
        for trade in trades[:FILLS_IN_RESULT_MAX]
    )
