"""The order desk: requests about orders in, answers out, whichever way they came.

The rule of this file: nothing here knows HTTP. Who asks, and that they may trade, was proven
before; a body is a struct of `shared.rest.orders`; what comes back is a `Told`, or an ApiError.
Thousands of orders a second go through here, so a market that is known costs no await.
"""

from collections.abc import Sequence

from msgspec import Struct

from api.edge.errors import ApiError
from api.identity.caller import Caller
from api.orders.fields import about_part, choice
from api.orders.lookup import Found, OrderLookup, Wanted
from api.orders.outcomes import Form, Teller, Told
from api.orders.placing import place_order
from api.orders.requests import (
    amend_no_order,
    amend_order,
    cancel_all,
    cancel_order,
    check_amendment,
    named_order,
    set_cancel_timer,
)
from api.reads.catalog import Catalog
from shared.bus import CommandBus
from shared.messages import (
    VENUE_ACCOUNT_ID,
    Command,
    Market,
    Order,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    TestOrder,
)
from shared.outcomes import Answered, Outcome
from shared.rest.orders import (
    AmendOrderBody,
    CancelOrderBody,
    CancelTimerBody,
    NewOrder,
    PlaceOcoBody,
    PlaceOrderBody,
    PlaceOtoBody,
)


class Asked(Struct, frozen=True):
    """A command that is ready for the bus, and how its sender wants to hear of it."""

    command: Command
    form: Form = Form.FULL
    status: int = 200  # Of the answer, if it is carried out.
    known: Answered | None = None  # It was answered before: there is nothing to send.


