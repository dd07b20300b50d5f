"""What is not trading: assets, markets, funds, and the operator's words.

The rule of this file: each function carries out one kind of command, or answers with the rule it
breaks and has changed nothing.
"""

from engine.core import rules
from engine.core.markets import LiveMarket
from engine.core.rules import Refusal
from engine.core.state import State
from shared.messages import (
    Asset,
    AssetCreated,
    CommandSkipped,
    CreateAsset,
    CreateMarket,
    Deposit,
    Event,
    FundsDeposited,
    FundsWithdrawn,
    Market,
    MarketCreated,
    Reject,
    SkipCommand,
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
        command.maker_fee_ppm,
        command.taker_fee_ppm,
    )
    state.add_market(LiveMarket(market))
    return [MarketCreated(state.next_event(), market)]


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


def withdraw(state: State, command: Withdraw) -> Answer:
    ledger = state.ledger
    if command.asset not in state.assets:
        return Refusal(Reject.UNKNOWN_ASSET, "asset")
    fault = rules.amount_fault(command)
    if fault is not None:
        return fault
    balance = ledger.balance(ledger.account(command.account_id), command.asset)
    if balance.available < command.amount_atoms:
        return Refusal(Reject.INSUFFICIENT_FUNDS, "amount_atoms")
    account, account_sequence = state.next_private_event(command.account_id)
    change = ledger.withdraw(balance, command.amount_atoms)
    sequence, reference = state.next_event(), command.reference
    return [FundsWithdrawn(sequence, account.account_id, account_sequence, change, reference)]


def skip_command(state: State, command: SkipCommand) -> Answer:
    if not 0 < command.skip_n < state.n:
        return Refusal(Reject.INVALID_COMMAND, "skip_n")
    return [CommandSkipped(state.next_event(), command.skip_n)]
