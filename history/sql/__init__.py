"""The history in SQL: its tables, how it is opened, written and read."""
