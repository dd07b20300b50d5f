"""The feed under the real exchange: whoever only reads the channels knows what the exchange knows.

After each of many batches of random commands, the book, the trades,
and every account's balances and open orders, as rebuilt from messages alone, are those of the
exchange.
"""

import random
from functools import partial
from typing import Any

import msgspec
import pytest

from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.frames import payload_of
from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import Wish
from broadcaster.clients.account_stream import AccountStream
from broadcaster.clients.delivery import Delivery
from broadcaster.venue.feed import Feed
from broadcaster.venue.rows import AccountRows, VenueRows
from engine.core.exchange import Exchange
from shared.feed import Level
from shared.markets import format_price, format_quantity
from shared.messages import (
    AccountRow,
    AmendOrder,
    Applied,
    CancelOrder,
    CancelWithdrawal,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    MarketRules,
    OrderType,
    PayOutFees,
    PlaceOrder,
    RequestWithdrawal,
    ResolveWithdrawal,
    Side,
    TimeInForce,
    Withdraw,
)
from shared.money import format_decimal
from tests.broadcaster.channels.strict import Reader, StrictBook
from tests.support.feed_client import BookView, Gap

MARKET = "TATA_INR"
ASSETS = ("INR", "TATA")
ACCOUNTS = (1, 2, 3)
COMMANDS = 3_000
BATCH_MAX = 6
VIEWS_MAX = 20

Sides = tuple[list[Level], list[Level]]


class AccountView:
    """An account as rebuilt from its channel."""

    def __init__(self) -> None:
        self.sequence = 0
        self.balances: dict[str, tuple[str, str]] = {}
        self.open: dict[int, tuple[str, str]] = {}  # Order id -> filled and remaining quantity.
        self.kinds: set[str] = set()

    def take(self, data: bytes) -> None:
        message: dict[str, Any] = msgspec.json.decode(payload_of(data))
        kind = message["type"]
        if kind == "snapshot":
            return
        self.kinds.add(kind)
        self.sequence += 1
        if message["sequence"] != self.sequence:
            raise Gap(f"{kind} {message['sequence']}")
        for balance in message["balances"]:
            self.balances[balance["asset"]] = (balance["available"], balance["held"])
        if kind == "accepted":
            self.open[message["order_id"]] = ("0", message["quantity"])
        elif kind in ("partially_filled", "amended"):
            quantities = (message["filled_quantity"], message["remaining_quantity"])
            self.open[message["order_id"]] = quantities
        elif kind in ("filled", "cancelled", "expired"):
            del self.open[message["order_id"]]


class Views:
    """Strict readers of the market's book, with all kinds of wishes, who come and go."""

    def __init__(self, hub: Hub, draw: random.Random) -> None:
        self._random = draw
        self._topics = [hub.topics[f"{kind}:{MARKET}"] for kind in ("depth", "depth20")]
        self._readers: list[tuple[Reader, StrictBook]] = []
        self.told: dict[int, Sides] = {}  # By depth sequence: how the exchange says it was.

    def move(self) -> None:
        """Let one come and one go."""
        draw = self._random
        wish = Wish(draw.choice((0, 100, 250)), draw.choice((0, 1, 3, 20)))
        reader = Reader(draw.choice(self._topics), wish)
        reader.join()
        self._readers.append((reader, StrictBook(wish.levels)))
        if len(self._readers) > VIEWS_MAX:
            self._readers.pop(draw.randrange(VIEWS_MAX))[0].leave()

    def check(self, sequence: int) -> None:
        """Everybody holds what the exchange had at the sequence that it stands at."""
        for reader, book in self._readers:
            for message in reader.read():
                book.take(message)
            count = reader.wish.levels or None
            bids, asks = self.told[book.sequence]
            assert book.best() == (bids[:count], asks[:count])
            assert book.sequence == sequence or reader.wish.interval_ms


