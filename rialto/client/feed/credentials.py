"""What a feed shows to the server: tokens or tickets that somebody provides, fresh when needed.

The rule of this file: a token is asked for when there is none or its time is nearly over, not at
each connection, so that a thousand feeds that reconnect do not all log in.
"""

import inspect
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

Provider = Callable[[], Awaitable[str] | str]

RENEW_AT_PART = 0.8  # Of a token's life: a fifth is left for a gateway that is away for a while.
RENEW_AGAIN_S = 5.0  # After a token that did not come, or was not taken.


class Credentials:
    """`token` gives access tokens, `ticket` tickets for one connection each; at most one of them.

    `clock` is a monotonic one, `wall_clock` is Unix time, both in seconds.
    """

    def __init__(
        self,
        token: Provider | None,
        ticket: Provider | None,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        if token is not None and ticket is not None:
            raise TypeError("a feed has a provider of tokens or one of tickets, not both")
        self._provide_token, self._provide_ticket = token, ticket
        self._clock, self._wall_clock = clock, wall_clock
        self._token = ""
        self._renew_at_s: float | None = None

    @property
    def has_tokens(self) -> bool:
        return self._provide_token is not None

    @property
    def has_tickets(self) -> bool:
        return self._provide_ticket is not None

    @property
    def has_any(self) -> bool:
        return self.has_tokens or self.has_tickets

    @property
    def renew_at_s(self) -> float | None:
        """Return when the next token is to be shown, or the next ticket to be used."""
        return self._renew_at_s

    def accepted_until(self, expires_at_s: int) -> None:
        """The server has taken what was shown, which is over at this Unix time."""
        left_s = max(0.0, expires_at_s - self._wall_clock())
        self._renew_at_s = self._clock() + max(RENEW_AGAIN_S, left_s * RENEW_AT_PART)

    def refused(self) -> None:
        """What was shown is no good: provide another."""
        self._token = ""
        self._renew_at_s = self._clock() + RENEW_AGAIN_S

    async def token(self) -> str:
        """Return a token to show now. Raises what the provider raises."""
        assert self._provide_token is not None, "there are no tokens"
        is_due = self._renew_at_s is None or self._clock() >= self._renew_at_s
        if not self._token or is_due:
            self._renew_at_s = self._clock() + RENEW_AGAIN_S
            self._token = await _provided(self._provide_token)
        return self._token

    async def url(self, url: str) -> str:
        """Return where to connect: with a new ticket, if that is how it is done."""
        if self._provide_ticket is None:
            return url
        self._renew_at_s = None  # The server says how long this one is good for.
        ticket = await _provided(self._provide_ticket)
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'ticket': ticket})}"


async def _provided(provider: Provider) -> str:
    given = provider()
    return await given if inspect.isawaitable(given) else given
