"""What goes wrong with Parquet days. The rule of this file: one sentence for a person each."""


class ParquetError(Exception):
    """A day cannot be written, is not whole, or is not what the database has."""
