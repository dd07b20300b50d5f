"""A client of a venue in memory: the real session, a wire that may do anything, and the real desk.

The rule of this file: the wire loses, doubles and swaps what the server says while it is `is_bad`.
Everything that the desk shows is compared with the truth at its sequence, at once.
"""

from collections import deque
from random import Random
from typing import Any

import msgspec

from broadcaster.channels.frames import payload_of
from broadcaster.clients.session import Session
from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.books import BookKeeper
from rialto.client.feed.desk import Desk
from rialto.client.feed.reading import AnyKeeper
from rialto.client.feed.tails import LogKeeper, TradesKeeper
from rialto.client.feed.values import ValueKeeper
from rialto.client.feed.wishes import matches
from shared.feed import Answer, Error, Subscribed, Unsubscribed, Wanted
from shared.markets import format_price, format_quantity
from tests.broadcaster.running import verify
from tests.support.feed_model_venue import OUTSIDE_BOOKS, OUTSIDE_LOG, SCALE, ModelVenue, clock_of

ACCOUNT = "account"
KINDS = ("depth", "depth20", "bbo", "trades")
WILDCARDS = ("depth:*", "bbo:*", "trades:*", "book:*", "book:ext:*", "signals:*")
NAMES = [f"{kind}:{market}" for kind in KINDS for market in ("TATA_INR", "JIO_INR", "ABC_INR")]
NAMES += [*OUTSIDE_BOOKS, OUTSIDE_LOG]
REFUSALS = {"UNKNOWN_MARKET", "UNKNOWN_CHANNEL", "RATE_LIMITED", "INVALID_FIELD", "AUTH_REQUIRED"}
TROUBLE = 0.02  # Of all messages, each kind of it.


