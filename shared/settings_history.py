"""The settings of the history: where it is kept, for how long, and where it is asked.

The rule of this file: declarations, as in `settings.py`, of which these are a part.
"""

from typing import Annotated

from msgspec import Meta

from shared.settings_fields import SECRET
from shared.settings_outside import OutsideSettings


class HistorySettings(OutsideSettings, frozen=True, kw_only=True):
    """What `Settings` has of the history, on top of outside exchanges: a struct has one base."""

    history_enabled: Annotated[
        bool,
        Meta(description="Whether `rialto up` runs the history of trades, orders and candles."),
    ] = True
    history_host: Annotated[
        str,
        Meta(min_length=1, description="The history answers the gateway here: keep it private."),
    ] = "127.0.0.1"
    history_port: Annotated[int, Meta(ge=1, le=65_535, description="The port of the history.")] = (
        8070
    )
    history_url: Annotated[
        str,
        Meta(
            description="Where the gateway asks the history, like `http://history:8070`. Empty: at "
            "history_host and history_port."
        ),
    ] = ""
    history_database_url: Annotated[
        str,
        Meta(
            description="The SQL database of the history, a PostgreSQL. Empty: that of "
            "database_url, else the SQLite file history.db in home, which sqlite:// means too.",
            extra=SECRET,
        ),
    ] = ""
    history_kept_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days of trades, orders and statements that stay in the database; older "
            "ones are in Parquet files alone. 0 keeps all.",
        ),
    ] = 0
    parquet_dir: Annotated[
        str, Meta(description="The folder of the days as Parquet files. Empty: parquet in home.")
    ] = ""
    history_outside_enabled: Annotated[
        bool,
        Meta(description="Whether trades, touch and candles of outside exchanges are recorded."),
    ] = False
    history_outside_kept_days: Annotated[
        int,
        Meta(ge=1, le=3_650, description="How many days of outside exchanges stay recorded."),
    ] = 7
