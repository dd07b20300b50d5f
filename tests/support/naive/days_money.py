"""What a random day does with money: it comes, goes, is given away, asked for, and paid out.

The rule of this file: as that of `days`, it only makes up commands; most of them by somebody who
may, of something that is there.
"""

from random import Random

from shared.messages import (
    CancelWithdrawal,
    Command,
    Deposit,
    PayOutFees,
    RequestWithdrawal,
    ResolveWithdrawal,
    Transfer,
    Withdraw,
)
from tests.support.naive.world import World

ACCOUNTS = (1, 2, 3)
ASSETS = ("AAA", "BBB", "USD")


def funds(draw: Random) -> Command:
    account, asset = draw.choice(ACCOUNTS), draw.choice((*ASSETS, "USD", "NOT"))
    amount = draw.choice((0, 1, 30, 100, 500 if asset == "USD" else 40))
    kind = draw.choice((0, 0, 0, 1, 2))
    if kind == 0:
        return Deposit(account_id=account, asset=asset, amount_atoms=amount)
    if kind == 1:
        return Withdraw(account_id=account, asset=asset, amount_atoms=amount)
    to = draw.choice((*ACCOUNTS, *ACCOUNTS, 0))
    return Transfer(account_id=account, to_account_id=to, asset=asset, amount_atoms=amount)


def withdrawal(draw: Random, world: World) -> Command:
    """Ask for one, or end one."""
    pending = world.withdrawals
    if not pending or draw.random() < 0.5:
        account, asset = draw.choice(ACCOUNTS), draw.choice((*ASSETS, "USD", "USD", "NOT"))
        amount = draw.choice((0, 1, 10, 10, 100, 300, 2**63))
        return RequestWithdrawal(account_id=account, asset=asset, amount_atoms=amount)
    one = draw.choice(pending)
    ident = one.ident if draw.random() < 0.9 else one.ident + draw.choice((-1, 1))
    if draw.random() < 0.5:
        owner = one.account if draw.random() < 0.8 else draw.choice(ACCOUNTS)
        return CancelWithdrawal(account_id=owner, withdrawal_id=ident)
    sender = draw.choice((0,) * 9 + (one.account,))
    is_settled = draw.random() < 0.5
    return ResolveWithdrawal(account_id=sender, withdrawal_id=ident, is_settled=is_settled)


def pay_out(draw: Random, world: World) -> Command:
    asset = draw.choice((*ASSETS, *ASSETS, "NOT"))
    earned = world.earned.get(asset, 0)
    return PayOutFees(
        asset=asset,
        amount_atoms=draw.choice((0, 1, earned // 2, earned, earned + 1)),
        to_account_id=draw.choice((*ACCOUNTS, *ACCOUNTS, 0)),
    )
