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

_OF_AN_ORDER = (OrderAccepted, OrderCancelled, OrderAmended)


def result_of(
    exchange: Exchange, events: Sequence[Event], fingerprint: bytes
) -> CommandResult | None:
    """Return the answer to the command just applied, or None when an earlier answer stands.

    `events` may begin with what was due before it. Encode the answer before the next command is
    applied: its orders are the living ones.
    """
    answer = events[exchange.answer_at :] if exchange.answer_at else events
    first = answer[0]
    if type(first) is CommandReplayed:
        return None
    n, at_ns, sequence = exchange.n, exchange.at_ns, answer[-1].sequence
    if type(first) is Rejected:
        return CommandResult(
            n, at_ns, sequence, fingerprint, first.code, first.field, named_order_id=first.order_id
        )
    if type(first) is CommandSkipped:
        return CommandResult(n, at_ns, sequence, fingerprint, Reject.COMMAND_SKIPPED)
    if type(first) is OrdersCancelled:
        return CommandResult(n, at_ns, sequence, fingerprint, count=first.count)
    if not isinstance(first, _OF_AN_ORDER):
        return CommandResult(n, at_ns, sequence, fingerprint)
    expiry_reason, fills = _course(answer, first.order_id)
    return CommandResult(
        n,
        at_ns,
        sequence,
        fingerprint,
        order=exchange.order(first.order_id),
        expiry_reason=expiry_reason,
        fills=fills,
        other_order=_other_order(exchange, answer),
    )


def _other_order(exchange: Exchange, answer: Sequence[Event]) -> Order | None:
    """Return the second order of a pair; the two are accepted one right after the other."""
    if len(answer) < 2 or not isinstance(answer[1], OrderAccepted):
        return None
    return exchange.order(answer[1].order_id)


def _course(answer: Sequence[Event], order_id: int) -> tuple[str, tuple[FillReport, ...]]:
    """Return why the order expired, or "", and its first fills; in one pass, for every order.

    A stop that its trades triggered, perhaps somebody else's, trades in the same command.
    """
    expiry_reason, fills = "", []
    for event in answer:
        if type(event) is TradeExecuted and event.taker.order_id == order_id:
            fills.append(
                FillReport(
                    event.trade_id, event.price_ticks, event.quantity_lots, event.taker.fee_atoms
                )
            )
        elif type(event) is OrderExpired and event.order_id == order_id:
            expiry_reason = event.reason
    return expiry_reason, tuple(fills[:FILLS_IN_RESULT_MAX])
