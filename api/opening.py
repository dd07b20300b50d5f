"""Opening and closing a gateway's parts, for the service and for the command line.

The rule of this file: what was opened is closed in the reverse order, whatever happens in between.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from redis.asyncio import Redis

from api.admin.audit import AuditLog
from api.edge.loop_lag import LoopLag
from api.edge.metrics import Metrics
from api.gateway import Gateway
from api.history.asking import HistoryDoor
from api.identity.caller import Callers
from api.identity.parts import identity_of
from api.identity.passwords import PasswordPool, read_pepper
from api.identity.revocation_watch import RevocationWatch
from api.identity.tokens import TokenIssuer, load_or_create_signing_key
from api.identity.users import Users
from api.identity.vault import load_or_create_vault
from api.keys.ring import KeyRing
from api.keys.signatures import SignedCallers
from api.keys.store import KeyStore
from api.limits.accounts import AccountLimitStore
from api.limits.charging import charging
from api.limits.limiter import Limits, Rules
from api.limits.sharing import Sharing
from api.money.parts import money_of
from api.reads.catalog import Catalog
from api.reads.store import Store, open_pool
from api.sql.database import open_database
from api.watching import watch
from shared.addresses import Proxies
from shared.bus import CommandBus
from shared.channels import Keys
from shared.halting import VenueSwitch
from shared.history_key import history_key
from shared.home import read_run_redis_url, token_public_key
from shared.networks import parse_networks
from shared.redis_client import limits_url, pool_of
from shared.revocations import Revocations
from shared.settings import Settings
from shared.tickets import Tickets
from shared.tokens import TokenVerifier


class NoRedisError(Exception):
    """Nobody says where Redis is; the message is one sentence for the operator."""


def redis_url_of(settings: Settings) -> str:
    """Return where Redis is: as the settings say, else as the run that is alive in home noted."""
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise NoRedisError(
            f"No exchange is running on {settings.home} and no RIALTO_REDIS_URL is set: "
            "start one with `rialto up`, or name a Redis."
        )
    return url


def history_url_of(settings: Settings) -> str:
    """Return where the history answers, "" where none is kept."""
    if not settings.history_enabled:
        return ""
    host = settings.history_host
    named = f"[{host}]" if ":" in host else host
    return settings.history_url or f"http://{named}:{settings.history_port}"


def rules_of(settings: Settings) -> Rules:
    return Rules(
        weight_per_minute=settings.limit_weight_minute,
        orders_per_10s=settings.limit_orders_10s,
        orders_per_10s_address=settings.limit_orders_10s_address,
        orders_per_day=settings.limit_orders_day,
        refusals_per_minute=settings.limit_refusals_minute,
    )


class _Closes(Protocol):
    async def close(self) -> None: ...


class _Part(_Closes, Protocol):
    async def start(self) -> None: ...


C = TypeVar("C", bound=_Closes)
P = TypeVar("P", bound=_Part)


async def _running(stack: contextlib.AsyncExitStack, part: P) -> P:
    await part.start()
    return _closing(stack, part)


def _closing(stack: contextlib.AsyncExitStack, part: C) -> C:
    stack.push_async_callback(part.close)
    return part


@contextlib.asynccontextmanager
async def open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Give a gateway that is running; raises NoRedisError, KeyFileError, DatabaseError."""
    redis_url, home = redis_url_of(settings), settings.home_path
    limits_redis_url = limits_url(redis_url, settings.limits_redis_url)
    key, vault = load_or_create_signing_key(home), load_or_create_vault(home)
    pepper, verifier = read_pepper(home), TokenVerifier(token_public_key(home))
    async with contextlib.AsyncExitStack() as stack:
        database = await open_database(home, settings.database_url)
        stack.push_async_callback(database.dispose)
        pool = open_pool(redis_url)
        stack.push_async_callback(pool.aclose)
        bus = await _running(stack, _bus_of(settings, redis_url, pool))
        store = _closing(stack, _store_of(settings, pool, bus))
        passwords = PasswordPool(pepper)
        stack.callback(passwords.close)
        switch = _closing(stack, VenueSwitch(redis_url, Keys(settings.venue)))
        limits = Limits(rules_of(settings))
        sharing = await _running(stack, Sharing(limits_redis_url, settings.venue, limits))
        revocations = await _running(stack, _revocations_of(settings, limits_redis_url))
        identity = identity_of(database, revocations, vault, settings)
        await _running(stack, RevocationWatch(identity.sessions, revocations))
        key_ring = await _running(stack, KeyRing(KeyStore(database), vault))
        signatures = SignedCallers(key_ring)
        history = _closing(stack, HistoryDoor(history_url_of(settings), history_key(redis_url)))
        gateway = Gateway(
            bus=bus,
            store=store,
            catalog=Catalog(store),
            users=Users(database),
            money=money_of(database, bus, store, settings),
            passwords=passwords,
            issuer=TokenIssuer(key, lifetime_s=settings.token_lifetime_s),
            callers=Callers(verifier, revocations, signatures, charge=charging(limits)),
            identity=identity,
            revocations=revocations,
            tickets=_closing(stack, Tickets(limits_redis_url, settings.venue)),
            vault=vault,
            metrics=Metrics(),
            audit=AuditLog(database),
            switch=switch,
            key_ring=key_ring,
            limits=limits,
            proxies=Proxies(parse_networks(settings.trusted_proxies)),
            account_limits=await _running(stack, AccountLimitStore(database, limits)),
            breakers=(bus.breaker, store.breaker, database.breaker, history.breaker),
            loop_lag=await _running(stack, LoopLag()),
            history=history,
        )
        watch(gateway, pool_of(pool), sharing)
        yield gateway


def _store_of(settings: Settings, pool: Redis, bus: CommandBus) -> Store:
    return Store(pool, Keys(settings.venue), redis_is_up=lambda: bus.redis_is_up)


def _revocations_of(settings: Settings, redis_url: str) -> Revocations:
    return Revocations(redis_url, settings.venue, is_source=True)


def _bus_of(settings: Settings, redis_url: str, pool: Redis) -> CommandBus:
    return CommandBus(
        redis_url,
        Keys(settings.venue),
        reply_timeout_s=settings.reply_timeout_ms / 1_000,
        backlog_commands_max=settings.backlog_commands_max,
        engine_silence_max_s=settings.lease_ttl_ms / 1_000,
        lookups=pool,
    )
