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

from api.admin.audit import AuditLog
from api.admin.deposits import deposit
from api.admin.withdrawals import Verdict, decide_by_cli
from api.edge.errors import ApiError
from api.identity.passwords import PasswordPool, check_password, read_pepper
from api.identity.tokens import KeyFileError
from api.identity.users import Role, User, Users, check_username
from api.money.docs import PAGE_MAX, STATUSES
from api.money.views import operators_withdrawal_view
from api.money.withdrawal_rows import Decision, State
from api.opening import NoRedisError, open_gateway
from api.sql.database import DatabaseError, open_database
from shared.outcomes import Accepted
from shared.rest.admin import DepositAnswer, DepositBody
from shared.rest.money import DecisionAnswer, OperatorsWithdrawalView
from shared.settings import Settings, SettingsError, load_settings

READY_TIMEOUT_S = 10.0  # An engine that takes over needs its lease's lifetime and a moment.
PRIVATE_UMASK = 0o077

T = TypeVar("T")

admin_app = typer.Typer(
    name="admin", help="Make admins, credit accounts, list users.", no_args_is_help=True
)
withdrawals_app = typer.Typer(help="List and decide withdrawals.", no_args_is_help=True)
admin_app.add_typer(withdrawals_app, name="withdrawals")


Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]

AT_THE_MACHINE = "Typed at the machine itself."
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]


class _RefusedError(Exception):
    """One sentence for the person at the keyboard."""


