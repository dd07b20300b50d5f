"""What the request handlers of one gateway process share.

The rule of this file: one object, made by the composition root and handed down; there is no global.
"""

from dataclasses import dataclass

from api.admin.audit import AuditLog
from api.edge.loop_lag import LoopLag
from api.edge.metrics import Metrics
from api.history.asking import HistoryDoor
from api.identity.caller import Callers
from api.identity.parts import Identity
from api.identity.passwords import PasswordPool
from api.identity.tokens import TokenIssuer
from api.identity.users import Users
from api.identity.vault import Vault
from api.keys.ring import KeyRing
from api.limits.accounts import AccountLimitStore
from api.limits.limiter import Limits
from api.money.parts import MoneyParts
from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.addresses import Proxies
from shared.breaker import Breaker
from shared.bus import CommandBus
from shared.halting import VenueSwitch
from shared.revocations import Revocations
from shared.tickets import Tickets


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts; whoever makes them starts and closes them."""

    bus: CommandBus
    store: Store
    catalog: Catalog
    users: Users
    money: MoneyParts
    passwords: PasswordPool
    issuer: TokenIssuer
    callers: Callers
    identity: Identity
    revocations: Revocations
    tickets: Tickets
    vault: Vault
    metrics: Metrics
    audit: AuditLog
    switch: VenueSwitch
    key_ring: KeyRing
    limits: Limits
    proxies: Proxies
    account_limits: AccountLimitStore
    breakers: tuple[Breaker, ...]
    loop_lag: LoopLag
    history: HistoryDoor
