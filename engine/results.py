"""From the events of a command to the answer that its sender gets.

The rule of this file: an answer is made of committed facts only, the events and the order they
left behind. The gateway must be able to tell the whole of it from the answer alone, also when it
comes back for it after a crash.
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
    OrderTested,
    Reject,
    Rejected,
    TradeExecuted,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
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
    head = exchange.n, exchange.at_ns, answer[-1].sequence, fingerprint
    if not isinstance(first, _OF_AN_ORDER):
        return _without_order(head, first)
    expiry_reason, fills = _course(answer, first.order_id)
    return CommandResult(
        *head,
        order=exchange.order(first.order_id),
        expiry_reason=expiry_reason,
        fills=fills,
        other_order=_other_order(exchange, answer),
    )


def _without_order(head: tuple[int, int, int, bytes], first: Event) -> CommandResult:
    match first:
        case Rejected(code=code, field=field, order_id=order_id):
            return CommandResult(*head, code, field, named_order_id=order_id)
        case CommandSkipped():
            return CommandResult(*head, Reject.COMMAND_SKIPPED)
        case OrdersCancelled(count=count):
            return CommandResult(*head, count=count)
        case OrderTested(hold_asset=asset, hold_atoms=atoms):
            return CommandResult(*head, hold_asset=asset, hold_atoms=atoms)
        case WithdrawalRequested() | WithdrawalSettled() | WithdrawalReturned():
            return CommandResult(*head, withdrawal=_withdrawal_of(first, at_ns=head[1]))
        case _:
            return CommandResult(*head)


def _withdrawal_of(
    event: WithdrawalRequested | WithdrawalSettled | WithdrawalReturned, *, at_ns: int
) -> Withdrawal:
    return Withdrawal(
        event.withdrawal_id,
        event.account_id,
        event.change.asset,
        abs(event.change.held_change),
        event.reference,
        at_ns if isinstance(event, WithdrawalRequested) else event.requested_at_ns,
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
