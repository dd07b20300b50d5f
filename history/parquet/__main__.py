"""`python -m history.parquet`: one round of keeping days, as a process of its own.

The rule of this file: whoever records starts it, so that neither the memory of Arrow nor the work
of a day is the recorder's.
"""

from history.parquet.commands import app

if __name__ == "__main__":
    app()
