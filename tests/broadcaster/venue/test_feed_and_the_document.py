"""Whatever the feed sends of a busy market and its accounts is what the AsyncAPI document says."""

import random

import msgspec
import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import payload_of
from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import View, Wish
from broadcaster.clients.account_stream import AccountStream
from broadcaster.venue.feed import Feed
from broadcaster.venue.rows import AccountRows, VenueRows
from engine.core.exchange import Exchange
from shared.feed import Reason
from shared.messages import (
    AccountRow,
    AmendOrder,
    Applied,
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
    Side,
    TimeInForce,
    Withdraw,
)
from tests.support.feed_agreement import FeedAgreement

MARKET = "TATA_INR"
ACCOUNTS = (1, 2)
COMMANDS = 400


class Reader:
    """Sees a channel, and checks every frame of it."""

    def __init__(self, agreement: FeedAgreement) -> None:
        self.agreement = agreement

    def take(self, frame: bytes) -> None:
        self.agreement.check(msgspec.json.decode(payload_of(frame)))

    def deliver(self, _view: View, frame: bytes) -> None:
        self.take(frame)

    def snapshot_due(self, view: View, reason: Reason) -> None:
        self.take(view.snapshot(reason))

    def view_removed(self, view: View) -> None:
        raise AssertionError(f"{view.name} was removed")


class World:
    """An exchange, its feed, and readers of everything."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.exchange = Exchange()
        self.hub = Hub()
        self.feed = Feed(self.hub, Cadence())
        self.feed.load(VenueRows(1, 0, 0, [], []))
        self.reader = Reader(FeedAgreement())
        for asset in ("INR", "TATA"):
            self.apply(CreateAsset(asset=asset, scale=2))
        self.apply(
            CreateMarket(
                market=MARKET,
                base="TATA",
                quote="INR",
                price_scale=2,
                price_tick=5,
                lot_atoms=100,
                fee_asset=FeeAsset.QUOTE,
                rules=MarketRules(maker_fee_ppm=-500, taker_fee_ppm=2_500),
            )
        )
        for account_id in ACCOUNTS:
            self.listen(account_id)
        for topic in self.hub.topics.values():
            wishes = {Wish(), topic.default, Wish(levels=2) if topic.has_levels else Wish()}
            for wish in wishes:
                view = topic.join(self.reader, wish)
                self.reader.snapshot_due(view, "lagged")
        for account_id in ACCOUNTS:
            for asset in ("INR", "TATA"):
                self.apply(Deposit(account_id=account_id, asset=asset, amount_atoms=10_000_000))

    def listen(self, account_id: int) -> None:
        accounts = self.hub.accounts

        def request(stream: AccountStream, reason: Reason) -> None:
            accounts.request_snapshot(account_id, stream, reason)

        stream = AccountStream(self.reader.take, request)
        accounts.join(account_id, stream)
        stream.start()
        _, asked = accounts.take_request() or pytest.fail("nobody asked")
        self.feed.answer_account(asked, AccountRows(account_id, AccountRow(0), {}, []))

    def apply(self, command: Command) -> None:
        events = tuple(self.exchange.apply(command))
        self.feed.apply([Applied(self.exchange.n, 5, events)])
        for topic in self.hub.topics.values():
            for view in topic.all_views():
                view.flush()

    def command(self) -> Command:
        """Draw a command; many of them will be refused."""
        draw, account_id = self.random, self.random.choice(ACCOUNTS)
        order_id = draw.randint(1, max(1, self.exchange.next_order_id))
        match draw.randint(0, 11):
            case 0:
                return CancelOrder(account_id=account_id, order_id=order_id)
            case 1:
                lots = draw.randint(1, 15)
                return AmendOrder(account_id=account_id, order_id=order_id, quantity_lots=lots)
            case 2:
                return Withdraw(account_id=account_id, asset="INR", amount_atoms=500)
            case 3:
                return RequestWithdrawal(account_id=account_id, asset="INR", amount_atoms=500)
            case 4:
                pending = [*self.exchange.state.withdrawals, 1]
                return ResolveWithdrawal(withdrawal_id=pending[0], is_settled=draw.random() < 0.5)
            case 5:
                return PlaceOrder(
                    account_id=account_id,
                    market=MARKET,
                    side=Side.BUY,
                    type=OrderType.MARKET,
                    budget_atoms=draw.randint(1, 40_000),
                )
        return PlaceOrder(
            account_id=account_id,
            market=MARKET,
            side=draw.choice(list(Side)),
            time_in_force=draw.choice([TimeInForce.GTC] * 4 + [TimeInForce.IOC]),
            price_ticks=draw.randint(95, 105),
            quantity_lots=draw.randint(1, 20),
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_every_message_of_a_busy_market_is_one_of_the_document(seed: int) -> None:
    world = World(seed)
    for _ in range(COMMANDS):
        world.apply(world.command())

    assert world.reader.agreement.seen >= {
        "DepthSnapshot", "DepthDelta", "Bbo", "TradesSnapshot", "Trade", "AccountSnapshot",
        "Accepted", "PartiallyFilled", "Filled", "Cancelled", "Expired", "Amended", "Rejected",
        "Deposited", "Withdrawn", "WithdrawalRequested", "WithdrawalSettled",
        "WithdrawalReturned",
    }, f"seed {seed}"  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        {"type": "bbo", "channel": "bbo:TATA_INR"},
        {"type": "trade", "channel": "nowhere:TATA_INR"},
        {"type": "delta", "channel": "trades:TATA_INR"},
        {"op": "shout", "id": 1},
        {"op": "pong", "id": 1, "at_ns": "5"},
        {"op": "pong", "id": 1, "at_ns": 5, "more": True},
    ],
)
def test_what_the_document_does_not_have_is_noticed(message: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        FeedAgreement().check(message)
