"""Since when the database has everything: older days may be in Parquet files alone.

The rule of this file: it reads the note that whoever let rows go has left beside the files.
"""

from pathlib import Path

from history.projection.intervals import DAY_S, SECOND_NS
from history.reports.source import ReportError
from history.sql.retired import RetiredError, whole_since_day


def kept_from(folder: Path) -> int:
    """Return when the first day begins that is whole in the database, 0 if all are; raises
    ReportError.
    """
    try:
        return whole_since_day(folder) * DAY_S * SECOND_NS
    except RetiredError as error:
        raise ReportError(str(error)) from error
