"""A whole venue in memory under random commands, its feed, and what was true at each sequence.

The rule of this file: truth is what the exchange itself says after a command; nothing of it is
computed from what the feed has said.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from broadcaster.channels.accounts import AccountListener
from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.outside.topics import OutsideBook, OutsideLog
from broadcaster.venue.account_updates import account_snapshot
from broadcaster.venue.feed import Feed
from broadcaster.venue.projection import News, Projection
from broadcaster.venue.rows import AccountRows, MarketRows, VenueRows
from engine.core.exchange import Exchange
from shared.feed import AccountSnapshot, Level, Reason
from shared.markets import format_price, format_quantity
from shared.messages import (
    AccountRow,
    AmendOrder,
    Applied,
    CancelAll,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    MarketRules,
    OrderType,
    PlaceOrder,
    RequestWithdrawal,
    ResolveWithdrawal,
    SetAccountTier,
    Side,
    TimeInForce,
    TradeExecuted,
)
from shared.publishing import BookChange, BookImage, LogEntry
from shared.wire import TradeRow

ASSETS = ("INR", "TATA", "JIO", "ABC")
MARKETS = ("TATA_INR", "JIO_INR")
LATE_MARKET = "ABC_INR"
ACCOUNTS = (1, 2, 3)
OUTSIDE_BOOKS = ("book:ext:A", "book:ext:B")
OUTSIDE_LOG = "signals:ext"
SCALE, TICK, LOT = 2, 5, 100
LEVELS_MAX = 10_000
RECENT_TRADES_MAX = 50
OUTSIDE_STEP = 1_000  # The numbers of a producer that is back are above all it had before.

Sides = tuple[list[Level], list[Level]]
_Waiting = tuple[dict[AccountListener, Reason], AccountRows, object]


class ModelVenue:
    """The exchange and the broadcaster's side of it; `now_ns` is everybody's clock."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.now_ns = 1_700_000_000_000_000_000
        self.exchange = Exchange()
        self.hub, self.cadence = Hub(), Cadence()
        self.feed = Feed(self.hub, self.cadence)
        self.feed.load(VenueRows(1, 0, 0, [], []))
        self.books: dict[str, dict[int, Sides]] = {}  # By market or outside channel.
        self.trades: dict[str, list[TradeRow]] = {}
        self.accounts: dict[int, dict[int, AccountSnapshot]] = {id_: {} for id_ in ACCOUNTS}
        self.entries: dict[int, bytes] = {}  # Of the outside log.
        self._names = Projection(VenueRows(1, 0, 0, [], []))  # How assets and markets read.
        self._batch: list[Applied] = []
        self._reads: list[_Waiting] = []
        self._outside_sequence = OUTSIDE_STEP
        self._levels: dict[str, tuple[dict[int, str], dict[int, str]]] = {}
        self._open()

    # ---- what happens ----

    def apply(self, command: Command) -> None:
        """Carry it out, and note what is true now; the feed is told by `commit`."""
        events = tuple(self.exchange.apply(command, at_ns=self.now_ns))
        applied = Applied(self.exchange.n, self.exchange.at_ns, events)
        self._batch.append(applied)
        self._names.apply([applied], News())
        for event in events:
            if isinstance(event, TradeExecuted):
                row = TradeRow(
                    event.trade_id,
                    applied.at_ns,
                    event.price_ticks,
                    event.quantity_lots,
                    event.taker_side,
                )
                self.trades.setdefault(event.market, []).append(row)
        self._note()

    def commit(self) -> None:
        """Tell the feed what has happened since the last time."""
        batch, self._batch = self._batch, []
        self.feed.apply(batch)

    def reload(self) -> None:
        """Lose what was not told yet; the feed begins with the rows as they are."""
        self._batch = []
        self.feed.load(self._rows())

    def read_accounts(self, *, all_of_them: bool = False) -> None:
        """Read what accounts were asked for, and answer what was read before, or not yet."""
        accounts = self.hub.accounts
        while (request := accounts.take_request()) is not None:
            account_id, asked = request
            self._reads.append((asked, self._account(account_id), self.feed.projection))
        late, self._reads = self._reads, []
        for asked, rows, projection in late:
            if not all_of_them and self.draw.random() < 0.5:
                self._reads.append((asked, rows, projection))
            elif projection is self.feed.projection:
                self.feed.answer_account(asked, rows)
            else:
                accounts.request_again(rows.account_id, asked)

    def pass_time(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)
        self.cadence.run(self.now_ns)
        self.hub.accounts.tick(self.now_ns)

    def step(self) -> None:
        """Let a few random things happen."""
        for _ in range(self.draw.randint(0, 4)):
            self.apply(self.command())
        for _ in range(self.draw.randint(0, 2)):
            self._outside()
        if self.draw.random() < 0.8:
            self.commit()

    def touch(self) -> None:
        """Have every channel and account say something, so that a loss before it shows."""
        for account_id in ACCOUNTS:
            self.apply(Deposit(account_id=account_id, asset="INR", amount_atoms=1))
        for market in self._markets:
            self._touch_market(market)
        self.commit()
        for name in (*OUTSIDE_BOOKS, OUTSIDE_LOG):
            if name not in self.hub.topics:
                self._put(name)
            self._change(name)

    def _touch_market(self, market: str) -> None:
        for side, ticks in ((Side.BUY, 89), (Side.SELL, 111)):
            for account_id in (1, 2):  # Somebody takes the other side, at any price.
                self.apply(CancelAll(account_id=account_id, market=market))
            self.apply(CancelAll(account_id=3, market=market))
            rests, takes = (side, Side.SELL if side is Side.BUY else Side.BUY)
            self.apply(_limit(1, market, rests, ticks, 7))
            self.apply(_limit(2, market, takes, ticks, 3))
            self.commit()

    @property
    def _markets(self) -> list[str]:
        return list(self.exchange.state.markets)

    # ---- commands ----

    def command(self) -> Command:
        """Draw a command; many of them will be refused."""
        draw, account_id = self.draw, self.draw.choice(ACCOUNTS)
        last = self.exchange.next_order_id
        order_id = draw.randint(max(1, last - 20), last)
        match draw.randint(0, 19):
            case 0 | 1:
                return CancelOrder(account_id=account_id, order_id=order_id)
            case 2 | 3:
                lots = draw.randint(1, 15)
                return AmendOrder(account_id=account_id, order_id=order_id, quantity_lots=lots)
            case 4:
                return CancelAll(account_id=account_id, market=draw.choice(self._markets))
            case 5:
                amount = draw.choice((1, 500, 10**12))
                return RequestWithdrawal(account_id=account_id, asset="INR", amount_atoms=amount)
            case 6:
                pending = [*self.exchange.state.withdrawals, 1]
                return ResolveWithdrawal(withdrawal_id=pending[0], is_settled=draw.random() < 0.5)
            case 7:
                tier = draw.randint(0, 1)
                return SetAccountTier(target_account_id=account_id, tier=tier)
            case 8 if draw.random() < 0.1 and LATE_MARKET not in self._markets:
                return _market(LATE_MARKET)
            case 9 | 10:
                return self._stop(account_id)
        side, ticks = draw.choice(list(Side)), draw.randint(85, 115)
        return _limit(account_id, draw.choice(self._markets), side, ticks, draw.randint(1, 20))

    def _stop(self, account_id: int) -> Command:
        draw = self.draw
        return PlaceOrder(
            account_id=account_id,
            market=draw.choice(self._markets),
            side=draw.choice(list(Side)),
            type=OrderType.STOP_LIMIT,
            price_ticks=draw.randint(90, 110),
            stop_price_ticks=draw.randint(90, 110),
            quantity_lots=draw.randint(1, 20),
        )

    def _open(self) -> None:
        for asset in ASSETS:
            self.apply(CreateAsset(asset=asset, scale=SCALE))
        for market in MARKETS:
            self.apply(_market(market))
        for account_id in ACCOUNTS:
            for asset in ASSETS:
                funds = Deposit(account_id=account_id, asset=asset, amount_atoms=100_000_000)
                self.apply(funds)
        self.commit()
        for name in (*OUTSIDE_BOOKS, OUTSIDE_LOG):
            self._put(name)

    # ---- another producer ----

    def _outside(self) -> None:
        name = self.draw.choice((*OUTSIDE_BOOKS, OUTSIDE_LOG))
        if name not in self.hub.topics:
            if self.draw.random() < 0.3:
                self._put(name)
        elif self.draw.random() < 0.05:
            self.hub.remove_topic(name)
        else:
            self._change(name)

    def _put(self, name: str) -> None:
        self._outside_sequence += OUTSIDE_STEP
        if name == OUTSIDE_LOG:
            log = OutsideLog(name, self.cadence)
            log.show(self._outside_sequence, [], "")
            self.hub.put_topic(log)
            return
        book = OutsideBook(name, self.cadence)
        self._levels[name] = {}, {}
        self.books.setdefault(name, {})[self._outside_sequence] = [], []
        book.show(BookImage(self._outside_sequence, self.now_ns, (), ()), "")
        self.hub.put_topic(book)

    def _change(self, name: str) -> None:
        topic = self.hub.topics[name]
        if isinstance(topic, OutsideLog):
            data = b"%d" % self.draw.randint(0, 99)
            self.entries[topic.sequence + 1] = data
            topic.follow(LogEntry(self.now_ns, data))
            return
        assert isinstance(topic, OutsideBook), "one is a log, the others are books"
        sides = self._levels[name]
        first = topic.book.sequence + 1
        changed: list[tuple[Any, ...]] = []
        for levels, base in zip(sides, (50, 60), strict=True):
            key = base + self.draw.randint(0, 9)
            levels[key] = str(self.draw.randint(0, 9))
            changed.append(((key, (str(key), levels[key])),))
        topic.follow(BookChange(first, first, self.now_ns, changed[0], changed[1]))
        shown: list[list[Level]] = [
            [(str(key), levels[key]) for key in sorted(levels) if levels[key] != "0"]
            for levels in sides
        ]
        self.books[name][first] = shown[0][::-1], shown[1]

    # ---- what is so ----

    def _note(self) -> None:
        state = self.exchange.state
        for market, live in state.markets.items():
            told = self.books.setdefault(market, {})
            sequence = live.depth_sequence
            if sequence not in told:
                definition = live.market
                sides: list[list[Level]] = [
                    [
                        (format_price(definition, ticks), format_quantity(definition, SCALE, lots))
                        for ticks, lots in side
                    ]
                    for side in self.exchange.depth(market, LEVELS_MAX)
                ]
                told[sequence] = sides[0], sides[1]
        for account_id, told_of in self.accounts.items():
            account = state.ledger.accounts.get(account_id)
            if account is not None and account.sequence not in told_of:
                told_of[account.sequence] = self.account(account_id)

    def account(self, account_id: int) -> AccountSnapshot:
        """Return the account as it is now."""
        rows = self._account(account_id)
        pending = self.exchange.state.withdrawals.values()
        own = [item for item in pending if item.account_id == account_id]
        return account_snapshot(rows, self._names, "", own)

    def _account(self, account_id: int) -> AccountRows:
        account = self.exchange.state.ledger.accounts.get(account_id)
        return AccountRows(
            account_id,
            AccountRow(0) if account is None else account.row(),
            {}
            if account is None
            else {
                asset: (balance.available, balance.held)
                for asset, balance in account.balances.items()
            },
            deepcopy(self.exchange.open_orders(account_id)),  # They change in place.
            self.exchange.sequence,
        )

    def _rows(self) -> VenueRows:
        rows = self.exchange.rows()
        states = {row.market: row for row in rows.market_states}
        markets = []
        for market in rows.markets:
            depth = self.exchange.depth(market.market, LEVELS_MAX)
            levels = [
                (side, ticks, lots)
                for side, each in zip((Side.BUY, Side.SELL), depth, strict=True)
                for ticks, lots in each
            ]
            trades = self.trades.get(market.market, [])[::-1][:RECENT_TRADES_MAX]
            markets.append(MarketRows(market, states.get(market.market), levels, trades))
        return VenueRows(1, rows.sequence, rows.at_ns, rows.assets, markets, list(rows.withdrawals))


def clock_of(venue: ModelVenue) -> Callable[[], float]:
    """Return the venue's clock in seconds, as a client reads it."""
    return lambda: venue.now_ns / 1e9


def _limit(account_id: int, market: str, side: Side, ticks: int, lots: int) -> PlaceOrder:
    return PlaceOrder(
        account_id=account_id,
        market=market,
        side=side,
        time_in_force=TimeInForce.GTC,
        price_ticks=ticks,
        quantity_lots=lots,
    )


def _market(market: str) -> CreateMarket:
    base, quote = market.split("_")
    return CreateMarket(
        market=market,
        base=base,
        quote=quote,
        price_scale=SCALE,
        price_tick=TICK,
        lot_atoms=LOT,
        fee_asset=FeeAsset.QUOTE,
        rules=MarketRules(maker_fee_ppm=-500, taker_fee_ppm=2_500),
    )
