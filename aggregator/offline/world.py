"""What coins are worth in the simulation: one seeded walk a coin, the same for all venues.

The rule of this file: the time is given and only moves forward; the same seed and the same times
give the same prices.
"""

from random import Random

from aggregator.offline.grain import whole

PARTS = 10_000_000  # A move is counted in ten-millionths of the price.
QUANTUM_NS = 50_000_000
QUANTA_MAX = 100  # After a long rest the walk goes on from where it was, not through all of it.
STRIDE_MAX = 110  # Per quantum: some 30 millionths in a second, 2 dollars of a bitcoin.
HOMESICKNESS = 50_000  # It is drawn back by this part of the distance, and never runs away.

# Where each coin begins, in millionths of a dollar.
STARTS_MICRO_USD: dict[str, int] = {
    "BTC": 65_110_000_000,
    "ETH": 1_922_400_000,
    "SOL": 77_310_000,
    "XRP": 1_134_500,
    "BNB": 561_800_000,
    "DOGE": 70_540,
    "ADA": 251_300,
    "LTC": 54_870_000,
    "LINK": 9_146_000,
    "AVAX": 6_731_000,
}
# A dollar of each kind, in ten-thousandths of one.
DOLLARS: dict[str, int] = {"USD": 10_000, "USDT": 9_997, "USDC": 10_000}
BASES = tuple(STARTS_MICRO_USD)


class World:
    """The fair price of every coin at a time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._chance = {base: Random(f"{seed}:{base}") for base in BASES}
        self._start = {base: whole(1) * micro // 10**6 for base, micro in STARTS_MICRO_USD.items()}
        self._fair = dict(self._start)
        self._quantum: dict[str, int] = {}

    def fair(self, base: str, quote: str, at_ns: int) -> int:
        """Return what one coin is worth, in units of 10^-18 of `quote`."""
        self._walk(base, at_ns // QUANTUM_NS)
        return self._fair[base] * DOLLARS[quote] // 10_000

    def _walk(self, base: str, quantum: int) -> None:
        begin = self._quantum.get(base, quantum)
        if quantum <= begin:
            self._quantum[base] = begin
            return
        self._quantum[base] = quantum
        chance, home, fair = self._chance[base], self._start[base], self._fair[base]
        for _ in range(min(quantum - begin, QUANTA_MAX)):
            fair += fair * chance.randint(-STRIDE_MAX, STRIDE_MAX) // PARTS
            fair += (home - fair) // HOMESICKNESS
        self._fair[base] = fair
