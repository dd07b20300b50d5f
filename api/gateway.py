"""What the request handlers of one gateway process share.

The rule of this file: one object, made by the composition root and handed down; there is no global.
"""

from dataclasses import dataclass

from fastapi import Request

from api.edge.metrics import Metrics
from api.identity.caller import Callers
from api.identity.passwords import PasswordPool
from api.identity.tokens import TokenIssuer
from api.identity.users import Users
from api.money.deposits import Deposits
from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.bus import CommandBus


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts; whoever makes them starts and closes them."""

    bus: CommandBus
    store: Store
    catalog: Catalog
    users: Users
    deposits: Deposits
    passwords: PasswordPool
    issuer: TokenIssuer
    callers: Callers
    metrics: Metrics


def address_of(request: Request) -> str:
    """Return the address that the connection comes from; no header can change it."""
    return request.client.host if request.client else ""
