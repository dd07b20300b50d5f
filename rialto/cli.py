"""The `rialto` command: what a person types, and the commands of the services joined into one.

The rule of this file: a RialtoError or SettingsError becomes one line on standard error and exit
code 1.
"""

import importlib
import importlib.util
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rialto.bench import add_benches
from rialto.console import NAME_WIDTH, Voice
from rialto.errors import RialtoError
from rialto.home import open_home
from rialto.reset import known_contents, refuse_half, reset
from rialto.runs import is_alive, read_run
from rialto.throwaway import run_on_throwaway
from rialto.up import up
from shared.home import read_run_redis_url
from shared.messages import Side
from shared.settings import Settings, load_with_sources, shown_value
from shared.settings_fields import SettingsError
from shared.words import counted


class Speed(StrEnum):
    """How many times as fast as it was recorded."""

    ONE = "1"
    TEN = "10"
    MAX = "max"


IN_FLIGHT = 128  # Of a replay: as many clients as a small venue has, each waiting for its answer.

Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]

app = typer.Typer(
    help="An exchange in a box.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="What is set, and where.", no_args_is_help=True)
app.add_typer(config_app, name="config")
replay_app = typer.Typer(help="Send a recorded day through the real thing.", no_args_is_help=True)
app.add_typer(replay_app, name="replay")


def _flags(home: str) -> dict[str, str]:
    return {"home": home} if home else {}


def _settings(home: str) -> Settings:
    return load_with_sources(_flags(home)).settings


@app.command("up")
def up_command(
    home: Home = "",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every line of every service.")
    ] = False,
    offline: Annotated[
        bool | None,
        typer.Option(
            "--offline/--online", help="Follow simulated venues: no internet is needed (offline)."
        ),
    ] = None,
) -> None:
    """Start everything, keep it running, stop it on Ctrl-C."""
    flags = {} if offline is None else {"offline": str(offline).lower()}
    settings = load_with_sources(_flags(home) | flags).settings
    with Voice() as voice:
        up(settings, os.environ, voice, verbose=verbose)


@app.command("status")
def status_command(home: Home = "") -> None:
    """Say what runs in this folder."""
    folder = open_home(_settings(home).home)
    run = read_run(folder)
    if run is None:
        typer.echo(f"Rialto does not run in {folder.folder}")
        raise typer.Exit(1)
    typer.echo(f"Rialto runs in {folder.folder} as process {run.pid}")
    for name, url in run.urls.items():
        typer.echo(f"  {name:<{NAME_WIDTH}} {url}")
    for name, mark in run.services.items():
        state = "runs" if is_alive(mark) else "is down"
        typer.echo(f"  {name:<{NAME_WIDTH}} {state}, process {mark.pid}")


@app.command("redis-url")
def redis_url_command(home: Home = "") -> None:
    """Print the address of the exchange's Redis, password and all, for a program that publishes
    channels of its own.
    """
    settings = _settings(home)
    folder = open_home(settings.home).folder
    url = settings.redis_url or read_run_redis_url(folder)
    if not url:
        raise RialtoError(f"Rialto does not run in {folder}, so it has no Redis.")
    typer.echo(url)


