"""Days as Parquet files: what is over for good, outside the database and of any program's reach."""
