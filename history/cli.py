"""What whoever stands at the machine asks of the history; `rialto` offers it.

The rule of this file: it joins what the rooms offer, and does nothing itself.
"""

from history.bench.errors import BenchError
from history.bench.klines import Asked
from history.bench.places import own_database
from history.bench.run import run_klines, run_writing
from history.bench.writing import Written

__all__ = ["Asked", "BenchError", "Written", "own_database", "run_klines", "run_writing"]
