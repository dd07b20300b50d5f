"""What the operator of a campaign does with money: it comes, goes, and is asked for and let go.

The rule of this file: each step is one command, of which the answer is known before the next one is
made up, so an end always names a withdrawal that is there.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from random import Random

from shared.messages import (
    CancelWithdrawal,
    Command,
    Deposit,
    RequestWithdrawal,
    ResolveWithdrawal,
    Withdraw,
)
from shared.wire import CommandResult
from tests.support.campaign_orders import ASSET_SCALES
from tests.support.ledger_book import OutsideLedger

AMOUNT_MAX = 50
END_RATE = 0.4  # Of the steps, while anything is pending: so some always is.


class Step(Enum):
    MOVED = "moved"
    REQUESTED = "requested"
    SETTLED = "settled"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass
class Money:
    """One step that the operator has sent; a negative amount goes out. `ends` is a request."""

    account: str
    asset: str
    amount: int
    step: Step = Step.MOVED
    ends: "Money | None" = None
    result: CommandResult | None = None

    def command(self, account_id: int, key: str) -> Command:
        if self.ends is not None:
            return self._end(account_id, key, self.ends.withdrawal_id)
        kinds: dict[Step, type[Deposit] | type[Withdraw] | type[RequestWithdrawal]] = {
            Step.MOVED: Deposit if self.amount > 0 else Withdraw,
            Step.REQUESTED: RequestWithdrawal,
        }
        return kinds[self.step](
            account_id=account_id,
            idempotency_key=key,
            asset=self.asset,
            amount_atoms=abs(self.amount) * 10 ** ASSET_SCALES[self.asset],
        )

    def _end(self, account_id: int, key: str, withdrawal_id: int) -> Command:
        if self.step is Step.CANCELLED:
            return CancelWithdrawal(
                account_id=account_id, idempotency_key=key, withdrawal_id=withdrawal_id
            )
        is_settled = self.step is Step.SETTLED
        return ResolveWithdrawal(
            idempotency_key=key, withdrawal_id=withdrawal_id, is_settled=is_settled
        )

    @property
    def withdrawal_id(self) -> int:
        assert self.result is not None, f"Nobody knows yet what became of {self}."
        return self.result.n

    def enter(self, ledger: OutsideLedger) -> None:
        """Enter the answer into the books."""
        assert self.result is not None, f"Never answered: {self}"
        n = self.result.n
        if self.result.code is not None:
            assert self.ends is None, f"A pending withdrawal could not be ended: {self}"
            ledger.refused(n)
        elif self.step is Step.REQUESTED:
            ledger.withdrawal_requested(n, self.account, self.asset, Decimal(-self.amount))
        elif self.ends is None:
            ledger.moved(n, self.account, self.asset, Decimal(self.amount))
        else:
            ledger.withdrawal_ended(n, self.ends.withdrawal_id, has_left=self.step is Step.SETTLED)


def next_money(random: Random, accounts: list[str], done: list[Money]) -> Money:
    """Make up the next step, from all that were done."""
    ended = {id(money.ends) for money in done}
    pending = [
        money
        for money in done
        if money.step is Step.REQUESTED and id(money) not in ended and _succeeded(money)
    ]
    if pending and random.random() < END_RATE:
        request = random.choice(pending)
        step = random.choice((Step.SETTLED, Step.REFUSED, Step.CANCELLED))
        return Money(request.account, request.asset, request.amount, step, request)
    account, asset = random.choice(accounts), random.choice(list(ASSET_SCALES))
    amount = random.randint(1, AMOUNT_MAX)
    if random.random() < 0.5:
        return Money(account, asset, amount)
    return Money(account, asset, -amount, random.choice((Step.MOVED, Step.REQUESTED)))


def _succeeded(money: Money) -> bool:
    return money.result is not None and money.result.code is None
