"""What `rialto` takes from the history: its commands, and the parts of benchmarks and drills.

The rule of this file: it joins what the rooms offer, and does nothing itself.
"""

import typer

from history.backup.agreement import compare_history
from history.backup.commands import backup_command, restore_into
from history.backup.errors import BackupError
from history.backup.restoring import check_redis
from history.bench.errors import BenchError
from history.bench.klines import Asked
from history.bench.places import own_database
from history.bench.run import run_klines, run_writing
from history.bench.writing import Written
from history.parquet.commands import app as parquet_app
from history.reports.commands import report_command

__all__ = [
    "Asked",
    "BackupError",
    "BenchError",
    "Written",
    "app",
    "backup_command",
    "check_redis",
    "compare_history",
    "own_database",
    "report_command",
    "restore_into",
    "run_klines",
    "run_writing",
]

app = typer.Typer(help="The history of trades, orders and candles.", no_args_is_help=True)
app.add_typer(parquet_app, name="parquet")