class ModelClient:
    """One client over all of its connections; `wished` is what it was granted and has not left."""

    def __init__(self, venue: ModelVenue, draw: Random, account_id: int) -> None:
        self.venue = venue
        self.draw = draw
        self.account_id = account_id
        self.desk = Desk(clock_of(venue))
        self.session: Session | None = None
        self.is_bad = True
        self.stalled_until_ns = 0
        self.wished: dict[str, Wanted] = {}
        self.last_seen: dict[AnyKeeper, int] = {}  # Of what is told one by one.
        self.reconnect_at_ns = 0
        self._again: list[list[str]] = []  # Refused for having asked too much.
        self._asking: list[list[Wanted]] = []
        self._wire: deque[bytes] = deque()

    # ---- the connection ----

    def connect(self) -> None:
        venue = self.venue
        self.session = Session(venue.hub, verify, now_ns=venue.now_ns, on_output=lambda: None)
        self.desk.opened(f"account-{self.account_id}" if self.account_id else "")

    def cut(self) -> None:
        if self.session is not None:
            self.session.close()
            self.session = None
            self._wire.clear()
            self.desk.lost()
        self.reconnect_at_ns = self.venue.now_ns + int(self.draw.random() * 1e9)

    def pump(self) -> None:
        """Let what is to be said be said, and what is there be taken, unless the client stalls."""
        now_ns = self.venue.now_ns
        if self.session is None and now_ns >= self.reconnect_at_ns:
            self.connect()
        if self.session is None or now_ns < self.stalled_until_ns:
            return
        self.session.tick(now_ns)
        try:
            self.desk.tick()
        except TimeoutError:
            self.cut()
            return
        self._send()
        self._take()
        while self.desk.needs_care and self.session is not None:
            self.desk.tick()
            self._send()
            self._take()

    def _send(self) -> None:
        assert self.session is not None, "there is a connection"
        for op in self.desk.take_outgoing():
            self.session.receive(op.decode(), self.venue.now_ns)

    def _take(self) -> None:
        session = self.session
        assert session is not None, "there is a connection"
        while session.delivery.has_output:
            for frame in session.delivery.take(1 << 16):
                self._wire.extend(self._disturbed(payload_of(frame)))
        if self.is_bad and len(self._wire) > 1 and self.draw.random() < TROUBLE * 4:
            place = self.draw.randrange(len(self._wire) - 1)
            wire = self._wire
            if not any(map(_is_last_word, (wire[place], wire[place + 1]))):
                wire[place], wire[place + 1] = wire[place + 1], wire[place]
        while self._wire:
            self._receive(self._wire.popleft())
        if session.ending is not None and session is self.session:
            self.cut()

    def _disturbed(self, frame: bytes) -> list[bytes]:
        if not self.is_bad or _is_last_word(frame):
            return [frame]
        chance = self.draw.random()
        if chance < TROUBLE:
            return []
        return [frame, frame] if chance < TROUBLE * 2 else [frame]

    def _receive(self, frame: bytes) -> None:
        update = self.desk.receive(frame)
        assert not self.desk.unreadable, frame
        if update is not None:
            keeper = self.desk.keepers[update.channel]
            assert keeper.is_live, "what was taken is live"
            self._check_numbers(keeper)
            self.check(keeper)

    # ---- wishes ----

    def subscribe(self, wanted: list[Wanted]) -> None:
        if self.session is None:
            return
        self._asking.append(asked := list(wanted))

        def answered(answer: Answer | None) -> None:
            self._asking = [each for each in self._asking if each is not asked]
            if isinstance(answer, Subscribed):
                self.wished |= {each.channel: each for each in asked}
            elif isinstance(answer, Error):
                assert answer.code in REFUSALS, answer

        self.desk.subscribe(wanted, answered)

    def unsubscribe(self, names: list[str]) -> None:
        for asked in self._asking:
            asked[:] = [each for each in asked if each.channel not in names]
        for name in names:
            self.wished.pop(name, None)
        if self.session is None:
            self._again.append(names)
            return

        def answered(answer: Answer | None) -> None:
            if not isinstance(answer, Unsubscribed):
                assert not isinstance(answer, Error) or answer.code == "RATE_LIMITED"
                self._again.append(names)

        self.desk.unsubscribe(names, answered)

    def move(self) -> None:
        """Wish for something else, or be cut off, or stall."""
        self.retry()
        draw = self.draw
        match draw.randrange(30):
            case 0 | 1 | 2 | 3 | 4:
                self.subscribe([self._drawn() for _ in range(draw.randint(1, 4))])
            case 5 | 6:
                names = [*NAMES, *WILDCARDS, ACCOUNT]
                self.unsubscribe(draw.sample(names, draw.randint(1, 6)))
            case 7 if draw.random() < 0.5:
                self.cut()
            case 8:
                self.stalled_until_ns = self.venue.now_ns + draw.randint(1, 8) * 10**9

    def retry(self) -> None:
        """Leave what could not be left before, unless it is wished for again."""
        again, self._again = self._again, []
        for names in again:
            self.unsubscribe([name for name in names if name not in self.wished])

    def _drawn(self) -> Wanted:
        draw = self.draw
        names = [*NAMES, *WILDCARDS] + [ACCOUNT] * 3 * bool(self.account_id)
        name = draw.choice(names)
        if name == ACCOUNT:
            return Wanted(channel=name)
        has_levels = name.startswith(("depth", "book"))
        return Wanted(
            channel=name,
            interval_ms=draw.choice((None, None, 0, 100, 700)),
            levels=draw.choice((None, None, 0, 1, 3)) if has_levels else None,
        )

    # ---- what is so ----

    def check(self, keeper: AnyKeeper) -> None:
        """Compare what is shown with what was so at its number."""
        venue, channel = self.venue, keeper.channel
        source = channel if channel in OUTSIDE_BOOKS else channel.partition(":")[2]
        if isinstance(keeper, BookKeeper):
            bids, asks = venue.books[source][keeper.sequence]
            count = keeper.levels_max or None
            assert (keeper.bids, keeper.asks) == (bids[:count], asks[:count]), channel
        elif isinstance(keeper, ValueKeeper):
            bids, asks = venue.books[source][keeper.sequence]
            bbo = keeper.bbo
            assert (bbo.bid_price, bbo.bid_quantity) == (bids[0] if bids else (None, None))
            assert (bbo.ask_price, bbo.ask_quantity) == (asks[0] if asks else (None, None))
        elif isinstance(keeper, TradesKeeper):
            self._check_trades(keeper, source)
        elif isinstance(keeper, LogKeeper):
            for entry in keeper.entries:
                assert bytes(entry.data) == venue.entries[entry.sequence]
        else:
            self._check_account(keeper)

    def _check_trades(self, keeper: TradesKeeper, market: str) -> None:
        definition = self.venue.exchange.state.markets[market].market
        shown = keeper.trades
        last = shown[0].trade_id if shown else keeper.last_trade_id
        assert last >= keeper.last_trade_id  # A slower view may be behind what is known already.
        assert [trade.trade_id for trade in shown] == list(range(last, last - len(shown), -1))
        for trade in shown:
            row = self.venue.trades[market][trade.trade_id - 1]
            true: tuple[Any, ...] = (
                row.trade_id,
                format_price(definition, row.price_ticks),
                format_quantity(definition, SCALE, row.quantity_lots),
                row.taker_side.value,
                row.at_ns,
            )
            assert msgspec.structs.astuple(trade) == true

    def _check_account(self, keeper: AccountKeeper) -> None:
        assert keeper.account_id == self.account_id
        true = self.venue.accounts[self.account_id].get(keeper.sequence)
        if true is None:
            return  # In the middle of a command.
        assert keeper.balances == {balance.asset: balance for balance in true.balances}
        assert keeper.open_orders == true.open_orders, (keeper.open_orders, true.open_orders)
        assert keeper.pending_withdrawals == true.pending_withdrawals
        assert (keeper.tier, keeper.is_suspended) == (true.tier, true.is_suspended)

    def _check_numbers(self, keeper: AnyKeeper) -> None:
        # Each is told once, in order, and what is not told is counted as missed.
        if not isinstance(keeper, TradesKeeper):
            return
        fresh = [trade.trade_id for trade in keeper.fresh]
        before = self.last_seen.get(keeper)
        assert fresh == sorted(set(fresh))
        if fresh:
            assert before is None or fresh[0] > before
            self.last_seen[keeper] = fresh[-1]

    # ---- at the end ----

    def check_all(self) -> None:
        """Everything that is wished for is there, as it is now, and nothing else is subscribed."""
        self._check_subscribed()
        for name in self.wished:
            assert name.endswith("*") or name in self.venue.hub.topics or name == ACCOUNT, name
        for channel in (*self.venue.hub.topics, ACCOUNT):
            if channel in self.wished or any(matches(name, channel) for name in self.wished):
                keeper = self.desk.keepers.get(channel)
                assert keeper is not None, f"{channel} was never begun"
                assert keeper.is_live, f"{channel}: {keeper.fault}"
                self.check(keeper)
                self._check_newest(keeper)
        for channel in self.desk.keepers:
            assert self.desk.is_wanted(channel), f"{channel} is kept, and not wished for"

    def _check_newest(self, keeper: AnyKeeper) -> None:
        venue, channel = self.venue, keeper.channel
        source = channel if channel in OUTSIDE_BOOKS else channel.partition(":")[2]
        if isinstance(keeper, BookKeeper):
            assert keeper.sequence == max(venue.books[source])
            wish = self._wish(channel)
            default = 20 if channel.startswith("depth20:") else 0
            assert keeper.levels_max == (default if wish.levels is None else wish.levels), channel
        elif isinstance(keeper, ValueKeeper):
            newest = venue.books[source][max(venue.books[source])]
            top = venue.books[source][keeper.sequence]
            assert [side[:1] for side in top] == [side[:1] for side in newest]
        elif isinstance(keeper, TradesKeeper):
            assert keeper.last_trade_id == len(venue.trades[source])
        elif isinstance(keeper, LogKeeper):
            assert keeper.sequence == max(venue.entries)
        else:
            assert keeper.sequence == max(venue.accounts[self.account_id])

    def _wish(self, channel: str) -> Wanted:
        own = self.wished.get(channel)
        standing = [name for name in self.wished if matches(name, channel)]
        return own or self.wished[max(standing, key=len)]

    def _check_subscribed(self) -> None:
        if self.session is None:
            assert not self.wished, "who wishes for something is connected"
            return  # The server has cut off who wants nothing.
        self.session.receive('{"op":"list","id":"end"}', self.venue.now_ns)
        (frame,) = self.session.delivery.take(1 << 20)
        answer = msgspec.json.decode(payload_of(frame))
        assert answer["op"] == "list", answer
        subscribed = set(answer["subscribed"])
        missing = self.wished.keys() - subscribed
        assert not missing, f"wished for, and not subscribed: {missing}"
        for name in subscribed - self.wished.keys():
            assert any(matches(other, name) for other in self.wished), f"{name} is subscribed"


def _is_last_word(frame: bytes) -> bool:
    # That a channel is no more is said once, and nothing after it could show that it is lost.
    return frame.startswith(b'{"op":"unsubscribed","id":null')
