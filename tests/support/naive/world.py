"""What there is: markets, accounts, living orders and money.

The rule of this file: rows and searches over them; nothing here decides anything. An order holds
`held`, and what an account holds is the sum over its orders, found by looking at all of them.
"""

from dataclasses import dataclass, field

from shared.messages import (
    FeeAsset,
    MarketRules,
    MarketStatus,
    OrderType,
    PlaceOrder,
    SelfTrade,
    Side,
    TimeInForce,
)

Fact = tuple[object, ...]
Levels = list[tuple[int, int]]

# Where an order is.
BOOK = "book"
TRIGGER = "trigger"  # It waits for its stop price.
CHILD = "child"  # It waits for its parent to be filled.
QUEUE = "queue"  # Its time has come, and others are before it.
WORKING = "working"  # It is the taker just now.
GONE = "gone"


@dataclass(eq=False)
class NaiveOrder:
    order_id: int
    account: int
    asked: PlaceOrder
    maker_ppm: int
    taker_ppm: int
    self_trade: SelfTrade
    quantity: int
    price: int
    stop_price: int
    place: str = WORKING
    rank: int = 0
    filled: int = 0
    held: int = 0
    fee_room: int = 0  # What a market buy holds for fees; a limit order's follows from its price.
    shown: int = 0
    watermark: int = 0
    has_fired: bool = False
    peer: "NaiveOrder | None" = None
    child: "NaiveOrder | None" = None
    parent_id: int = 0

    @property
    def buy(self) -> bool:
        return self.asked.side is Side.BUY

    @property
    def market(self) -> str:
        return self.asked.market

    @property
    def budget(self) -> int:
        return self.asked.budget_atoms

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled if self.quantity else 0

    @property
    def is_fok(self) -> bool:
        return self.asked.time_in_force is TimeInForce.FOK

    @property
    def has_price(self) -> bool:
        return self.asked.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def has_stop(self) -> bool:
        return self.asked.type not in (OrderType.LIMIT, OrderType.MARKET)

    @property
    def trails(self) -> bool:
        return self.asked.type is OrderType.TRAILING_STOP

    def next_part(self) -> int:
        return min(self.asked.display_lots or self.remaining, self.remaining)


@dataclass
class NaiveMarket:
    name: str
    base: str
    quote: str
    rate: int  # Quote atoms of one lot at one tick.
    lot_atoms: int
    fee_asset: FeeAsset
    rules: MarketRules
    last: int = 0
    status: MarketStatus = MarketStatus.OPEN
    until: int = 0
    slices: dict[int, list[int]] = field(default_factory=dict)  # When it began: its prices.

    @property
    def anchor(self) -> int:
        return self.last or self.rules.reference_price_ticks

    @property
    def fees_in_quote(self) -> bool:
        return self.fee_asset is FeeAsset.QUOTE

    def band(self, *, buy: bool) -> tuple[int, int] | None:
        """Return the lowest and highest price of a side, or None where there is no band."""
        ppm = self.rules.buy_band_ppm if buy else self.rules.sell_band_ppm
        if not ppm or not self.anchor:
            return None
        room = self.anchor * ppm // 1_000_000
        return self.anchor - room, self.anchor + room


@dataclass
class NaiveAccount:
    tier: int = 0
    is_suspended: bool = False
    cancel_at: int = 0


@dataclass
class NaiveWithdrawal:
    ident: int
    account: int
    asset: str
    amount: int


@dataclass
class World:
    scales: dict[str, int] = field(default_factory=dict)
    markets: dict[str, NaiveMarket] = field(default_factory=dict)
    accounts: dict[int, NaiveAccount] = field(default_factory=dict)
    orders: list[NaiveOrder] = field(default_factory=list)  # The living ones, by id.
    queue: list[NaiveOrder] = field(default_factory=list)  # Empty between two commands.
    withdrawals: list[NaiveWithdrawal] = field(default_factory=list)  # The pending ones.
    total: dict[tuple[int, str], int] = field(default_factory=dict)  # Available and held.
    earned: dict[str, int] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    told: list[Fact] = field(default_factory=list)
    now: int = 0
    entry: int = 0  # The number of the command at hand.
    next_id: int = 1
    last_rank: int = 0

    def tell(self, *fact: object) -> None:
        self.told.append(fact)

    def next_rank(self) -> int:
        self.last_rank += 1
        return self.last_rank

    def account(self, account: int) -> NaiveAccount:
        return self.accounts.get(account) or NaiveAccount()

    def market_of(self, order: NaiveOrder) -> NaiveMarket:
        return self.markets[order.market]

    def held_asset(self, order: NaiveOrder) -> str:
        market = self.market_of(order)
        return market.quote if order.buy else market.base

    def held(self, account: int, asset: str) -> int:
        in_orders = sum(
            order.held
            for order in self.orders
            if order.account == account and self.held_asset(order) == asset
        )
        on_its_way_out = sum(
            withdrawal.amount
            for withdrawal in self.withdrawals
            if (withdrawal.account, withdrawal.asset) == (account, asset)
        )
        return in_orders + on_its_way_out

    def available(self, account: int, asset: str) -> int:
        return self.total.get((account, asset), 0) - self.held(account, asset)

    def add(self, account: int, asset: str, amount: int) -> None:
        self.total[account, asset] = self.total.get((account, asset), 0) + amount

    def earn(self, asset: str, amount: int) -> None:
        self.earned[asset] = self.earned.get(asset, 0) + amount

    def own_orders(self, account: int, market: str = "") -> list[NaiveOrder]:
        return [
            order
            for order in self.orders
            if order.account == account and market in ("", order.market)
        ]

    def named(self, account: int, order_id: int, client_order_id: str) -> NaiveOrder | None:
        for order in self.own_orders(account):
            if order_id:
                if order.order_id == order_id:
                    return order
            elif client_order_id and order.asked.client_order_id == client_order_id:
                return order
        return None

    def resting(self, market: str, *, buy: bool) -> list[NaiveOrder]:
        """Return a side of the book, best first."""
        side = [
            order
            for order in self.orders
            if order.place == BOOK and order.market == market and order.buy == buy
        ]
        return sorted(side, key=lambda order: (-order.price if buy else order.price, order.rank))

    def depth(self, market: str) -> tuple[Levels, Levels]:
        """Return bids and asks, best first: what the book shows at each price."""
        bids, asks = (self._levels(self.resting(market, buy=buy)) for buy in (True, False))
        return bids, asks

    def _levels(self, best_first: list[NaiveOrder]) -> Levels:
        prices = list(dict.fromkeys(order.price for order in best_first))
        return [(p, sum(o.shown for o in best_first if o.price == p)) for p in prices]

    def best_price(self, market: str, *, buy: bool) -> int | None:
        side = self.resting(market, buy=buy)
        return side[0].price if side else None

    def would_take(self, market: str, price: int, *, buy: bool) -> bool:
        best = self.best_price(market, buy=not buy)
        return best is not None and (best <= price if buy else best >= price)
