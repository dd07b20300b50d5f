"""What is not trading: assets, markets, funds, and the operator's words.

The rule of this file: each function carries out one kind of command, or answers with the rule it
breaks and has changed nothing.
"""

from msgspec.structs import replace

from engine.core import rules
from engine.core.ledger import Account, Balance
from engine.core.markets import LiveMarket
from engine.core.rules import Refusal
from engine.core.state import State
from shared.messages import (
    AccountUpdated,
    Asset,
    AssetCreated,
    CommandSkipped,
    CreateAsset,
    CreateMarket,
    Deposit,
    Event,
    FeesPaidOut,
    FundsDeposited,
    FundsTransferred,
    FundsWithdrawn,
    Market,
    MarketCreated,
    MarketUpdated,
    PayOutFees,
    Reject,
    RequestWithdrawal,
    SetAccountTier,
    SkipCommand,
    Transfer,
    UpdateMarket,
    Withdraw,
)

Answer = list[Event] | Refusal


def create_asset(state: State, command: CreateAsset) -> Answer:
    if command.asset in state.assets:
        return Refusal(Reject.ASSET_EXISTS, "asset")
    fault = rules.asset_fault(command)
    if fault is not None:
        return fault
    asset = Asset(command.asset, command.scale)
    state.add_asset(asset)
    return [AssetCreated(state.next_event(), asset)]


def create_market(state: State, command: CreateMarket) -> Answer:
    assets = state.assets
    if command.market in state.markets:
        return Refusal(Reject.MARKET_EXISTS, "market")
    if command.base not in assets:
        return Refusal(Reject.UNKNOWN_ASSET, "base")
    if command.quote not in assets:
        return Refusal(Reject.UNKNOWN_ASSET, "quote")
    fault = rules.market_fault(command)
    if fault is not None:
        return fault
    rate = rules.atoms_per_tick_lot(command, assets[command.base], assets[command.quote])
    if rate is None:
        return Refusal(Reject.INVALID_MARKET, "price_tick")
    market = Market(
        command.market,
        command.base,
        command.quote,
        command.price_scale,
        command.price_tick,
        command.lot_atoms,
        rate,
        command.fee_asset,
        command.rules,
    )
    state.add_market(LiveMarket(market))
    return [MarketCreated(state.next_event(), market)]


def update_market(state: State, command: UpdateMarket) -> Answer:
    live = state.markets.get(command.market)
    if live is None:
        return Refusal(Reject.UNKNOWN_MARKET, "market")
    if not rules.are_rules(command.fields):
        return Refusal(Reject.INVALID_COMMAND, "fields")
    named = {name: getattr(command.rules, name) for name in command.fields}
    changed = replace(live.rules, **named) if named else command.rules
    fault = rules.update_fault(changed, live.market.fee_asset)
    if fault is not None:
        return fault
    market = replace(live.market, rules=changed)
    state.update_market(market)
    return [MarketUpdated(state.next_event(), market)]


def set_account_tier(state: State, command: SetAccountTier) -> Answer:
    fault = rules.target_fault(command)
    if fault is not None:
        return fault
    account = state.ledger.account(command.target_account_id)
    account.tier = command.tier
    return [account_updated(state, account)]


def account_updated(state: State, account: Account) -> AccountUpdated:
    """Return the event that tells of what an account may do and pays, as it is now."""
    account_sequence = state.ledger.next_sequence(account)
    return AccountUpdated(
        state.next_event(),
        account.account_id,
        account_sequence,
        account.tier,
        account.is_suspended,
    )


def deposit(state: State, command: Deposit) -> Answer:
    ledger = state.ledger
    if command.asset not in state.assets:
        return Refusal(Reject.UNKNOWN_ASSET, "asset")
    fault = rules.amount_fault(command)
    if fault is not None:
        return fault
    if not ledger.can_deposit(command.asset, command.amount_atoms):
        return Refusal(Reject.AMOUNT_LIMIT, "amount_atoms")
    account, account_sequence = state.next_private_event(command.account_id)
    balance = ledger.balance(account, command.asset)
    change = ledger.deposit(balance, command.amount_atoms)
    sequence, reference = state.next_event(), command.reference
    return [FundsDeposited(sequence, account.account_id, account_sequence, change, reference)]


def payable(
    state: State, command: Withdraw | RequestWithdrawal | Transfer, fault: Refusal | None
) -> Balance | Refusal:
    """Return the balance that money is to leave, or why it may not; `fault` is its command's."""
    if command.asset not in state.assets:
        return Refusal(Reject.UNKNOWN_ASSET, "asset")
    if fault is not None:
        return fault
    giver = state.ledger.account(command.account_id)
    if giver.is_suspended:
        return Refusal(Reject.ACCOUNT_SUSPENDED, "account_id")
    if isinstance(command, RequestWithdrawal):
        fault = rules.pending_fault(len(giver.withdrawals))
        if fault is not None:
            return fault
    balance = state.ledger.balance(giver, command.asset)
    if balance.available < command.amount_atoms:
        return Refusal(Reject.INSUFFICIENT_FUNDS, "amount_atoms")
    return balance


def withdraw(state: State, command: Withdraw) -> Answer:
    ledger = state.ledger
    balance = payable(state, command, rules.amount_fault(command))
    if isinstance(balance, Refusal):
        return balance
    account, account_sequence = state.next_private_event(command.account_id)
    change = ledger.withdraw(balance, command.amount_atoms)
    sequence, reference = state.next_event(), command.reference
    return [FundsWithdrawn(sequence, account.account_id, account_sequence, change, reference)]


def transfer(state: State, command: Transfer) -> Answer:
    ledger = state.ledger
    balance = payable(state, command, rules.transfer_fault(command))
    if isinstance(balance, Refusal):
        return balance
    giver = ledger.account(command.account_id)
    receiver = ledger.account(command.to_account_id)
    changes = ledger.give(balance, ledger.balance(receiver, command.asset), command.amount_atoms)
    return [
        FundsTransferred(
            state.next_event(),
            account.account_id,
            ledger.next_sequence(account),
            change,
            other.account_id,
            command.reference,
        )
        for account, other, change in zip(
            (giver, receiver), (receiver, giver), changes, strict=True
        )
    ]


def pay_out_fees(state: State, command: PayOutFees) -> Answer:
    ledger = state.ledger
    if command.asset not in state.assets:
        return Refusal(Reject.UNKNOWN_ASSET, "asset")
    fault = rules.transfer_fault(command)
    if fault is not None:
        return fault
    if ledger.totals[command.asset].fees < command.amount_atoms:
        return Refusal(Reject.INSUFFICIENT_FUNDS, "amount_atoms")
    account, account_sequence = state.next_private_event(command.to_account_id)
    change = ledger.pay_out(ledger.balance(account, command.asset), command.amount_atoms)
    sequence, reference = state.next_event(), command.reference
    return [FeesPaidOut(sequence, account.account_id, account_sequence, change, reference)]


def skip_command(state: State, command: SkipCommand) -> Answer:
    if not 0 < command.skip_n < state.n:
        return Refusal(Reject.INVALID_COMMAND, "skip_n")
    return [CommandSkipped(state.next_event(), command.skip_n)]
