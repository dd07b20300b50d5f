"""`rialto doctor`: the command.

The rule of this file: words for a person in, words for a person out.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aggregator.doctor.findings import Finding, Report

WAIT_S_DEFAULT = 10.0
TABLE_WIDTH = 160  # Of what goes into a file; a terminal has its own.


def doctor_command(
    feeds: Annotated[
        list[str] | None, typer.Argument(help="Only these, like bybit:linear; else the enabled.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=1, max=120, help="Seconds to wait for the first data.")
    ] = WAIT_S_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a feed.")] = False,
    address: Annotated[
        str,
        typer.Option(help="Call this server of `rialto venues` instead (RIALTO_VENUES_ADDRESS)."),
    ] = "",
) -> None:
    """Tell, venue by venue, what works from here; exit code 0 if everything does."""
    # Here, so that other commands need not wait for them.
    import msgspec

    from aggregator.doctor.rounds import examine_all, unknown_feeds
    from shared.settings import load_settings

    settings = load_settings()
    chosen = feeds or list(settings.feeds)
    for sentence in unknown_feeds(chosen):
        typer.echo(sentence, err=True)
        raise typer.Exit(1)
    where = address or settings.stand_in_address
    reports = asyncio.run(examine_all(settings, chosen, where, wait))
    if as_json:
        for report in reports:
            typer.echo(msgspec.json.encode(report).decode())
    else:
        _show(reports, where)
    if not all(report.is_working for report in reports):
        raise typer.Exit(1)


def _show(reports: "list[Report]", address: str) -> None:
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from aggregator.doctor.findings import Outcome, Step, age_sentence

    table = Table("feed", "pair", *(step.value for step in Step), box=None, pad_edge=False)
    for report in reports:
        table.add_row(report.feed, report.pair, *(_cell(report.of(step)) for step in Step))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = TABLE_WIDTH
    if address:
        typer.echo(f"Examined by way of {address}, which stands in for all venues.")
    console.print(table)
    today = datetime.now(UTC).date()
    for report in reports:
        said = [finding.sentence for finding in report.findings if finding.sentence]
        for sentence in dict.fromkeys([*said, age_sentence(report, today)]):
            if sentence:
                typer.echo(f"{report.feed}: {sentence}")
    names = [report.of(Step.NAME).outcome for report in reports]
    if names and all(outcome is Outcome.FAILED for outcome in names):
        typer.echo("No name of any venue is found: this machine has no internet, or no DNS.")
    working = sum(report.is_working for report in reports)
    typer.echo(f"{working} of {len(reports)} feeds work from here.")


def _cell(finding: "Finding") -> str:
    if finding.outcome.value == "failed":
        return "FAILED"
    took = f" {finding.took_ms} ms" if finding.took_ms >= 0 else ""
    return f"{finding.outcome.value}{took}"
