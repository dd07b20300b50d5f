"""Carrying out the requests of connections: from a request to the bus and back.

The rule of this file: every request that is started is answered once, whatever happens. What needs
no waiting, an order in a market that is known, goes straight to the bus, without a task of its own.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

from api.edge.errors import ApiError
from api.entry.requests import PLACE, TEST, Request, RequestId
from api.entry.session import Session
from api.identity.caller import Caller
from api.orders.batch import carry_out, result_of
from api.orders.desk import Asked, Desk
from api.orders.outcomes import Told
from api.reads.catalog import Catalog
from shared.bus import CommandBus
from shared.logs import get_logger
from shared.outcomes import Answered, Outcome
from shared.rest.entry import CancelAllBody
from shared.rest.orders import (
    AmendOrderBody,
    BatchBody,
    BatchCancel,
    CancelOrderBody,
    CancelTimerBody,
    PlaceOcoBody,
    PlaceOrderBody,
    PlaceOtoBody,
)

T = TypeVar("T")

_ONE_ORDER, _TWO_ORDERS, _ONE_CANCEL = ((1, False),), ((2, False),), ((1, True),)

_log = get_logger(__name__)


class Take(Protocol):
    """Counts orders against the limits; raises ApiError."""

    def __call__(self, caller: Caller, client: str, count: int, *, cancels: bool) -> object: ...


class Clerk:
    """Carries out requests, whoever's they are."""

    def __init__(self, bus: CommandBus, catalog: Catalog, desk: Desk, take: Take) -> None:
        self._bus = bus
        self._take = take
        self._catalog = catalog
        self._desk = desk
        self._tasks: set[asyncio.Task[Told]] = set()

    def start(self, session: Session, caller: Caller, request: Request) -> None:
        """Begin with a request; its answer goes to the session, at once or later."""
        body = request.body
        try:
            for count, cancels in _orders_in(body):
                self._take(caller, session.address, count, cancels=cancels)
            if (
                isinstance(body, PlaceOrderBody)
                and request.op == PLACE
                and body.market in self._catalog.markets
            ):
                asked = at_once(self._desk.asked_to_place(caller, body, request.key))
            elif isinstance(body, CancelOrderBody):
                asked = self._desk.asked_to_cancel(caller, body, request.key)
            else:
                self._spawn(session, request.id, self._whole(session, caller, request))
                return
        except ApiError as error:
            session.refused(request.id, error)
            return
        future = self._bus.post(asked.command)
        future.add_done_callback(partial(self._on_outcome, session, request.id, asked))

    def _on_outcome(
        self,
        session: Session,
        request_id: RequestId | None,
        asked: Asked,
        future: asyncio.Future[Outcome],
    ) -> None:
        outcome = future.result()
        order = outcome.result.order if isinstance(outcome, Answered) else None
        if order is not None and order.market not in self._catalog.markets:
            self._spawn(session, request_id, self._desk.told(asked, outcome))
            return
        try:
            told = at_once(self._desk.told(asked, outcome))
        except ApiError as error:
            session.refused(request_id, error)
        except Exception:
            session.refused(request_id, ApiError("INTERNAL_ERROR"))
            raise
        else:
            session.told(request_id, told)

    async def _whole(self, session: Session, caller: Caller, request: Request) -> Told:
        key = request.key
        match request.body:
            case PlaceOrderBody() as body if request.op == TEST:
                return await self._desk.test(caller, body, key)
            case PlaceOrderBody() as body:
                return await self._desk.place(caller, body, key)
            case BatchBody() as body:
                answers = await carry_out(self._desk, caller, body.commands, key)
                results = [result_of(each, session.connection_id) for each in answers]
                return Told(200, {"results": results, "idempotency_key": key}, key)
            case PlaceOcoBody() as body:
                return await self._desk.place_oco(caller, body, key)
            case PlaceOtoBody() as body:
                return await self._desk.place_oto(caller, body, key)
            case AmendOrderBody() as body:
                return await self._desk.amend(caller, body, key)
            case CancelTimerBody() as body:
                return await self._desk.set_cancel_timer(caller, body, key)
            case CancelAllBody() as body:
                if body.market == "":
                    raise ApiError("UNKNOWN_MARKET", field="market")
                return await self._desk.cancel_all(caller, body.market or "", body.side, key)
            case _:
                raise AssertionError(f"the op {request.op} has no one who carries it out")

    def _spawn(
        self, session: Session, request_id: RequestId | None, work: Coroutine[Any, Any, Told]
    ) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._on_end, session, request_id))

    def _on_end(
        self, session: Session, request_id: RequestId | None, task: asyncio.Task[Told]
    ) -> None:
        self._tasks.discard(task)
        error = ApiError("UNKNOWN_OUTCOME") if task.cancelled() else task.exception()
        if error is None:
            session.told(request_id, task.result())
        elif isinstance(error, ApiError):
            session.refused(request_id, error)
        else:
            _log.error("request_failed", exc_info=error)
            session.refused(request_id, ApiError("INTERNAL_ERROR"))


def _orders_in(body: object) -> tuple[tuple[int, bool], ...]:
    """Return how many orders a request has, and how many that only take orders back."""
    if isinstance(body, PlaceOcoBody | PlaceOtoBody):
        return _TWO_ORDERS
    if isinstance(body, BatchBody):
        cancels = sum(isinstance(each, BatchCancel) for each in body.commands)
        counts = (len(body.commands) - cancels, False), (cancels, True)
        return tuple(each for each in counts if each[0])
    if isinstance(body, CancelOrderBody | CancelAllBody | CancelTimerBody):
        return _ONE_CANCEL
    return _ONE_ORDER


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that, as its caller knows, has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("a request that needs to wait is given a task")
