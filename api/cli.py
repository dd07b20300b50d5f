"""`rialto admin`: the operator's first steps, at the machine itself.

The rule of this file: it needs no terminal and asks nothing that a flag could answer; every failure
is one sentence and exit code 1. Whoever may read RIALTO_HOME is the operator.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import Coroutine
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from api.admin.routes import deposit
from api.edge.errors import ApiError
from api.identity.passwords import PasswordPool, check_password
from api.identity.tokens import KeyFileError
from api.identity.users import Role, User, Users, check_username
from api.opening import NoRedisError, open_gateway
from api.sql.database import DatabaseError, open_database
from shared.rest.admin import DepositAnswer
from shared.settings import Settings, SettingsError, load_settings

READY_TIMEOUT_S = 10.0  # An engine that takes over needs its lease's lifetime and a moment.
PRIVATE_UMASK = 0o077

T = TypeVar("T")

admin_app = typer.Typer(
    name="admin", help="Make admins, credit accounts, list users.", no_args_is_help=True
)


Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]


class _RefusedError(Exception):
    """One sentence for the person at the keyboard."""


@admin_app.command()
def create(
    username: Annotated[str, typer.Argument(help="3 to 32 letters, digits, dots, dashes.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    home: Home = "",
) -> None:
    """Make an admin: somebody who may log in at the admin port, and trade like anybody."""
    password = _read_password(from_stdin=password_stdin)
    user = _run(_create(_settings(home), username, password))
    typer.echo(f"{user.username} is an admin now, with account {user.account_id}.")


@admin_app.command()
def credit(
    username: Annotated[str, typer.Argument(help="Whose account.")],
    asset: Annotated[str, typer.Argument(help="For example INR.")],
    amount: Annotated[str, typer.Argument(help="Decimal text, for example 100000.50.")],
    reference: Annotated[
        str, typer.Option(help="Counts once, for ever: with it the command may be repeated.")
    ] = "",
    home: Home = "",
) -> None:
    """Credit an account and show its new balance."""
    reference = reference or f"cli-{uuid.uuid4().hex}"
    settings = _settings(home)
    hint = f" Repeat it with --reference {reference}: it counts once."
    done = _run(_credit(settings, username, asset, amount, reference), hint)
    again = " already, earlier," if done.replayed else ""
    now = f"{done.balance.available} {done.asset}" if done.balance else "cannot be read just now"
    typer.echo(
        f"{username} was{again} credited {done.amount} {done.asset} (reference {done.reference}); "
        f"available now: {now}."
    )


@admin_app.command()
def users(home: Home = "") -> None:
    """List the users."""
    table = Table("user", "username", "role", "account")
    for user in _run(_users(_settings(home))):
        table.add_row(str(user.user_id), user.username, user.role, str(user.account_id))
    Console().print(table)


def _settings(home: str) -> Settings:
    os.umask(PRIVATE_UMASK)
    try:
        return load_settings({"home": home} if home else {})
    except SettingsError as error:
        raise _failed(str(error)) from None


def _run(work: Coroutine[object, object, T], hint: str = "") -> T:
    """Run it; `hint` is said too unless the answer is a definite no."""
    try:
        return asyncio.run(work)
    except ApiError as error:
        about = f" ({error.field})" if error.field else ""
        raise _failed(f"{error.message}{about}{hint if error.status >= 500 else ''}") from None
    except KeyboardInterrupt:
        raise _failed(f"Interrupted.{hint}") from None
    except (_RefusedError, DatabaseError, KeyFileError, NoRedisError) as error:
        raise _failed(str(error)) from None


def _failed(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise _failed("There is no terminal to ask for a password: use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


async def _create(settings: Settings, username: str, password: str) -> User:
    check_username(username)
    check_password(password)
    database = await open_database(settings.home_path, settings.database_url)
    passwords = PasswordPool()
    try:
        password_hash = await passwords.hash(password)
        return await Users(database).create(username, password_hash, Role.ADMIN)
    finally:
        passwords.close()
        await database.dispose()


async def _credit(
    settings: Settings, username: str, asset: str, amount: str, reference: str
) -> DepositAnswer:
    async with open_gateway(settings) as gateway:
        found = await gateway.users.find(username)
        if found is None:
            raise _RefusedError(f"There is no user {username}.")
        if not await gateway.bus.wait_until_ready(READY_TIMEOUT_S):
            raise _RefusedError("The engine is not running: start the exchange with `rialto up`.")
        return await deposit(gateway, found[0].account_id, asset, amount, reference)


async def _users(settings: Settings) -> list[User]:
    database = await open_database(settings.home_path, settings.database_url)
    try:
        return await Users(database).all()
    finally:
        await database.dispose()
