"""Whole numbers of any size in SQL: the sums of a candle can pass what 64 bits hold.

The rule of this file: exact or refused. PostgreSQL has a type for it. SQLite rounds a number that
it finds too large, so there it is text, in a column that converts nothing.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DIGITS_MAX = 38  # The largest amounts there are, ten million million million times.


class _AsItIs(sa.types.UserDefinedType[Any]):
    """A column of SQLite that keeps numbers and text as they come."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "BLOB"


class Wide(sa.types.TypeDecorator[int]):
    """An int of up to 38 digits. Add them up in Python: SQLite adds text as rounded numbers."""

    impl = sa.Numeric(DIGITS_MAX, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type of the column."""
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(_AsItIs() if is_sqlite else sa.Numeric(DIGITS_MAX, 0))

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> Any:
        """Return it as the driver takes it."""
        if value is None:
            return None
        return sqlite_wide(value) if dialect.name == "sqlite" else Decimal(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:
        """Return the int that was stored."""
        return None if value is None else int(value)


def sqlite_wide(value: int) -> int | str:
    """Return a number as SQLite stores it exactly."""
    return value if INT64_MIN <= value <= INT64_MAX else str(value)
