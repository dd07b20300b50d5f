"""`rialto report`: a report of the history, for a terminal, a file or a program.

The rule of this file: words in, words out. An option that a report does not heed is refused, since
it would be misread otherwise; and where something does not add up, the report is written all the
same, and the exit code is 1.
"""

import asyncio
import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from history.projection.intervals import SECOND_NS
from history.reports.catalogue import REPORTS
from history.reports.files import Form, opened_output
from history.reports.form import Outcome
from history.reports.making import ReportKind
from history.reports.options import day, moment, owners_of, thresholds_of
from history.reports.progress import progress
from history.reports.running import Place, make
from history.reports.scope import TOLERANCE_PPM, TOP, WINDOW_NS, Scope, ScopeError, stretch
from history.reports.source import ReportError
from history.sql.database import DatabaseError, history_url
from shared.money import PPM
from shared.settings import Settings, SettingsError, load_settings

NOT_DONE = 1  # Or not right; 2 is the parser's alone, for words that it does not know.
WINDOW_S_MAX = 30 * 86_400

Name = Annotated[str, typer.Argument(help="Which report; none: list them all.")]
From = Annotated[
    str, typer.Option("--from", callback=day, metavar="DAY", help="First day, of UTC: 2026-03-01.")
]
To = Annotated[
    str, typer.Option("--to", callback=day, metavar="DAY", help="Last day, all of it meant.")
]
At = Annotated[
    str,
    typer.Option(
        callback=moment, metavar="TIME", help="Instead of --to: 2026-03-01T12:00:00Z, journal time."
    ),
]
Market = Annotated[str, typer.Option(help="Of this market alone, as BTC_USD.")]
Account = Annotated[int | None, typer.Option(min=0, help="Of this account alone.")]
Order = Annotated[int, typer.Option(min=0, help="The order of an audit trail.")]
Top = Annotated[int, typer.Option(min=0, help=f"Largest trades of each market ({TOP}).")]
Threshold = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MARKET=]AMOUNT",
        help="Large is this much quote or more, of one market or of all; may be repeated.",
    ),
]
Window = Annotated[
    int,
    typer.Option(
        "--window",
        min=0,
        max=WINDOW_S_MAX,
        metavar="SECONDS",
        help=f"A round trip takes no longer ({WINDOW_NS // SECOND_NS}).",
    ),
]
Tolerance = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=PPM,
        metavar="PPM",
        help=f"Both ways differ by no more of the larger ({TOLERANCE_PPM}).",
    ),
]
Owners = Annotated[
    Path | None, typer.Option(help="Whose accounts are whose: CSV lines of account,owner.")
]
Format = Annotated[
    Form | None, typer.Option("--format", help="None: by the name of --out, else a table.")
]
Out = Annotated[Path | None, typer.Option(help="Write into this file, in place of the terminal.")]
Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]


def report_command(
    name: Name = "",
    first: From = "",
    last: To = "",
    at: At = "",
    market: Market = "",
    account: Account = None,
    order: Order = 0,
    top: Top = 0,
    threshold: Threshold = None,
    window_s: Window = 0,
    tolerance: Tolerance = None,
    owners: Owners = None,
    form: Format = None,
    out: Out = None,
    home: Home = "",
) -> None:
    """Make a report of the history: volumes, fees, balances, positions, an order's trail."""
    if not name:
        _list_reports()
        return
    try:
        kind = _kind(name)
        given = {
            "from": first,
            "to": last,
            "at": at,
            "market": market,
            "account": account is not None,
            "order": order,
            "top": top,
            "threshold": threshold,
            "window": window_s,
            "tolerance": tolerance is not None,
            "owners": owners,
        }
        _check_options(kind, {option for option, value in given.items() if value})
        from_ns, until_ns = stretch(first, last, at)
        scope = Scope(
            from_ns,
            until_ns,
            market,
            account,
            order,
            top or TOP,
            thresholds_of(threshold or []),
            window_s * SECOND_NS or WINDOW_NS,
            TOLERANCE_PPM if tolerance is None else tolerance,
            owners_of(owners),
        )
        outcome = _made(kind, scope, load_settings({"home": home} if home else {}), form, out)
    except (ReportError, ScopeError, DatabaseError, SettingsError) as error:
        raise _failed(error) from None
    _conclude(outcome, out, form)


def _made(
    kind: ReportKind, scope: Scope, settings: Settings, form: Form | None, out: Path | None
) -> Outcome:
    home, named = settings.home_path, settings.parquet_dir
    parquet = Path(named).expanduser() if named else home / "parquet"
    place = Place(home, history_url(settings), settings.archive_path, parquet)
    with opened_output(form, out) as output, progress(kind.title) as on_read:
        return asyncio.run(make(place, kind, scope, output, on_read))


def _kind(name: str) -> ReportKind:
    kind = REPORTS.get(name)
    if kind is None:
        nearest = get_close_matches(name, REPORTS, 1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there is {', '.join(REPORTS)}."
        raise ReportError(f"There is no report {name}: {hint}")
    return kind


def _check_options(kind: ReportKind, given: set[str]) -> None:
    if "order" in kind.options and "order" not in given:
        raise ReportError(f"Which order? Say rialto report {kind.name} --order NUMBER.")
    strange = sorted(given - kind.options)
    if strange:
        heeded = ", ".join(f"--{option}" for option in sorted(kind.options))
        raise ReportError(f"{kind.title}: --{strange[0]} means nothing here; it takes {heeded}.")


def _conclude(outcome: Outcome, out: Path | None, form: Form | None) -> None:
    # A table, a page and JSON say it themselves; whoever reads CSV has standard error.
    is_told = out is None and form in (None, Form.TABLE)
    if not is_told:
        for check in outcome.checks:
            typer.echo(check.says, err=True)
    if out is not None:
        typer.echo(f"{out}", err=True)
    if not outcome.is_well:
        raise typer.Exit(NOT_DONE)


def _list_reports() -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for kind in REPORTS.values():
        options = " ".join(f"--{option}" for option in sorted(kind.options))
        table.add_row(kind.name, kind.title, options)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)


def _failed(error: Exception) -> typer.Exit:
    if isinstance(error.__cause__, BrokenPipeError):
        # Whoever read has seen enough; the end of the program flushes what is buffered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        typer.echo(f"{error}", err=True)
    return typer.Exit(NOT_DONE)
