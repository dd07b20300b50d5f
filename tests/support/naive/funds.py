"""Money that comes, goes, is asked for and is given away.

The rule of this file: each function answers with what the command is refused for, or carries it out
and answers None. A total is what somebody owns, whatever part of it is held.
"""

from shared.messages import (
    CancelWithdrawal,
    Deposit,
    PayOutFees,
    Reject,
    RequestWithdrawal,
    ResolveWithdrawal,
    Transfer,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT
from tests.support.naive import rules
from tests.support.naive.placing import Fault
from tests.support.naive.world import NaiveWithdrawal, World

ACCOUNT_ID_MAX = 2**63 - 1
PENDING_MAX = 100

Funds = (
    Deposit
    | Withdraw
    | Transfer
    | RequestWithdrawal
    | CancelWithdrawal
    | ResolveWithdrawal
    | PayOutFees
)


def move(world: World, command: Funds) -> Fault:
    match command:
        case Deposit():
            return _deposit(world, command)
        case Withdraw():
            return _withdraw(world, command)
        case Transfer():
            return _transfer(world, command)
        case RequestWithdrawal():
            return _request(world, command)
        case CancelWithdrawal(account_id=account, withdrawal_id=ident):
            return _end(world, ident, "requested", owner=account)
        case ResolveWithdrawal(withdrawal_id=ident, is_settled=is_settled):
            return _end(world, ident, "" if is_settled else "refused")
        case PayOutFees():
            return _pay_out(world, command)


def _amount_fault(
    world: World, command: Deposit | Withdraw | Transfer | RequestWithdrawal | PayOutFees
) -> Reject | None:
    if command.asset not in world.scales:
        return Reject.UNKNOWN_ASSET
    if command.amount_atoms <= 0:
        return Reject.INVALID_AMOUNT
    if command.amount_atoms >= AMOUNT_LIMIT:
        return Reject.AMOUNT_LIMIT
    if len(command.reference) > 128 or not command.reference.isprintable():
        return Reject.INVALID_COMMAND
    return None


def _receiver_fault(receiver: int, giver: int) -> Reject | None:
    wrong = receiver == giver or not 0 < receiver <= ACCOUNT_ID_MAX
    return Reject.INVALID_ACCOUNT if wrong else None


def _lacks(world: World, account: int, asset: str, amount: int) -> Reject | None:
    return Reject.INSUFFICIENT_FUNDS if world.available(account, asset) < amount else None


def _enter(world: World, account: int, asset: str, amount: int) -> None:
    """Bring an amount in from outside, or (negative) out."""
    world.add(account, asset, amount)
    world.entered[asset] = world.entered.get(asset, 0) + amount


def _deposit(world: World, command: Deposit) -> Fault:
    account, asset, amount = command.account_id, command.asset, command.amount_atoms
    fault = _amount_fault(world, command)
    if fault:
        return fault
    if world.total.get((account, asset), 0) + amount >= AMOUNT_LIMIT:
        return Reject.AMOUNT_LIMIT
    _enter(world, account, asset, amount)
    world.tell("deposited", account, asset, amount)
    return None


def _withdraw(world: World, command: Withdraw) -> Fault:
    account, asset, amount = command.account_id, command.asset, command.amount_atoms
    fault = (
        _amount_fault(world, command)
        or rules.suspension_fault(world, account)
        or _lacks(world, account, asset, amount)
    )
    if fault:
        return fault
    _enter(world, account, asset, -amount)
    world.tell("withdrawn", account, asset, -amount)
    return None


def _transfer(world: World, command: Transfer) -> Fault:
    giver, receiver = command.account_id, command.to_account_id
    asset, amount = command.asset, command.amount_atoms
    shape = [_receiver_fault(receiver, giver), _amount_fault(world, command)]
    if any(shape):
        return rules.AnyOf(shape)
    fault = rules.suspension_fault(world, giver) or _lacks(world, giver, asset, amount)
    if fault:
        return fault
    world.add(giver, asset, -amount)
    world.add(receiver, asset, amount)
    world.tell("transferred", giver, receiver, asset, -amount)
    world.tell("transferred", receiver, giver, asset, amount)
    return None


def _request(world: World, command: RequestWithdrawal) -> Fault:
    account, asset, amount = command.account_id, command.asset, command.amount_atoms
    pending = [one for one in world.withdrawals if one.account == account]
    fault = (
        _amount_fault(world, command)
        or rules.suspension_fault(world, account)
        or (Reject.TOO_MANY_WITHDRAWALS if len(pending) == PENDING_MAX else None)
        or _lacks(world, account, asset, amount)
    )
    if fault:
        return fault
    world.withdrawals.append(NaiveWithdrawal(world.entry, account, asset, amount))
    world.tell("withdrawal_requested", account, world.entry, asset, amount)
    return None


def _end(world: World, ident: int, reason: str, owner: int = 0) -> Fault:
    """End a withdrawal, of this owner if it is asked for by one; without a reason it has left."""
    found = [one for one in world.withdrawals if one.ident == ident and owner in (0, one.account)]
    if not found:
        return Reject.UNKNOWN_WITHDRAWAL
    [one] = found
    world.withdrawals.remove(one)
    told = one.account, one.ident, one.asset, one.amount
    if reason:
        world.tell("withdrawal_returned", *told, reason)
        return None
    _enter(world, one.account, one.asset, -one.amount)
    world.tell("withdrawal_settled", *told)
    return None


def _pay_out(world: World, command: PayOutFees) -> Fault:
    receiver, asset, amount = command.to_account_id, command.asset, command.amount_atoms
    shape = [_receiver_fault(receiver, 0), _amount_fault(world, command)]
    if any(shape):
        return rules.AnyOf(shape)
    if world.earned.get(asset, 0) < amount:
        return Reject.INSUFFICIENT_FUNDS
    world.earn(asset, -amount)
    world.add(receiver, asset, amount)
    world.tell("fees_paid_out", receiver, asset, amount)
    return None
