"""From the rows of a day to commands: a market, funded accounts, and an order for each row.

The rule of this file: no answer is needed to write the next command. Orders are named by the
recording's own ids, so a whole day can be in flight.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.replay.day import Day, Kind, Row
from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    PlaceOrder,
    Side,
)

ACCOUNTS = 200
BASE, QUOTE = "SHARE", "EUR"
MARKET = f"{BASE}_{QUOTE}"


@dataclass(slots=True)
class Plan:
    """Commands that open the exchange, commands of the rows in order, and who was given what."""

    opening: list[Command] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    owners: dict[str, int] = field(default_factory=dict)
    deposits: dict[tuple[int, str], int] = field(default_factory=dict)


def make_plan(day: Day) -> Plan:
    """Spread the day's orders over the accounts, each funded for all of its orders at once."""
    plan = Plan()
    writer = _Writer(day.price_tick, plan.owners)
    plan.commands = [writer.command(number, row) for number, row in enumerate(day.rows)]
    plan.deposits = _needs(plan.commands, day.price_tick)
    plan.opening = [*_market(day), *_deposits(plan.deposits)]
    return plan


class _Writer:
    def __init__(self, price_tick: int, owners: dict[str, int]) -> None:
        self._price_tick = price_tick
        self._owners = owners
        self._totals: dict[str, int] = {}

    def command(self, number: int, row: Row) -> Command:
        key = f"row-{number}"
        if row.kind is Kind.NEW:
            return self._place(row, key)
        owner = self._owners.get(row.uid, 1)  # Nobody placed it: the engine says so to anybody.
        if row.kind is Kind.CANCEL:
            return CancelOrder(account_id=owner, client_order_id=row.uid, idempotency_key=key)
        total = max(0, self._totals.get(row.uid, 0) - row.lots)
        self._totals[row.uid] = total
        return AmendOrder(
            account_id=owner, client_order_id=row.uid, quantity_lots=total, idempotency_key=key
        )

    def _place(self, row: Row, key: str) -> PlaceOrder:
        self._totals[row.uid] = row.lots
        owner = self._owners.setdefault(row.uid, len(self._owners) % ACCOUNTS + 1)
        return PlaceOrder(
            account_id=owner,
            market=MARKET,
            side=row.side,
            price_ticks=row.price_units // self._price_tick,
            quantity_lots=row.lots,
            client_order_id=row.uid,
            idempotency_key=key,
        )


def _needs(commands: Sequence[Command], price_tick: int) -> dict[tuple[int, str], int]:
    # One atom at least, so that every account exists.
    needs: dict[tuple[int, str], int] = defaultdict(lambda: 1)
    for account_id in range(1, ACCOUNTS + 1):
        for asset in (BASE, QUOTE):
            needs[account_id, asset] = 1
    for command in commands:
        if not isinstance(command, PlaceOrder):
            continue
        if command.side is Side.SELL:
            needs[command.account_id, BASE] += command.quantity_lots
        else:
            cost_atoms = command.price_ticks * price_tick * command.quantity_lots
            needs[command.account_id, QUOTE] += cost_atoms
    return dict(needs)


def _market(day: Day) -> list[Command]:
    return [
        CreateAsset(asset=BASE, scale=0, idempotency_key="asset-base"),
        CreateAsset(asset=QUOTE, scale=day.price_scale, idempotency_key="asset-quote"),
        CreateMarket(
            market=MARKET,
            base=BASE,
            quote=QUOTE,
            price_scale=day.price_scale,
            price_tick=day.price_tick,
            lot_atoms=1,
            idempotency_key="market",
        ),
    ]


def _deposits(amounts: dict[tuple[int, str], int]) -> list[Command]:
    return [
        Deposit(
            account_id=account_id,
            asset=asset,
            amount_atoms=amount_atoms,
            reference="replay",
            idempotency_key=f"funds-{asset}",
        )
        for (account_id, asset), amount_atoms in amounts.items()
    ]