@app.command("reset")
def reset_command(
    home: Home = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove all data of this folder: orders, balances, users, keys, archive."""
    settings = _settings(home)
    folder = open_home(settings.home)
    present = known_contents(folder)
    if not present:
        typer.echo(f"Nothing to remove: there is no data in {folder.folder}")
        return
    refuse_half(settings)
    if not yes and not _agreed(str(folder.folder)):
        raise RialtoError("Nothing was removed.")
    left = reset(folder)
    typer.echo(f"Removed all of Rialto's data from {folder.folder}")
    if left:
        typer.echo(
            f"Left alone, for they are not Rialto's: {', '.join(path.name for path in left)}"
        )


def _agreed(folder: str) -> bool:
    if not sys.stdin.isatty():
        raise RialtoError(f"Removing all data of {folder} needs an answer: say --yes.")
    return typer.confirm(f"Remove all orders, balances, users and keys in {folder}?")


@config_app.command("show")
def config_show_command(home: Home = "") -> None:
    """Show every setting with its value and where that came from."""
    settings, sources = load_with_sources(_flags(home))
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for name, source in sources.items():
        table.add_row(name, str(shown_value(settings, name)), source)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # A pipe has no width; lines of a table must not be folded for it.
    console.print(table)


@replay_app.command("orders")
def replay_orders_command(
    file: Annotated[Path, typer.Argument(help="Recorded orders: CSV, compressed or not.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    in_flight: Annotated[
        int, typer.Option(min=1, max=10_000, help="Commands on their way at once.")
    ] = IN_FLIGHT,
    trades: Annotated[
        Path | None, typer.Option(help="Expected trades; expected_trades.csv beside FILE if there.")
    ] = None,
    bbo: Annotated[
        Path | None, typer.Option(help="Expected best prices; expected_bbo.csv beside FILE.")
    ] = None,
) -> None:
    """Replay a day of orders on an exchange of its own, and check every number of it."""
    import engine.cli  # Here, so that other commands need not wait for it.

    try:
        day = engine.cli.prepare(file, trades, bbo)
        report = run_on_throwaway(
            os.environ,
            lambda place: engine.cli.replay_with_bar(
                day, place.redis_url, place.venue, in_flight=in_flight
            ),
        )
    except engine.cli.ReplayError as error:
        raise RialtoError(str(error)) from None
    engine.cli.show(report, as_json=as_json)
    if not report.ok:
        raise typer.Exit(1)


@replay_app.command("books")
def replay_books_command(
    files: Annotated[
        list[str], typer.Argument(help="Recordings: .jsonl, .jsonl.xz, .jsonl.gz; - is stdin.")
    ],
    speed: Annotated[
        Speed, typer.Option(help="1 as it was, 10 times as fast, or max.")
    ] = Speed.MAX,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a book.")] = False,
    pair: Annotated[
        list[str] | None, typer.Option(help="Show only this pair, as BTC/USDT; may be repeated.")
    ] = None,
) -> None:
    """Replay recorded messages of outside exchanges, and prove every book of them right."""
    import aggregator.cli  # Here, so that other commands need not wait for it.

    pairs = pair or ()
    code = aggregator.cli.replay_books(files, speed.value, as_json=as_json, pairs=pairs)
    raise typer.Exit(code)


@app.command("best")
def best_command(
    pair: Annotated[str, typer.Argument(help="As BTC/USDT, or linear:BTC/USDT for futures.")],
    side: Annotated[Side, typer.Argument(help="What you want to do.")],
    quantity: Annotated[str, typer.Argument(help="How much, in the base asset.")] = "",
    *,
    budget: Annotated[
        str, typer.Option(help="Instead: what to spend, or when selling to receive, after fees.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    url: Annotated[str, typer.Option(help="Of the feed; the one of this folder's run.")] = "",
    home: Home = "",
) -> None:
    """Say at which outside exchanges an order would be filled best now, and at what price."""
    from rialto.best import find_best, print_best  # Here, as few commands need it.

    address = url or _feed_url(home)
    execution = find_best(address, pair, side, quantity=quantity, budget=budget)
    print_best(execution, as_json=as_json)
    if execution.ending != "done":
        raise typer.Exit(1)


@app.command("export")
def export_command(
    what: Annotated[
        str, typer.Argument(help="ledger, fills, orders, rejections, trades or klines.")
    ],
    *,
    out: Annotated[str, typer.Option("--out", "-o", help="The CSV file; - is standard output.")],
    market: Annotated[str, typer.Option(help="For example TATA_INR.")] = "",
    interval: Annotated[str, typer.Option(help="Of klines: 1s 1m 5m 15m 1h 4h 1d 1w.")] = "",
    asset: Annotated[str, typer.Option(help="Of a ledger: only this asset.")] = "",
    status: Annotated[str, typer.Option(help="Of orders: with commas between.")] = "",
    since: Annotated[str, typer.Option("--from", help="2031-05-01, or with a time; UTC.")] = "",
    until: Annotated[
        str, typer.Option("--to", help="A day, all of it meant, or only before a time.")
    ] = "",
    username: Annotated[
        str, typer.Option(help="Whose rows; the password is asked for, or read from stdin.")
    ] = "",
    totp_code: Annotated[str, typer.Option(help="Of your authenticator, if you have one.")] = "",
    key_id: Annotated[
        str, typer.Option(help="An API key that may read, instead; its secret as a password.")
    ] = "",
    url: Annotated[str, typer.Option(help="Of the gateway; the one of this folder's run.")] = "",
    home: Home = "",
) -> None:
    """Write all rows of a list into a CSV file."""
    from rialto.export import Kind, Who, export, wanted_call  # Here, as few commands need it.

    if what not in list(Kind):
        raise RialtoError(f"What can be exported is {', '.join(Kind)}; {what!r} is none of them.")
    filters = {"market": market, "interval": interval, "asset": asset, "status": status}
    call = wanted_call(Kind(what), **filters, from_ns=since, to_ns=until)
    who = Who(username, totp_code, key_id)
    done = export(url or _run_url("api", home), call, who, out)
    typer.echo(f"{counted(done.rows, 'row')}, {counted(done.bytes, 'byte')}.", err=True)


def _run_url(door: str, home: str) -> str:
    folder = open_home(_settings(home).home)
    run = read_run(folder)
    if run is None:
        raise RialtoError(f"Rialto does not run in {folder.folder}; name a gateway with --url.")
    return run.urls[door]


def _feed_url(home: str) -> str:
    settings = _settings(home)
    folder = open_home(settings.home)
    run = read_run(folder)
    if run is not None:
        return run.urls["ws"]
    if settings.metrics_feed_url:  # As in the aggregator's container.
        return settings.metrics_feed_url
    raise RialtoError(f"Rialto does not run in {folder.folder}; name a feed with --url.")


# The service's module, its Typer or its one command, and the name under which it is joined.
JOINED = (
    ("engine.cli", "app", "engine"),
    ("engine.cli", "bench_app", "bench"),
    ("engine.cli", "verify_command", "verify"),
    ("api.cli", "admin_app", "admin"),
    ("aggregator.cli", "app", "aggregator"),
    ("aggregator.cli", "venues_command", "venues"),
    ("aggregator.cli", "doctor_command", "doctor"),
    ("aggregator.cli", "record_command", "record"),
    ("history.cli", "app", "history"),
    ("history.cli", "backup_command", "backup"),
    ("history.cli", "report_command", "report"),
    ("rialto.drill", "restore_command", "restore"),
)

# These start without the services' modules, which take the better part of a second to import.
OWN_WORDS = (["up"], ["status"], ["reset"], ["config"], ["replay"], ["best"], ["export"])


def join_services() -> None:
    """Mount the commands of the services that are installed."""
    for module_name, attribute, name in JOINED:
        if importlib.util.find_spec(module_name) is None:
            continue
        joined = getattr(importlib.import_module(module_name), attribute, None)
        if isinstance(joined, typer.Typer) and name == "bench":
            # It needs a whole exchange, which no service can make.
            add_benches(joined)
        if isinstance(joined, typer.Typer):
            app.add_typer(joined, name=name)
        elif callable(joined):
            app.command(name)(joined)


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] not in OWN_WORDS:
        join_services()
    try:
        app()
    except (RialtoError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
