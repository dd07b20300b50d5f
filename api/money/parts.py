"""What moves money in and out, put together.

The rule of this file: it makes the parts from the settings, and does nothing else.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from api.money.deposit_list import DepositList
from api.money.deposits import Deposits
from api.money.faucet import Faucet
from api.money.payouts import FeePayouts
from api.money.withdrawal_ledger import WithdrawalLedger
from api.money.withdrawal_rows import WithdrawalRows
from api.money.withdrawals import Withdrawals
from api.reads.store import Store
from shared.bus import CommandBus
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """The parts; `faucet` is None where none is switched on."""

    deposits: Deposits
    payouts: FeePayouts
    deposit_list: DepositList
    withdrawals: Withdrawals
    faucet: Faucet | None


def money_of(
    database: AsyncEngine, bus: CommandBus, store: Store, settings: Settings
) -> MoneyParts:
    """Return the parts for one gateway."""
    window_s, keys_max = settings.idempotency_window_s, settings.idempotency_keys_max
    deposits = Deposits(database, bus, last_n=store.last_n, window_s=window_s, keys_max=keys_max)
    payouts = FeePayouts(database, bus, last_n=store.last_n, window_s=window_s, keys_max=keys_max)
    deposit_list = DepositList(database)
    withdrawals = Withdrawals(
        WithdrawalRows(database),
        WithdrawalLedger(store),
        bus,
        window_s=window_s,
        keys_max=keys_max,
        delay_s=settings.withdrawal_delay_s,
    )
    is_on = settings.faucet_enabled
    faucet = Faucet(deposits, deposit_list, settings.faucet) if is_on else None
    return MoneyParts(deposits, payouts, deposit_list, withdrawals, faucet)
