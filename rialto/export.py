"""`rialto export`: all rows of a list as a CSV file, with a bar that shows how far it is.

The rule of this file: a file of the given name is whole or is not there; what is read is what the
gateway gives to whoever has proven who they are. Secrets are read from standard input, never from
the command line, where others of the machine see them.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from rialto.client import Client, ClientError, Progress, SignedBy, calls
from rialto.client.call import Call
from rialto.client.errors import RefusedError
from rialto.errors import RialtoError
from shared.whole_file import whole_file

STANDARD_OUTPUT = "-"
NS_PER_US = 1_000
DAY_NS = 86_400_000_000_000


class Kind(StrEnum):
    """What can be exported."""

    LEDGER = "ledger"
    FILLS = "fills"
    ORDERS = "orders"
    REJECTIONS = "rejections"
    TRADES = "trades"
    KLINES = "klines"


class _Offer(NamedTuple):
    build: Callable[..., Call[Any]]
    filters: tuple[str, ...]
    required: tuple[str, ...] = ()


_SPAN = ("from_ns", "to_ns")
_OFFERS = {
    Kind.LEDGER: _Offer(calls.ledger, ("market", "asset", *_SPAN)),
    Kind.FILLS: _Offer(calls.fills, ("market", *_SPAN)),
    Kind.ORDERS: _Offer(calls.order_history, ("market", "status", *_SPAN)),
    Kind.REJECTIONS: _Offer(calls.rejections, ("market", *_SPAN)),
    Kind.TRADES: _Offer(calls.trade_history, ("market", *_SPAN), ("market",)),
    Kind.KLINES: _Offer(calls.klines, ("market", "interval", *_SPAN), ("market", "interval")),
}


class Who(NamedTuple):
    """Who asks: a user, or the holder of an API key; neither for what everybody may see."""

    username: str = ""
    totp_code: str = ""
    key_id: str = ""


def wanted_call(kind: Kind, **filters: str) -> Call[Any]:
    """Return the call for what is wanted; an empty filter is none. Raises RialtoError."""
    offer = _OFFERS[kind]
    given = {name: value for name, value in filters.items() if value}
    for name in given:
        if name not in offer.filters:
            raise RialtoError(f"{kind} cannot be chosen by --{_option(name)}.")
    for name in offer.required:
        if name not in given:
            article = "an" if name[0] in "aeiou" else "a"
            raise RialtoError(f"{kind} need {article} --{_option(name)}.")
    times = {name: time_ns(given.pop(name), name) for name in _SPAN if name in given}
    return offer.build(**given, **times)


def time_ns(text: str, name: str) -> int:
    """Return a time in Unix nanoseconds, of digits or of a date with or without a time of day, in
    UTC unless it says another zone. A day is meant whole: as `to_ns` it is the end of it.
    """
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        sentence = f"--{_option(name)} is a time like 2031-05-01 or 2031-05-01T17:30, not {text!r}."
        raise RialtoError(sentence) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    at_ns = (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * NS_PER_US
    return at_ns + DAY_NS if name == "to_ns" and _is_day(text) else at_ns


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def export(url: str, call: Call[Any], who: Who, out: str) -> Progress:
    """Bring the rows to `out`, a path, or - for standard output; raises RialtoError."""
    if not call.is_open and not (who.username or who.key_id):
        raise RialtoError("These rows are somebody's: say --username or --key-id.")
    try:
        with Client(url, identity=_signer(who)) as client, contextlib.ExitStack() as stack:
            if who.username and not call.is_open:
                code = who.totp_code or None
                client.log_in(who.username, _secret("Password"), totp_code=code)
                # Else every night's export would leave a session for a month.
                stack.callback(_log_out, client)
            with _target(out) as file, _bar(call) as show:
                return client.download(call, file.write, on_progress=show)
    except RefusedError as error:
        about = f" ({error.field})" if error.field else ""
        raise RialtoError(f"{error.message}{about}") from None
    except (ClientError, OSError) as error:
        raise RialtoError(f"Nothing was exported: {error}.") from None


def _log_out(client: Client) -> None:
    with contextlib.suppress(ClientError):  # What was asked for is there; the session ends alone.
        client.log_out()


def _signer(who: Who) -> SignedBy | None:
    if who.username and who.key_id:
        raise RialtoError("Say --username or --key-id, not both.")
    return SignedBy.hmac_sha256(who.key_id, _secret("Secret of the key")) if who.key_id else None


def _secret(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@contextlib.contextmanager
def _target(out: str) -> Iterator[BinaryIO]:
    if out == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(Path(out)) as file:
        yield file


@contextlib.contextmanager
def _bar(call: Call[Any]) -> Iterator[Callable[[Progress], None]]:
    """Show on standard error how far it is, to a person; a program sees nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    name = call.path.rpartition("/")[2]
    with Bar(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.rows, total=progress.total_rows)

        yield show


def _option(name: str) -> str:
    return name.removesuffix("_ns")