class World:
    """The exchange on one side, readers of every channel on the other."""

    def __init__(self, seed: int, fee_asset: FeeAsset) -> None:
        self.random = random.Random(seed)
        self.exchange = Exchange()
        self.hub = Hub()
        self.cadence, self.now_ns = Cadence(), 0
        self.feed = Feed(self.hub, self.cadence)
        self.feed.load(VenueRows(1, 0, 0, [], []))
        self.batch: list[Applied] = []
        self.book, self.trades = BookView(), 0
        self.accounts = {account_id: AccountView() for account_id in ACCOUNTS}
        for asset in ASSETS:
            self.apply(CreateAsset(asset=asset, scale=2))
        self.apply(
            CreateMarket(
                market=MARKET,
                base="TATA",
                quote="INR",
                price_scale=2,
                price_tick=5,
                lot_atoms=100,
                fee_asset=fee_asset,
                rules=MarketRules(
                    maker_fee_ppm=-500 if fee_asset is FeeAsset.QUOTE else 1_000,
                    taker_fee_ppm=2_500,
                ),
            )
        )
        for account_id, view in self.accounts.items():
            self._listen(account_id, view)
            for asset in ASSETS:
                self.apply(Deposit(account_id=account_id, asset=asset, amount_atoms=10_000_000))
        self.flush()
        self.views = Views(self.hub, self.random)
        self.delivery = Delivery(self, lambda: None)
        for kind in ("depth", "trades"):
            topic = self.hub.topics[f"{kind}:{MARKET}"]
            self.delivery.subscribe(topic, topic.default)

    def too_slow(self, channel: str) -> None:
        raise AssertionError(f"{channel} has no room")

    def channel_removed(self, name: str) -> None:
        raise AssertionError(f"{name} is gone")

    def apply(self, command: Command) -> None:
        events = tuple(self.exchange.apply(command))
        self.batch.append(Applied(self.exchange.n, 5, events))

    def flush(self) -> None:
        """Give the feed what happened, as one commit."""
        self.feed.apply(self.batch)
        self.batch = []

    def read(self) -> None:
        while (data := self.delivery.next_message()) is not None:
            message = msgspec.json.decode(payload_of(data))
            if message["channel"].startswith("depth:"):
                self.book.take(message)
            elif message["type"] == "trade":
                self.trades += 1
                assert message["trade_id"] == self.trades
            elif message["type"] == "snapshot":
                self.trades = message["last_trade_id"]

    def command(self) -> Command:
        """Draw a command; many of them will be refused."""
        draw, account_id = self.random, self.random.choice(ACCOUNTS)
        last_order_id = self.exchange.next_order_id
        match draw.randint(0, 12):
            case 0:
                order_id = draw.randint(max(1, last_order_id - 20), last_order_id)
                return CancelOrder(account_id=account_id, order_id=order_id)
            case 1:
                order_id = draw.randint(max(1, last_order_id - 20), last_order_id)
                lots = draw.randint(1, 15)
                return AmendOrder(account_id=account_id, order_id=order_id, quantity_lots=lots)
            case 2:
                amount = draw.choice((1, 500, 10**12))
                return Withdraw(account_id=account_id, asset="INR", amount_atoms=amount)
            case 3:
                return self.pending_withdrawal(account_id)
            case 4:
                earned = self.exchange.state.ledger.totals["INR"].fees
                return PayOutFees(
                    asset="INR",
                    amount_atoms=draw.randint(1, earned + 1),
                    to_account_id=account_id,
                )
            case 5:
                budget = draw.randint(1, 40_000)
                return PlaceOrder(
                    account_id=account_id,
                    market=MARKET,
                    side=Side.BUY,
                    type=OrderType.MARKET,
                    budget_atoms=budget,
                )
        return PlaceOrder(
            account_id=account_id,
            market=MARKET,
            side=draw.choice(list(Side)),
            time_in_force=draw.choice([TimeInForce.GTC] * 4 + list(TimeInForce)),
            price_ticks=draw.randint(95, 105),
            quantity_lots=draw.randint(1, 20),
        )

    def pending_withdrawal(self, account_id: int) -> Command:
        """Ask for a withdrawal, or end one that is pending."""
        draw, pending = self.random, list(self.exchange.state.withdrawals)
        if not pending or draw.random() < 0.5:
            amount = draw.choice((1, 500, 10**12))
            return RequestWithdrawal(account_id=account_id, asset="INR", amount_atoms=amount)
        withdrawal_id = draw.choice(pending)
        if draw.random() < 0.5:
            return CancelWithdrawal(account_id=account_id, withdrawal_id=withdrawal_id)
        return ResolveWithdrawal(withdrawal_id=withdrawal_id, is_settled=draw.random() < 0.5)

    def check(self) -> None:
        assert self.feed.projection is not None
        definition = self.feed.projection.picture(MARKET).market
        depth = self.exchange.depth(MARKET, 10_000)
        for view, levels in zip((self.book.bids, self.book.asks), depth, strict=True):
            assert view == {
                format_price(definition, ticks): format_quantity(definition, 2, lots)
                for ticks, lots in levels
            }
        for account_id, account in self.accounts.items():
            for asset in ASSETS:
                available, held = self.exchange.balance(account_id, asset)
                shown = (format_decimal(available, 2), format_decimal(held, 2))
                assert account.balances[asset] == shown
            assert account.open == {
                order.order_id: (
                    format_quantity(definition, 2, order.filled_lots),
                    format_quantity(definition, 2, order.quantity_lots - order.filled_lots),
                )
                for order in self.exchange.open_orders(account_id)
            }

    def check_views(self) -> None:
        """Let time pass, readers move, and compare what each of them holds."""
        assert self.feed.projection is not None
        picture = self.feed.projection.picture(MARKET)
        bids, asks = (
            [
                (
                    format_price(picture.market, ticks),
                    format_quantity(picture.market, 2, lots),
                )
                for ticks, lots in levels
            ]
            for levels in self.exchange.depth(MARKET, 10_000)
        )
        self.views.told[picture.book.sequence] = (list(bids), list(asks))
        self.now_ns += self.random.randint(1, 30) * NS_PER_MS
        self.cadence.run(self.now_ns)
        self.views.move()
        self.views.check(picture.book.sequence)

    def _listen(self, account_id: int, view: AccountView) -> None:
        accounts = self.hub.accounts
        stream = AccountStream(view.take, partial(accounts.request_snapshot, account_id))
        accounts.join(account_id, stream)
        stream.start()
        _, asked = accounts.take_request() or pytest.fail("nobody asked")
        self.feed.answer_account(asked, AccountRows(account_id, AccountRow(0), {}, []))


@pytest.mark.parametrize("fee_asset", list(FeeAsset))
@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_reads_the_channels_knows_what_the_exchange_knows(
    seed: int, fee_asset: FeeAsset
) -> None:
    world = World(seed, fee_asset)
    for _ in range(COMMANDS // BATCH_MAX):
        for _ in range(world.random.randint(1, BATCH_MAX)):
            world.apply(world.command())
        world.flush()
        world.read()
        world.check()
        world.check_views()
    assert world.trades > COMMANDS / 20
    seen = set().union(*(account.kinds for account in world.accounts.values()))
    assert seen >= {
        "accepted", "partially_filled", "filled", "cancelled", "expired", "amended", "rejected",
        "deposited", "withdrawn", "withdrawal_requested", "withdrawal_settled",
        "withdrawal_returned", "fees_paid_out",
    }  # fmt: skip
    assert world.book.reasons == [""]
