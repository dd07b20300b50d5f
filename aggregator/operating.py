"""`rialto aggregator`: how outside venues do, and going on with one that was halted.

The rule of this file: it looks through the doors of the aggregators of this machine, and asks over
Redis; every failure is one sentence and exit code 1.
"""

import http.client
import os
import re
from typing import Annotated, TypeVar

import msgspec
import redis
import typer
from rich.console import Console
from rich.table import Table

from shared.home import read_run_ports, read_run_redis_url
from shared.messages import BookState, FeedState, FeedStatus
from shared.networks import reachable_host
from shared.operating_outside import ask_to_resume
from shared.settings import Settings, SettingsError, load_settings

DEADLINE_S = 2.0
ANSWER_BYTES_MAX = 4 << 20  # A thousand books of a hundred feeds.

NAMED_MAX = 3  # Of the books of one line; who wants all of them asks /status.

_AGGREGATOR = re.compile(r"aggregator(-[0-9]+)?")
T = TypeVar("T")

app = typer.Typer(
    help="Look at outside venues, and help one that was halted.", no_args_is_help=True
)
Home = Annotated[str, typer.Option(help="The folder of the exchange, if not RIALTO_HOME.")]


class _Health(msgspec.Struct):
    home: str = ""


class _Unanswered(Exception):
    """One sentence of a door at which nobody is."""


@app.command("status")
def status_command(home: Home = "") -> None:
    """Show each feed, and those of its books that are not live, with the reason."""
    settings = _settings(home)
    ports = _ports(settings)
    if not ports:
        raise _refusal("The aggregator is switched off (RIALTO_AGGREGATOR_ENABLED).")
    folder = os.path.abspath(settings.home_path)
    host = reachable_host(settings.aggregator_host)
    statuses: list[FeedStatus] = []
    faults: list[str] = []
    for port in ports:
        try:
            _check_home(host, port, folder)
            statuses += _ask(host, port, "/status", list[FeedStatus])
        except _Unanswered as error:
            faults.append(str(error))
    if statuses:
        Console().print(_table(statuses))
    for fault in faults:
        typer.echo(fault, err=True)
    if faults or any(status.state is not FeedState.LIVE for status in statuses):
        raise typer.Exit(1)


@app.command("resume")
def resume_command(
    feed: Annotated[
        str, typer.Argument(help="As kraken:spot; none: every feed that is halted.")
    ] = "",
    home: Home = "",
) -> None:
    """Begin again with a feed that was halted."""
    settings = _settings(home)
    if feed and feed not in settings.feeds:
        raise _refusal(f"{feed} is not followed; there are {', '.join(settings.feeds)}.")
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise _refusal("There is no Redis: set REDIS_URL, or start everything with `rialto up`.")
    try:
        heard = ask_to_resume(url, settings.venue, feed)
    except (redis.RedisError, OSError) as error:
        raise _refusal(f"Redis does not answer: {error}.") from None
    if not heard:
        raise _refusal("No aggregator runs.")
    typer.echo(f"Told {heard} aggregator{'s' if heard > 1 else ''}.")


def _settings(home: str) -> Settings:
    try:
        return load_settings({"home": home} if home else {})
    except SettingsError as error:
        raise _refusal(str(error)) from None


def _refusal(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)


def _ports(settings: Settings) -> list[int]:
    """Return where the aggregators of a run are; without one, where the settings have them."""
    ports = read_run_ports(settings.home_path)
    if ports is None:
        return list(settings.aggregator_ports)
    return [port for name, port in ports.items() if _AGGREGATOR.fullmatch(name)]


def _check_home(host: str, port: int, folder: str) -> None:
    said = _ask(host, port, "/health", _Health).home
    if said and said != folder:
        raise _Unanswered(f"At {host}:{port} is the aggregator of {said}, not of {folder}.")


def _ask(host: str, port: int, path: str, kind: type[T]) -> T:
    door = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    try:
        door.request("GET", path)
        answer = door.getresponse().read(ANSWER_BYTES_MAX)
        return msgspec.json.decode(answer, type=kind)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise _Unanswered(f"No aggregator answers at {host}:{port}: {error}.") from None
    finally:
        door.close()


def _table(statuses: list[FeedStatus]) -> Table:
    table = Table("feed", "state", "books live", "reason")
    for status in statuses:
        live = sum(book.state is BookState.LIVE for book in status.books)
        table.add_row(status.feed, status.state, f"{live} of {len(status.books)}", status.reason)
        for (state, reason), books in _not_live(status).items():
            table.add_row(f"  {_named(books, len(status.books))}", state, "", reason)
    return table


def _not_live(status: FeedStatus) -> dict[tuple[BookState, str], list[str]]:
    """Return the books that are not live, by their state and the reason for it."""
    found: dict[tuple[BookState, str], list[str]] = {}
    for book in status.books:
        if book.state is not BookState.LIVE:
            found.setdefault((book.state, book.reason), []).append(book.book)
    return found


def _named(books: list[str], all_count: int) -> str:
    if len(books) == 1:
        return books[0]
    if len(books) == all_count:
        return f"all {all_count} books"
    pairs = [book.rpartition(":")[2] for book in books]
    more = f" and {len(pairs) - NAMED_MAX} more" if len(pairs) > NAMED_MAX else ""
    return ", ".join(pairs[:NAMED_MAX]) + more
