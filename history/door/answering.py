"""One request of the gateway: read, asked, answered, in time and not too many at once.

The rule of this file: whatever is asked, there is an answer within ANSWER_TIMEOUT_S or a 503; the
recorder, which shares the process and its loop, comes first.
"""

import asyncio
import contextlib

from starlette.requests import Request
from starlette.responses import Response

from history.door.downloads import Download
from history.door.refusals import JSON_TYPE, busy, encoded, refusal_of, unavailable
from history.queries.export import export
from history.queries.listings import LISTINGS
from history.queries.queries import Queries
from history.queries.standing import NotYetError, UnavailableError
from shared.logs import get_logger
from shared.rest.history_queries import CSV, HistoryQuery, HistoryRoute, QueryFault, read_query
from shared.rest.texts import INTEGER_MAX

ANSWERS_AT_ONCE = 64  # Two gateways with all that they may ask; each takes some milliseconds.
ANSWER_TIMEOUT_S = 2.5  # Less than the gateway waits, so that it hears why.
SEARCHES_AT_ONCE = 2  # Of seconds each, in a list of millions: half of the connections, too.
EXPORTS_AT_ONCE = 4  # Each leaves the loop alone for as long as it has used it.
PUBLIC_EXPORTS_AT_ONCE = 2  # Of those; the others are for who asks for rows of their own.
COUNTS_AT_ONCE = 2  # Of seconds each, so that half of the connections are there for pages.
COUNT_TIMEOUT_S = 20.0  # To the first line of a CSV, for which its rows are counted.
ACCOUNT = "account_id"

_log = get_logger(__name__)


class Answering:
    """Answers requests by `queries`; counts those under way."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.answers_under_way = self.exports_under_way = self.public_exports_under_way = 0
        self._counting = asyncio.Semaphore(COUNTS_AT_ONCE)
        self._searching = asyncio.Semaphore(SEARCHES_AT_ONCE)

    async def answer(self, route: HistoryRoute, request: Request) -> Response:
        """Return the answer to a request of this route."""
        try:
            query = _read(route, request)
            if query.format == CSV:
                return await self._export(route, query)
            if self.answers_under_way >= ANSWERS_AT_ONCE:
                return unavailable("The history has more questions than it can answer just now.")
            return await self._answer(route, query)
        except (QueryFault, NotYetError) as no:
            return refusal_of(no)
        except (UnavailableError, TimeoutError) as error:
            _log.warning("history_not_read", path=route.path, reason=str(error) or "too slow")
            return unavailable()

    async def _answer(self, route: HistoryRoute, query: HistoryQuery) -> Response:
        self.answers_under_way += 1
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._turn_of(route, query):
                answer = await self._queries.answers[route.path](query)
            return Response(encoded(answer), media_type=JSON_TYPE)
        finally:
            self.answers_under_way -= 1

    def _turn_of(
        self, route: HistoryRoute, query: HistoryQuery
    ) -> contextlib.AbstractAsyncContextManager[None]:
        listing = LISTINGS.get(route.path)
        is_search = listing is not None and listing.is_search(query)
        return self._searching if is_search else contextlib.nullcontext()

    async def _export(self, route: HistoryRoute, query: HistoryQuery) -> Response:
        is_public = not route.is_private
        if self.exports_under_way >= EXPORTS_AT_ONCE or (
            is_public and self.public_exports_under_way >= PUBLIC_EXPORTS_AT_ONCE
        ):
            return busy("There are too many downloads just now; try again later.")
        self.exports_under_way += 1
        self.public_exports_under_way += is_public

        def is_over() -> None:
            self.exports_under_way -= 1
            self.public_exports_under_way -= is_public

        try:
            async with asyncio.timeout(COUNT_TIMEOUT_S), self._counting:
                found = await export(self._queries, route, query)
        except BaseException:
            is_over()
            raise
        return Download(found, route.path, query, is_over)


def _is_account_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= INTEGER_MAX


def _read(route: HistoryRoute, request: Request) -> HistoryQuery:
    given = request.query_params.multi_items()
    if not route.is_private:
        return read_query(route, given)
    account_ids = [text for name, text in given if name == ACCOUNT]
    if len(account_ids) != 1 or not _is_account_id(account_ids[0]):
        sentence = "Whose rows these are is said once, by a number."
        raise QueryFault("INVALID_PARAMETER", sentence, ACCOUNT)
    rest = [(name, text) for name, text in given if name != ACCOUNT]
    return read_query(route, rest, account_id=int(account_ids[0]))