@admin_app.command()
def create(
    username: Annotated[str, typer.Argument(help="3 to 32 letters, digits, dots, dashes.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    role: Annotated[
        Role, typer.Option("--role", help="An auditor reads what an admin does; a trader trades.")
    ] = Role.ADMIN,
    reason: Reason = AT_THE_MACHINE,
    home: Home = "",
) -> None:
    """Make an admin: somebody who may log in at the admin port, and trade like anybody."""
    password = _read_password(from_stdin=password_stdin)
    user = _run(_create(_settings(home), username, password, role, reason))
    article = "a" if role is Role.TRADER else "an"
    typer.echo(f"{user.username} is {article} {role} now, with account {user.account_id}.")


@admin_app.command()
def credit(
    username: Annotated[str, typer.Argument(help="Whose account.")],
    asset: Annotated[str, typer.Argument(help="For example INR.")],
    amount: Annotated[str, typer.Argument(help="Decimal text, for example 100000.50.")],
    *,
    reference: Annotated[
        str, typer.Option(help="Counts once, for ever: with it the command may be repeated.")
    ] = "",
    reason: Reason = AT_THE_MACHINE,
    home: Home = "",
) -> None:
    """Credit an account and show its new balance."""
    reference = reference or f"cli-{uuid.uuid4().hex}"
    settings = _settings(home)
    hint = f" Repeat it with --reference {reference}: it counts once."
    body = DepositBody(username=username, asset=asset, amount=amount, reference=reference)
    done = _run(_credit(settings, body, reason), hint)
    again = " already, earlier," if done.replayed else ""
    now = f"{done.balance.available} {done.asset}" if done.balance else "cannot be read just now"
    typer.echo(
        f"{username} was{again} credited {done.amount} {done.asset} (reference {done.reference}); "
        f"available now: {now}."
    )


@withdrawals_app.command("list")
def list_withdrawals(
    status: Annotated[
        str, typer.Option(help="pending, settled, refused, cancelled, ended, or all.")
    ] = State.PENDING.value,
    home: Home = "",
) -> None:
    """List the newest withdrawals."""
    if status not in (*STATUSES, "all"):
        raise _failed(f"A status is {', '.join(STATUSES)}, or all.")
    table = Table("withdrawal", "account", "amount", "destination", "status", "decided by")
    for one in _run(_list_withdrawals(_settings(home), "" if status == "all" else status)):
        amount = f"{one.amount} {one.asset}"
        cells = (one.withdrawal_id, one.account_id, amount, one.destination or "not known here")
        table.add_row(*map(str, cells), one.status, one.decided_by)
    Console().print(table)


@withdrawals_app.command()
def approve(
    withdrawal_id: Annotated[int, typer.Argument(help="Its number.", min=1)],
    external_reference: Annotated[
        str, typer.Option(help="Of the bank or the chain: how the money has left.")
    ] = "",
    reason: Reason = AT_THE_MACHINE,
    home: Home = "",
) -> None:
    """Say that the money has left the venue; it leaves the ledger, too. Safe to repeat."""
    verdict = Verdict(
        withdrawal_id=withdrawal_id,
        decision=Decision.SETTLE,
        reason=reason,
        external_reference=external_reference,
    )
    _decide(_settings(home), verdict)


@withdrawals_app.command()
def refuse(
    withdrawal_id: Annotated[int, typer.Argument(help="Its number.", min=1)],
    reason: Annotated[str, typer.Option("--reason", help="Why; the owner reads it.")],
    home: Home = "",
) -> None:
    """Give the money back to its owner. Safe to repeat."""
    verdict = Verdict(withdrawal_id=withdrawal_id, decision=Decision.REFUSE, reason=reason)
    _decide(_settings(home), verdict)


def _decide(settings: Settings, verdict: Verdict) -> None:
    told = _run(_decided(settings, verdict), " Repeat it: it counts once.")
    if isinstance(told, Accepted):
        typer.echo("It is on the journal and will be carried out once; look again in a moment.")
        return
    again = " already, earlier" if told.replayed else ""
    typer.echo(
        f"Withdrawal {told.withdrawal_id} of {told.amount} {told.asset} is {told.status}{again}."
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


async def _create(
    settings: Settings, username: str, password: str, role: Role, reason: str
) -> User:
    check_username(username)
    check_password(password, username)
    database = await open_database(settings.home_path, settings.database_url)
    passwords = PasswordPool(read_pepper(settings.home_path))
    try:
        password_hash = await passwords.hash(password)
        audit = AuditLog(database)
        async with audit.by_cli("user.create", target=f"user:{username}", reason=reason) as entry:
            user = await Users(database).create(username, password_hash, role)
            entry.after = user
        return user
    finally:
        passwords.close()
        await database.dispose()


async def _credit(settings: Settings, body: DepositBody, reason: str) -> DepositAnswer:
    username = body.username or ""
    async with open_gateway(settings) as gateway:
        found = await gateway.users.find(username)
        if found is None:
            raise _RefusedError(f"There is no user {username}.")
        if not await gateway.bus.wait_until_ready(READY_TIMEOUT_S):
            raise _RefusedError("The engine is not running: start the exchange with `rialto up`.")
        account_id = found[0].account_id
        async with gateway.audit.by_cli(
            "deposit.credit", target=f"account:{account_id}", reason=reason, before=body
        ) as entry:
            done = await deposit(gateway, account_id, body.asset, body.amount, body.reference)
            entry.after = done
        return done


async def _users(settings: Settings) -> list[User]:
    database = await open_database(settings.home_path, settings.database_url)
    try:
        return await Users(database).all()
    finally:
        await database.dispose()


async def _list_withdrawals(settings: Settings, status: str) -> list[OperatorsWithdrawalView]:
    async with open_gateway(settings) as gateway:
        await gateway.bus.wait_until_ready(READY_TIMEOUT_S)
        rows, _ = await gateway.money.withdrawals.book.page(limit=PAGE_MAX, state=status)
        return [await operators_withdrawal_view(row, gateway.catalog) for row in rows]


async def _decided(settings: Settings, verdict: Verdict) -> DecisionAnswer | Accepted:
    async with open_gateway(settings) as gateway:
        if not await gateway.bus.wait_until_ready(READY_TIMEOUT_S):
            raise _RefusedError("The engine is not running: start the exchange with `rialto up`.")
        return await decide_by_cli(gateway, verdict)
