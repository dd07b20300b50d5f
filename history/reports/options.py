"""What people write after `rialto report`, read.

The rule of this file: a value that is no day or moment is the parser's to refuse; what is wrong in
a file or beyond one word is a ScopeError.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import typer

from history.reports.scope import ScopeError, day_ns, moment_ns

OWNERS_MAX = 1_000_000  # Lines of a list: some hundred MB.


def day(text: str | None) -> str | None:
    """Return a day as it is; raises BadParameter."""
    if text is not None:
        try:
            day_ns(text)
        except ScopeError as error:
            raise typer.BadParameter(f"{error}") from None
    return text


def moment(text: str | None) -> str | None:
    """Return a moment as it is; raises BadParameter."""
    if text is not None:
        try:
            moment_ns(text)
        except ScopeError as error:
            raise typer.BadParameter(f"{error}") from None
    return text


def thresholds_of(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return (market, amount) of `BTC_USD=1000`, and ("", amount) of `1000`."""
    found = []
    for text in texts:
        market, _, amount = text.rpartition("=")
        found.append((market, amount))
    return tuple(found)


def owners_of(path: Path | None) -> tuple[tuple[int, str], ...]:
    """Return (account, owner) of a file, whose first line may be names; raises ScopeError."""
    if path is None:
        return ()
    found: dict[int, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, line in enumerate(csv.reader(file), start=1):
                if not line or (number == 1 and not line[0].strip().isdecimal()):
                    continue
                account, owner = _owner(path, number, line)
                if found.setdefault(account, owner) != owner:
                    raise ScopeError(f"{path}, line {number}: account {account} has two owners.")
                if len(found) > OWNERS_MAX:
                    raise ScopeError(f"{path} has more than {OWNERS_MAX} accounts.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScopeError(f"{path} cannot be read: {error}") from None
    return tuple(found.items())


def _owner(path: Path, number: int, line: list[str]) -> tuple[int, str]:
    account, owner = (line[0].strip(), line[1].strip()) if len(line) == 2 else ("", "")
    if not (account.isascii() and account.isdecimal() and len(account) < 19 and owner):
        raise ScopeError(f"{path}, line {number}: write account,owner, as 7,Ada.")
    return int(account), owner
