"""Parquet: exact columns; amounts are decimals, times are nanoseconds of UTC, days are dates.

The rule of this file: no float. Everything else that is known of the report is in the metadata of
the file, as JSON: `rialto.report` and `rialto.outcome`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, BinaryIO

from msgspec import json

from history.reports.form import Cell, Heading, Kind, Outcome, Row, date_of
from history.reports.outputs.json_form import concluded, described
from shared.money import SCALE_MAX

GROUP_ROWS = 65_536  # Of a row group: some MB in memory, and well packed.
DIGITS_MAX = 38
DECIMALS = SCALE_MAX + 2  # An average price has two more than a price.


class ParquetOutput:
    """Writes to a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writer: Any = None
        self._schema: Any = None
        self._kinds: list[Kind] = []
        self._rows: list[Row] = []

    def begin(self, heading: Heading) -> None:
        # It takes a third of a second to load, which nobody else has to wait for.
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {
            Kind.TEXT: pa.string(),
            Kind.COUNT: pa.int64(),
            Kind.DECIMAL: pa.decimal128(DIGITS_MAX, DECIMALS),
            Kind.TIME: pa.timestamp("ns", tz="UTC"),
            Kind.DAY: pa.date32(),
        }
        self._kinds = [column.kind for column in heading.columns]
        fields = [pa.field(column.name, kinds[column.kind]) for column in heading.columns]
        self._schema = pa.schema(
            fields, metadata={"rialto.report": json.encode(described(heading))}
        )
        self._writer = pq.ParquetWriter(self._file, self._schema)

    def rows(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def end(self, outcome: Outcome) -> None:
        self._flush()
        self._writer.add_key_value_metadata({"rialto.outcome": json.encode(concluded(outcome))})
        self._writer.close()
        self._file.flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa

        columns = zip(*self._rows, strict=True)
        arrays = [
            pa.array([_value(cell, kind) for cell in column], type=field.type)
            for column, kind, field in zip(columns, self._kinds, self._schema, strict=True)
        ]
        self._writer.write_table(pa.table(arrays, schema=self._schema))
        self._rows = []


def _value(cell: Cell, kind: Kind) -> Any:
    if cell is None:
        return None
    if kind is Kind.DECIMAL:
        return Decimal(cell)
    if kind is Kind.DAY:
        assert isinstance(cell, int), "a day is a number of days"
        return date_of(cell)
    return cell
