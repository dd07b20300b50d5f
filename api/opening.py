"""Opening and closing a gateway's parts, for the service and for the command line.

The rule of this file: what was opened is closed in the reverse order, whatever happens in between.
"""

import contextlib
from collections.abc import AsyncIterator

from api.edge.metrics import Metrics
from api.gateway import Gateway
from api.identity.caller import Callers
from api.identity.passwords import PasswordPool
from api.identity.tokens import TokenIssuer, load_or_create_signing_key
from api.identity.users import Users
from api.money.deposits import Deposits
from api.reads.catalog import Catalog
from api.reads.store import Store
from api.sql.database import open_database
from shared.bus import CommandBus
from shared.channels import Keys
from shared.home import read_run_redis_url, token_public_key
from shared.settings import Settings
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


@contextlib.asynccontextmanager
async def open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Give a gateway that is running; raises NoRedisError, KeyFileError, DatabaseError."""
    redis_url = redis_url_of(settings)
    home = settings.home_path
    key = load_or_create_signing_key(home)
    keys = Keys(settings.venue)
    async with contextlib.AsyncExitStack() as stack:
        database = await open_database(home, settings.database_url)
        stack.push_async_callback(database.dispose)
        bus = CommandBus(
            redis_url,
            keys,
            reply_timeout_s=settings.reply_timeout_ms / 1_000,
            backlog_commands_max=settings.backlog_commands_max,
            engine_silence_max_s=settings.lease_ttl_ms / 1_000,
        )
        await bus.start()
        stack.push_async_callback(bus.close)
        store = Store(redis_url, keys, redis_is_up=lambda: bus.redis_is_up)
        stack.push_async_callback(store.close)
        passwords = PasswordPool()
        stack.callback(passwords.close)
        yield Gateway(
            bus=bus,
            store=store,
            catalog=Catalog(store),
            users=Users(database),
            deposits=Deposits(
                database,
                bus,
                last_n=store.last_n,
                window_s=settings.idempotency_window_s,
                keys_max=settings.idempotency_keys_max,
            ),
            passwords=passwords,
            issuer=TokenIssuer(key, lifetime_s=settings.token_lifetime_s),
            callers=Callers(TokenVerifier(token_public_key(home))),
            metrics=Metrics(),
        )
