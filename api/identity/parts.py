"""The services behind logins, put together.

The rule of this file: it only joins them; each is told in its own file what it is.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from api.identity.accounts import Accounts
from api.identity.refreshing import Refreshing
from api.identity.reset_codes import ResetCodes
from api.identity.sessions import Sessions
from api.identity.standing import Standing
from api.identity.totp import Totps
from api.identity.vault import Vault
from shared.revocations import Revocations
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts, over one database."""

    accounts: Accounts
    sessions: Sessions
    refreshing: Refreshing
    standing: Standing
    reset_codes: ResetCodes
    totps: Totps


def identity_of(
    database: AsyncEngine, revocations: Revocations, vault: Vault, settings: Settings
) -> Identity:
    """Return the services over `database`."""
    accounts = Accounts(database)
    sessions = Sessions(
        database,
        revocations,
        token_lifetime_s=settings.token_lifetime_s,
        refresh_lifetime_s=settings.refresh_lifetime_s,
    )
    return Identity(
        accounts=accounts,
        sessions=sessions,
        refreshing=Refreshing(sessions, accounts),
        standing=Standing(sessions),
        reset_codes=ResetCodes(sessions),
        totps=Totps(database, vault),
    )