class Desk:
    """Carries out what traders ask of their orders.

    Every request is a command (`asked_to_...`), its way over the bus, and the answer (`told`);
    `place` and the others are the three in a row. A command that is refused before it is sent
    leaves no trace.
    """

    def __init__(self, bus: CommandBus, catalog: Catalog, lookup: OrderLookup) -> None:
        self._bus = bus
        self._catalog = catalog
        self._lookup = lookup
        self._teller = Teller(catalog)

    # ---- whole requests; all of them raise ApiError ----

    async def place(self, caller: Caller, body: PlaceOrderBody, key: str) -> Told:
        """Place one order."""
        return await self._carry_out(await self.asked_to_place(caller, body, key))

    async def test(self, caller: Caller, body: PlaceOrderBody, key: str) -> Told:
        """Ask what would become of an order now, by all the checks of one that is placed."""
        market = await self._catalog.market(body.market)
        order = self._order(body, market, VENUE_ACCOUNT_ID, "")
        command = TestOrder(account_id=caller.account_id, idempotency_key=key, order=order)
        return await self._carry_out(Asked(command))

    async def place_oco(self, caller: Caller, body: PlaceOcoBody, key: str) -> Told:
        """Place two orders, one of which cancels the other."""
        command = PlaceOco(
            account_id=caller.account_id,
            idempotency_key=key,
            limit=await self._leg("limit", body.limit),
            stop=await self._leg("stop", body.stop),
        )
        return await self._carry_out(Asked(command, form_of(body.response), 201))

    async def place_oto(self, caller: Caller, body: PlaceOtoBody, key: str) -> Told:
        """Place an order, and another one that waits until it is filled."""
        command = PlaceOto(
            account_id=caller.account_id,
            idempotency_key=key,
            parent=await self._leg("parent", body.parent),
            child=await self._leg("child", body.child),
        )
        return await self._carry_out(Asked(command, form_of(body.response), 201))

    async def cancel(self, caller: Caller, body: CancelOrderBody, key: str) -> Told:
        """Cancel one order."""
        return await self._carry_out(self.asked_to_cancel(caller, body, key))

    async def amend(self, caller: Caller, body: AmendOrderBody, key: str) -> Told:
        """Give an order a new total quantity, a new price or a new stop price."""
        return await self._carry_out(await self.asked_to_amend(caller, body, key))

    async def cancel_all(self, caller: Caller, market: str, side: str | None, key: str) -> Told:
        """Cancel all orders, of one market or ("") all, of one side or (None) both."""
        if market:
            await self._catalog.market(market)
        return await self._carry_out(Asked(cancel_all(market, side, caller.account_id, key)))

    async def set_cancel_timer(self, caller: Caller, body: CancelTimerBody, key: str) -> Told:
        """Have all orders cancelled after a time, unless this is asked again before."""
        command = set_cancel_timer(body.timeout_s, caller.account_id, key)
        told = await self._carry_out(Asked(command))
        if told.status == 200:
            at_ns = told.body.pop("at_ns")
            assert isinstance(at_ns, int), "an answer without an order tells its journal time"
            ends_at_ns = at_ns + command.timeout_ns if command.timeout_ns else None
            return Told(200, {"cancel_at_ns": ends_at_ns, **told.body}, key)
        return told

    # ---- their parts, for senders that have many commands under way ----

    async def asked_to_place(self, caller: Caller, body: PlaceOrderBody, key: str) -> Asked:
        form = form_of(body.response)
        market = self._catalog.markets.get(body.market) or await self._catalog.market(body.market)
        command = self._order(body, market, caller.account_id, key)
        return Asked(command, form, 201)

    def asked_to_cancel(self, caller: Caller, body: CancelOrderBody, key: str) -> Asked:
        form = form_of(body.response)
        return Asked(cancel_order(body, caller.account_id, key), form)

    async def asked_to_amend(self, caller: Caller, body: AmendOrderBody, key: str) -> Asked:
        (found,) = await self.find_to_amend(caller, [wanted_to_amend(body, key)])
        return await self.asked_to_amend_found(caller, body, key, found)

    async def find_to_amend(self, caller: Caller, wanted: Sequence[Wanted]) -> list[Found]:
        """Find the orders of amendments, all in one read; raises ApiError."""
        return await self._lookup.to_amend(caller.account_id, wanted)

    async def asked_to_amend_found(
        self, caller: Caller, body: AmendOrderBody, key: str, found: Found
    ) -> Asked:
        form = form_of(body.response)
        if not isinstance(found, Order):
            # With an answer that is known the command is only its name; nothing is sent.
            return Asked(amend_no_order(body, caller.account_id, key), form, known=found)
        market = await self._catalog.of_order(found)
        command = amend_order(body, found, market, self._catalog.scale(market.base), key)
        return Asked(command, form)

    async def send_together(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Send commands that are put on the journal together or not at all; at most
        BATCH_COMMANDS_MAX.
        """
        commands = [each.command for each in asked if each.known is None]
        outcomes = iter(await self._bus.submit_batch(commands) if commands else [])
        return [each.known or next(outcomes) for each in asked]

    async def told(self, asked: Asked, outcome: Outcome) -> Told:
        """Return the answer to what was asked; raises ApiError. It waits for nothing but, at most,
        the list of markets.
        """
        await self._teller.prepare(outcome)
        key = asked.command.idempotency_key
        return self._teller.told(outcome, key, asked.form, asked.status)

    async def _carry_out(self, asked: Asked) -> Told:
        return await self.told(asked, asked.known or await self._bus.submit(asked.command))

    async def _leg(self, name: str, body: NewOrder) -> PlaceOrder:
        try:
            market = await self._catalog.market(body.market)
            return self._order(body, market, VENUE_ACCOUNT_ID, "")
        except ApiError as error:
            raise about_part(name, error) from None

    def _order(self, body: NewOrder, market: Market, account_id: int, key: str) -> PlaceOrder:
        assets = self._catalog.assets
        scales = (assets[market.base].scale, assets[market.quote].scale)
        return place_order(body, market, scales, account_id, key)


def wanted_to_amend(body: AmendOrderBody, key: str) -> Wanted:
    """Return what an amendment names; raises ApiError if it names no order, or nothing new."""
    wanted_id, wanted_name = named_order(body.order_id, body.client_order_id)
    check_amendment(body)
    return Wanted(wanted_id, wanted_name, key)


def form_of(response: str | None) -> Form:
    """Return how much the answer is to show; raises ApiError."""
    return Form.FULL if response is None else choice(Form, response, "response")
