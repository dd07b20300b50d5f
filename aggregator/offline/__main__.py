"""`python -m aggregator.offline`: the venues' server as a service. The composition root of it."""

import sys

import typer

from aggregator.offline.commands import venues_command
from shared.logs import configure_logs
from shared.settings import SettingsError, load_settings

if __name__ == "__main__":
    try:
        configure_logs(load_settings())
    except SettingsError as error:
        sys.exit(str(error))
    typer.run(venues_command)
