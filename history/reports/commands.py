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
from typing import Annotated, Any

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
    str | None,
    typer.Option("--from", callback=day, metavar="DAY", help="First day, of UTC: 2026-03-01."),
]
To = Annotated[
    str | None, typer.Option("--to", callback=day, metavar="DAY", help="Last day, all of it meant.")
]
At = Annotated[
    str | None,
    typer.Option(
        callback=moment, metavar="TIME", help="Instead of --to: 2026-03-01T12:00:00Z, journal time."
    ),
]
Market = Annotated[str | None, typer.Option(help="Of this market alone, as BTC_USD.")]
Account = Annotated[int | None, typer.Option(min=0, help="Of this account alone.")]
Order = Annotated[int | None, typer.Option(min=1, help="The order of an audit trail.")]
Top = Annotated[int | None, typer.Option(min=1, help=f"Largest trades of each market ({TOP}).")]
Threshold = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MARKET=]AMOUNT",
        help="Large is this much quote or more, of one market or of all; may be repeated.",
    ),
]
Window = Annotated[
    int | None,
    typer.Option(
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
    *,
    first: From = None,
    last: To = None,
    at: At = None,
    market: Market = None,
    account: Account = None,
    order: Order = None,
    top: Top = None,
    threshold: Threshold = None,
    window: Window = None,
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
    values = {
        "from": first,
        "to": last,
        "at": at,
        "market": market,
        "account": account,
        "order": order,
        "top": top,
        "threshold": threshold or None,
        "window": window,
        "tolerance": tolerance,
        "owners": owners,
    }
    given = {option: value for option, value in values.items() if value is not None}
    try:
        kind = _kind(name)
        _check_options(kind, set(given))
        settings = load_settings({"home": home} if home else {})
        outcome = _made(kind, _scope(given), settings, form, out)
    except (ReportError, ScopeError, DatabaseError, SettingsError) as error:
        raise _failed(error) from None
    _conclude(outcome, out, form)


def _scope(given: dict[str, Any]) -> Scope:
    from_ns, until_ns = stretch(given.get("from"), given.get("to"), given.get("at"))
    return Scope(
        from_ns,
        until_ns,
        given.get("market", ""),
        given.get("account"),
        given.get("order", 0),
        given.get("top", TOP),
        thresholds_of(given.get("threshold", [])),
        given["window"] * SECOND_NS if "window" in given else WINDOW_NS,
        given.get("tolerance", TOLERANCE_PPM),
        owners_of(given.get("owners")),
    )


def _made(
    kind: ReportKind, scope: Scope, settings: Settings, form: Form | None, out: Path | None
) -> Outcome:
    home, named = settings.home_path, settings.parquet_dir
    parquet = Path(named).expanduser() if named else home / "parquet"
    place = Place(home, history_url(settings), settings.archive_path, parquet)
    # A table is written when all is read; the rows of other forms as they come.
    is_alone = out is not None or form in (None, Form.TABLE) or not sys.stdout.isatty()
    with (
        opened_output(form, out) as output,
        progress(kind.title, is_alone=is_alone) as on_read,
    ):
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
