"""Order entry by WebSocket: what is asked there that has no body by REST, and what is answered.

The rule of this file: shapes only.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.bodies import Body


class CancelAllBody(Body, frozen=True, kw_only=True):
    """Without a market, orders of all markets; without a side, of both."""

    market: Annotated[str | None, Meta(examples=["TATA_INR"])] = None
    side: Annotated[str | None, Meta(description="buy or sell")] = None


class Admitted(Struct, frozen=True):
    """The answer to `auth`: whose orders the connection carries now, and until when."""

    account_id: int
    expires_at_s: int


class Pong(Struct, frozen=True):
    """The answer to `ping`."""

    time_ns: int
