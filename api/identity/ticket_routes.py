"""A ticket for the feed: what a browser, which can send no header, connects with.

The rule of this file: a ticket says what the token says that asked for it, and lasts no longer.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from shared.claims import AUDIENCE
from shared.rest.identity import Ticket
from shared.tickets import Refused, TicketsUnavailable


class TicketHandlers:
    """The handler of the public door; the operators' tokens open no feed."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def issue(self, request: Request) -> Response:
        """Get a ticket that opens one connection to the feed, within half a minute."""
        claims = await self._gateway.callers.claims(request, AUDIENCE)
        query_of(request)
        try:
            issued = await self._gateway.tickets.issue(claims)
        except TicketsUnavailable:
            raise ApiError("REDIS_UNAVAILABLE") from None
        if isinstance(issued, Refused):
            raise ApiError(issued.code, retry_after_s=issued.wait_s)
        return answer(Ticket(issued.ticket, issued.lifetime_s), 201)


def add_ticket_route(router: APIRouter, gateway: Gateway) -> None:
    """Add the route /auth/ticket."""
    extra = describe(answers={201: Ticket}, errors=("TOO_MANY_TICKETS", "REDIS_UNAVAILABLE"))
    handlers = TicketHandlers(gateway)
    router.add_api_route("/ticket", handlers.issue, methods=["POST"], openapi_extra=extra)
