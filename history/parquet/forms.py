"""Rows as columns of Arrow, and back.

The rule of this file: exact. Integers stay integers, times are nanoseconds in UTC, sums that pass
64 bits are decimals of 38 digits; what is read back is equal to what was written.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from history.sql.wide import DIGITS_MAX, Wide

# pyarrow takes 100 MB and the better part of a second to import: only who writes or reads files
# does, and no service of its own accord.

SCHEMA_VERSION = 1  # Raise it when a column changes its meaning.
ROWS_AT_ONCE = 10_000  # Some MB: few enough to hold, enough for one group of columns.
_NS = "at_ns"


def is_time(column: sa.Column[Any]) -> bool:
    return column.name == _NS or column.name.endswith("_at_ns")


def schema_of(table: sa.Table) -> Any:
    """Return the Arrow schema of a table."""
    import pyarrow as pa

    def type_of(column: sa.Column[Any]) -> Any:
        if is_time(column):
            return pa.timestamp("ns", tz="UTC")
        if isinstance(column.type, Wide):
            return pa.decimal128(DIGITS_MAX, 0)
        kinds = {sa.BigInteger: pa.int64(), sa.String: pa.string(), sa.Boolean: pa.bool_()}
        return kinds[type(column.type)]

    fields = [pa.field(column.name, type_of(column), nullable=False) for column in table.columns]
    about = {"rialto.table": table.name, "rialto.schema_version": str(SCHEMA_VERSION)}
    return pa.schema(fields, metadata=about)


def batch_of(table: sa.Table, schema: Any, rows: Sequence[Sequence[Any]]) -> Any:
    """Return rows as a record batch."""
    import pyarrow as pa

    arrays = []
    for column, field, values in zip(table.columns, schema, zip(*rows, strict=True), strict=True):
        if isinstance(column.type, Wide):
            arrays.append(pa.array([Decimal(value) for value in values], field.type))
        elif is_time(column):
            arrays.append(pa.array(values, pa.int64()).cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def rows_in(path: Path, table: sa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a file as the database has them; raises what pyarrow does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(schema_of(table)):
            raise ValueError(f"it has other columns than {table.name}")
        for batch in file.iter_batches(ROWS_AT_ONCE):
            columns = []
            for column, array in zip(table.columns, batch.columns, strict=True):
                if is_time(column):
                    columns.append(array.cast(pa.int64()).to_pylist())
                elif isinstance(column.type, Wide):
                    columns.append([int(value) for value in array.to_pylist()])
                else:
                    columns.append(array.to_pylist())
            yield from zip(*columns, strict=True)
