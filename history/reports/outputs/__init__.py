"""The forms that a report takes: a table, CSV, Parquet, a page, JSON."""
