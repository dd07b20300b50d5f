"""Halting: every market at once, or the whole venue.

The rule of this file: many markets are many commands that are journalled together or not at all,
and each one's outcome is told. The venue's halt is no command, because then none is taken.
"""

import hashlib
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from api.admin.audit import ACCEPTED, DONE
from api.admin.commands import ADMIN, ERRORS, KEYED, done_or_error, operator_key_of
from api.admin.markets import read_market, read_markets
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.caller import Caller
from api.orders.fields import choice
from shared.halting import NotHeard, NotReached, Standing
from shared.messages import MarketStatus, SetMarketStatus
from shared.outcomes import Accepted, NotAccepted, Outcome, Unknown
from shared.rest.operating import (
    MARKETS_MAX,
    HaltAllBody,
    MarketOutcome,
    MarketOutcomes,
    ReasonBody,
    ReopenBody,
    VenueAnswer,
    VenueView,
)

_MOVING = (MarketStatus.OPEN, MarketStatus.POST_ONLY, MarketStatus.CANCEL_ONLY)
_NOT_HEARD = "The answer did not come. Send it again: it counts once, however often it is sent."


class Halts:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    # ---- markets ----

    async def halt_all(self, request: Request) -> Response:
        """Halt every market that moves; the answer names them, for `reopen`."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, HaltAllBody)
        found = (await read_markets(self._gateway)).markets
        moving = [view.market for view in found if view.status in _MOVING]
        halted = MarketStatus.HALTED
        outcomes: list[MarketOutcome] = []
        for first in range(0, len(moving), MARKETS_MAX):
            names = moving[first : first + MARKETS_MAX]
            outcomes += await self._set_all(caller, request, names, halted, body.reason, key=key)
        return _outcomes_answer(outcomes, key)

    async def reopen(self, request: Request) -> Response:
        """Give many markets a status again, each as one by one."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, ReopenBody)
        status = choice(MarketStatus, body.status, "status")
        names = list(dict.fromkeys(body.markets))
        for name in names:
            await read_market(self._gateway, name)
        outcomes = await self._set_all(caller, request, names, status, body.reason, key=key)
        return _outcomes_answer(outcomes, key)

    async def _set_all(
        self,
        caller: Caller,
        request: Request,
        names: Sequence[str],
        status: MarketStatus,
        reason: str,
        *,
        key: str,
    ) -> list[MarketOutcome]:
        views = {view.market: view for view in (await read_markets(self._gateway)).markets}
        commands = [
            SetMarketStatus(market=name, status=status, idempotency_key=_key_of(key, name))
            for name in names
        ]
        async with self._gateway.audit.action(
            caller,
            request,
            "markets.status",
            target="markets",
            reason=reason,
            before={name: views[name].status for name in names},
        ) as entry:
            results = await self._gateway.bus.submit_batch(commands)
            outcomes = [_outcome(*pair) for pair in zip(names, results, strict=True)]
            entry.after = {"status": status, "outcomes": outcomes}
            if all(isinstance(result, NotAccepted) for result in results):
                done_or_error(results[0], key)
            if any(isinstance(result, Unknown) for result in results):
                raise ApiError("UNKNOWN_OUTCOME", _NOT_HEARD, details={"idempotency_key": key})
            if any(one.outcome == ACCEPTED for one in outcomes):
                entry.outcome = ACCEPTED
        return outcomes

    # ---- the venue ----

    async def venue(self, request: Request) -> Response:
        """Say how far the venue is, and what halts it."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(_venue_view(await self._standing()))

    async def halt_venue(self, request: Request) -> Response:
        """Halt the venue: nothing is taken any more, what was taken waits, reads go on."""
        return await self._switch(request, "venue.halt")

    async def resume_venue(self, request: Request) -> Response:
        """Lift the venue's halt, whoever said it; the engine loads the rows and goes on."""
        return await self._switch(request, "venue.resume")

    async def _switch(self, request: Request, action: str) -> Response:
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, ReasonBody)
        before = _venue_view(await self._standing())
        async with gateway.audit.action(
            caller, request, action, target="venue", reason=body.reason, before=before
        ) as entry:
            try:
                if action == "venue.halt":
                    changed = await gateway.switch.halt(f"an operator halted it: {body.reason}")
                else:
                    changed = await gateway.switch.resume()
            except NotReached as error:
                raise ApiError("REDIS_UNAVAILABLE") from error
            except NotHeard as error:
                raise ApiError("UNKNOWN_OUTCOME", _NOT_HEARD) from error
            try:
                now = _venue_view(await self._standing())
            except ApiError:  # It is done all the same.
                now = None
            entry.after = done = VenueAnswer(changed, now)
        return answer(done)

    async def _standing(self) -> Standing:
        try:
            return await self._gateway.switch.standing()
        except NotReached as error:
            raise ApiError("REDIS_UNAVAILABLE") from error


def _key_of(key: str, market: str) -> str:
    """Return the key of one market's part of a request: the same again for the same request."""
    digest = hashlib.blake2b(f"{key} {market}".encode(), digest_size=16).hexdigest()
    return f"all:{digest}"


def _outcome(market: str, result: Outcome) -> MarketOutcome:
    if isinstance(result, Accepted):
        return MarketOutcome(market, ACCEPTED)
    if isinstance(result, Unknown):
        return MarketOutcome(market, "UNKNOWN_OUTCOME")
    try:
        done_or_error(result, "")
    except ApiError as error:
        return MarketOutcome(market, error.code)
    return MarketOutcome(market, DONE)


def _outcomes_answer(outcomes: list[MarketOutcome], key: str) -> Response:
    status = 202 if any(one.outcome == ACCEPTED for one in outcomes) else 200
    return answer(MarketOutcomes(outcomes, key), status, {"Idempotency-Key": key})


def _venue_view(standing: Standing) -> VenueView:
    return VenueView(
        standing.position,
        standing.sequence,
        standing.waiting,
        standing.is_alive,
        standing.halt or None,
        standing.halted_n or None,
    )


def halt_routes(gateway: Gateway) -> APIRouter:
    """Return the routes that halt and let go on."""
    halts = Halts(gateway)
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    many = {200: MarketOutcomes, 202: MarketOutcomes}
    of_venue = ("FORBIDDEN", "REDIS_UNAVAILABLE")
    of_switch = ("INVALID_REASON", "AUDIT_UNAVAILABLE", "UNKNOWN_OUTCOME", *of_venue)
    switched = describe(answers={200: VenueAnswer}, body=ReasonBody, errors=of_switch)
    for method, path, handler, extra in (
        (
            "POST",
            "/markets/halt-all",
            halts.halt_all,
            describe(answers=many, body=HaltAllBody, parameters=KEYED, errors=ERRORS),
        ),
        (
            "POST",
            "/markets/reopen",
            halts.reopen,
            describe(
                answers=many,
                body=ReopenBody,
                parameters=KEYED,
                errors=("UNKNOWN_MARKET", *ERRORS),
            ),
        ),
        ("GET", "/venue", halts.venue, describe(answers={200: VenueView}, errors=of_venue)),
        ("POST", "/venue/halt", halts.halt_venue, switched),
        ("POST", "/venue/resume", halts.resume_venue, switched),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router
