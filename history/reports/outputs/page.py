"""A page for people: one HTML file that needs nothing else, light or dark, and good on paper.

The rule of this file: no script, nothing from elsewhere, and every text of it is escaped.
"""

import tempfile
from collections.abc import Sequence
from html import escape
from typing import IO, BinaryIO

from history.reports.form import Heading, Outcome, Row, time_text
from history.reports.outputs.page_rows import PageRows

SPOOL_SIZE_MAX = 8 * 1024 * 1024  # Of rows that wait for the totals above them; then on disk.
COPIED = 1024 * 1024

_STYLE = """\
:root { color-scheme: light dark; --line: #d5d9e0; --dim: #5b6472; --well: #10713c;
  --ill: #b3261e; --head: #f3f5f8; --back: #ffffff; --ink: #14181f; }
@media (prefers-color-scheme: dark) { :root { --line: #323a46; --dim: #9aa5b5; --well: #5fd08d;
  --ill: #ff8a80; --head: #1b2129; --back: #11151b; --ink: #e6eaf0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem; max-width: 120rem; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p, li { max-width: 75ch; }
.of { color: var(--dim); margin: .25rem 0 0; }
.well { color: var(--well); font-weight: 600; }
.ill { color: var(--ill); font-weight: 700; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: top; }
tr { border-bottom: 1px solid var(--line); }
tbody tr:has(+ tr) { border-bottom: 0; }
#totals tr { border-bottom: 1px solid var(--line); }
td, dd { min-width: 4ch; overflow-wrap: anywhere; }
thead th { background: var(--head); border-bottom: 2px solid var(--line);
  vertical-align: bottom; }
.number, .time, .word { white-space: nowrap; }
th.number, td.number { text-align: right; }
dl { display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; margin: 0 0 .3rem 1.5rem; }
dl div { display: flex; gap: .4rem; }
dt { color: var(--dim); white-space: nowrap; }
dd { margin: 0; }
@media print {
  :root { --line: #bbb; --dim: #444; --well: #000; --ill: #000; --head: #eee; --back: #fff;
    --ink: #000; }
  body { padding: 0; font-size: 9pt; max-width: none; }
  .wide { overflow: visible; }
  #rows { font-size: 7pt; line-height: 1.35; }
  #rows th, #rows td { padding: 1.5pt 4pt; }
  thead { display: table-header-group; }
  #rows tbody, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  @page { size: A4 landscape; margin: 12mm; }
}
"""


class PageOutput:
    """Writes to a binary file, at the end: what the report comes to stands above its rows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._heading: Heading | None = None
        self._rows: PageRows | None = None
        self._spool: IO[bytes] | None = None
        self._count = 0

    def begin(self, heading: Heading) -> None:
        self._heading = heading
        self._rows = PageRows(heading)
        self._spool = tempfile.SpooledTemporaryFile(SPOOL_SIZE_MAX)  # noqa: SIM115

    def rows(self, rows: Sequence[Row]) -> None:
        assert self._rows is not None, "a report begins before its rows"
        assert self._spool is not None, "a report begins before its rows"
        for row in rows:
            self._spool.write(self._rows.lines(row).encode())
        self._count += len(rows)

    def end(self, outcome: Outcome) -> None:
        assert self._heading is not None, "a report begins before it ends"
        assert self._rows is not None, "a report begins before it ends"
        assert self._spool is not None, "a report begins before it ends"
        self._write(_head(self._heading), _verdict(outcome), _totals(outcome))
        self._write(_rows_head(self._rows, self._count))
        self._spool.seek(0)
        while piece := self._spool.read(COPIED):
            self._file.write(piece)
        self._spool.close()
        self._write("</table></div>\n", _left_out(self._rows, self._count))
        self._write(_words(self._heading), "</body>\n</html>\n")
        self._file.flush()

    def _write(self, *texts: str) -> None:
        for text in texts:
            self._file.write(text.encode())


def _head(heading: Heading) -> str:
    title = escape(heading.title)
    limits = "".join(f"; {escape(name)} {escape(value)}" for name, value in heading.asked)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}, {time_text(heading.as_of_ns)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="of">As of <time>{time_text(heading.as_of_ns)}</time> of the journal, event
{heading.sequence}{limits}</p>
<p class="of">Generated at <time>{time_text(heading.generated_at_ns)}</time></p>
"""


def _verdict(outcome: Outcome) -> str:
    lines = [
        f'<li class="{"well" if check.is_well else "ill"}">{escape(check.says)}</li>'
        for check in outcome.checks
    ]
    lines += [f"<li>{escape(note)}</li>" for note in outcome.notes]
    if not lines:
        return ""
    word = "Reconciled" if outcome.is_well else "NOT reconciled"
    head = f"<h2>{word}</h2>\n" if outcome.checks else "<h2>Notes</h2>\n"
    return f"{head}<ul>\n{''.join(f'{line}{chr(10)}' for line in lines)}</ul>\n"


def _totals(outcome: Outcome) -> str:
    if not outcome.totals:
        return ""
    lines = "".join(
        f"<tr><td>{escape(total.of)}</td><td>{escape(total.name)}</td>"
        f'<td class="number">{escape(total.value)}</td></tr>\n'
        for total in outcome.totals
    )
    return f'<h2>Totals</h2>\n<table id="totals"><tbody>\n{lines}</tbody></table>\n'


def _rows_head(rows: PageRows, count: int) -> str:
    title = f"<h2>Rows: {count}</h2>\n"
    names = f"<thead><tr>{rows.names()}</tr></thead>\n"
    return f'{title}<div class="wide"><table id="rows">{names}'


def _left_out(rows: PageRows, count: int) -> str:
    names = ", ".join(rows.left_out())
    return f'<p class="of">No row has: {escape(names)}.</p>\n' if count and names else ""


def _words(heading: Heading) -> str:
    lines = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in heading.definition)
    return f"<h2>What this is</h2>\n{lines}"
