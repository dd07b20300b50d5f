"""Who has how much: available and held atoms of every account, and what the venue took in.

The rule of this file: it is the only one that changes money. Every method moves atoms between
places that are counted, so that per asset, always:
sum(available + held) + fees = deposits - withdrawals. Lifetime deposits stay below AMOUNT_LIMIT;
therefore no balance, hold or fee can reach it.
"""

from shared.messages import AccountRow, BalanceChange, Order, Totals, Withdrawal
from shared.money import AMOUNT_LIMIT


class Balance:
    """One asset of one account. `drained_*` is what the last drained change said."""

    __slots__ = (
        "account_id",
        "asset",
        "available",
        "drained_available",
        "drained_held",
        "held",
        "touched",
    )

    def __init__(self, account_id: int, asset: str) -> None:
        self.account_id = account_id
        self.asset = asset
        self.available = self.held = 0
        self.drained_available = self.drained_held = 0
        self.touched = False


class Account:
    """An account: its balances, its living orders and pending withdrawals, and what it may do.

    `sequence` is the number of its last private event; `open_counts` is how many living orders it
    has by market. `cancel_at_ns` is when its cancel timer runs out, 0 for none.
    """

    __slots__ = (
        "account_id",
        "balances",
        "cancel_at_ns",
        "client_orders",
        "is_suspended",
        "open_counts",
        "orders",
        "sequence",
        "tier",
        "touched",
        "withdrawals",
    )

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.sequence = 0
        self.tier = 0
        self.is_suspended = False
        self.cancel_at_ns = 0
        self.balances: dict[str, Balance] = {}
        self.orders: dict[int, Order] = {}
        self.client_orders: dict[str, Order] = {}
        self.open_counts: dict[str, int] = {}
        self.withdrawals: dict[int, Withdrawal] = {}
        self.touched = False

    def row(self) -> AccountRow:
        return AccountRow(self.sequence, self.tier, self.is_suspended, self.cancel_at_ns)


class Earnings:
    """The totals of one asset. `drained_net` is deposits - withdrawals - fees at the last drain."""

    __slots__ = ("asset", "deposits", "drained_net", "fees", "touched", "withdrawals")

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.deposits = self.withdrawals = self.fees = 0
        self.drained_net = 0
        self.touched = False

    def net(self) -> int:
        return self.deposits - self.withdrawals - self.fees

    def row(self) -> Totals:
        return Totals(self.asset, self.deposits, self.withdrawals, self.fees)


class Ledger:
    """All accounts and totals, and which of them changed since the last drain."""

    __slots__ = ("accounts", "totals", "touched_accounts", "touched_balances", "touched_totals")

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.totals: dict[str, Earnings] = {}
        self.touched_accounts: list[Account] = []
        self.touched_balances: list[Balance] = []
        self.touched_totals: list[Earnings] = []

    def add_asset(self, asset: str) -> None:
        earnings = self.totals[asset] = Earnings(asset)
        self._touch_totals(earnings)

    def account(self, account_id: int) -> Account:
        """Return the account; every account exists as soon as somebody speaks of it."""
        account = self.accounts.get(account_id)
        if account is None:
            account = self.accounts[account_id] = Account(account_id)
        return account

    def balance(self, account: Account, asset: str) -> Balance:
        balance = account.balances.get(asset)
        if balance is None:
            balance = account.balances[asset] = Balance(account.account_id, asset)
        return balance

    def next_sequence(self, account: Account) -> int:
        """Count one more private event of the account and return its number."""
        if not account.touched:
            account.touched = True
            self.touched_accounts.append(account)
        account.sequence += 1
        return account.sequence

    def touch_account(self, account: Account) -> None:
        if not account.touched:
            account.touched = True
            self.touched_accounts.append(account)

    def can_deposit(self, asset: str, atoms: int) -> bool:
        return self.totals[asset].deposits + atoms < AMOUNT_LIMIT

    def deposit(self, balance: Balance, atoms: int) -> BalanceChange:
        earnings = self.totals[balance.asset]
        self._touch_totals(earnings)
        earnings.deposits += atoms
        return self.move(balance, atoms, 0)

    def withdraw(self, balance: Balance, atoms: int) -> BalanceChange:
        """Take `atoms` of the available out of the venue; the caller knows that they are there."""
        earnings = self.totals[balance.asset]
        self._touch_totals(earnings)
        earnings.withdrawals += atoms
        return self.move(balance, -atoms, 0)

    def settle(self, balance: Balance, atoms: int) -> BalanceChange:
        """Take `atoms` out of the venue that a pending withdrawal held."""
        earnings = self.totals[balance.asset]
        self._touch_totals(earnings)
        earnings.withdrawals += atoms
        return self.move(balance, 0, -atoms)

    def give(self, giver: Balance, receiver: Balance, atoms: int) -> tuple[BalanceChange, ...]:
        """Move available `atoms` to another account; the caller knows that they are there."""
        return self.move(giver, -atoms, 0), self.move(receiver, atoms, 0)

    def earn(self, asset: str, fee_atoms: int) -> None:
        earnings = self.totals[asset]
        if not earnings.touched:
            self._touch_totals(earnings)
        earnings.fees += fee_atoms

    def pay_out(self, receiver: Balance, atoms: int) -> BalanceChange:
        """Make earned fees available to an account; the caller knows that they are there."""
        earnings = self.totals[receiver.asset]
        self._touch_totals(earnings)
        earnings.fees -= atoms
        return self.move(receiver, atoms, 0)

    def move(self, balance: Balance, available: int, held: int) -> BalanceChange:
        """Change what is available and what is held; the caller knows that both stay above zero.

        A hold is (-atoms, atoms), a release (atoms, -atoms). A trade takes from the payer's hold
        what the receiver gets and the venue earns, and makes the rest of it available.
        """
        if not balance.touched and (available or held):
            balance.touched = True
            self.touched_balances.append(balance)
        balance.available += available
        balance.held += held
        return BalanceChange(balance.asset, available, held, balance.available, balance.held)

    def _touch_totals(self, earnings: Earnings) -> None:
        if not earnings.touched:
            earnings.touched = True
            self.touched_totals.append(earnings)
