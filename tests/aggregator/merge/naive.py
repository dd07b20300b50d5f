"""Consolidated books reckoned the long way: everything from the start, with fractions.

The rule of this file: nothing of `aggregator.merge` is used, so that a mistake there is none here.
A book is two dicts, from price to quantity, both fractions.
"""

from fractions import Fraction
from itertools import permutations
from typing import NamedTuple

Levels = dict[Fraction, Fraction]


class NaiveBook(NamedTuple):
    bids: Levels
    asks: Levels
    fee: Fraction = Fraction(0)


def consolidated(books: dict[str, NaiveBook], side: str) -> dict[Fraction, dict[str, Fraction]]:
    """Return what each book has at each price."""
    prices: dict[Fraction, dict[str, Fraction]] = {}
    for name in sorted(books):
        for price, quantity in getattr(books[name], side).items():
            prices.setdefault(price, {})[name] = quantity
    return prices


def best_after_fees(books: dict[str, NaiveBook]) -> tuple[Fraction | None, Fraction | None]:
    bids = [price * (1 - book.fee) for book in books.values() for price in book.bids]
    asks = [price * (1 + book.fee) for book in books.values() for price in book.asks]
    return max(bids, default=None), min(asks, default=None)


def profits(books: dict[str, NaiveBook]) -> dict[tuple[str, str], tuple[Fraction, Fraction]]:
    """Return quantity and profit by (where to buy, where to sell), of those that leave any."""
    found = {}
    for buy, sell in permutations(books, 2):
        quantity, profit = _profit(books[buy], books[sell])
        if profit:
            found[buy, sell] = quantity, profit
    return found


def _profit(buy: NaiveBook, sell: NaiveBook) -> tuple[Fraction, Fraction]:
    asks, bids = dict(buy.asks), dict(sell.bids)
    quantity = profit = Fraction(0)
    while asks and bids:
        ask, bid = min(asks), max(bids)
        gained = bid * (1 - sell.fee) - ask * (1 + buy.fee)
        if gained <= 0:
            break
        taken = min(asks[ask], bids[bid])
        quantity, profit = quantity + taken, profit + taken * gained
        for levels, price in ((asks, ask), (bids, bid)):
            levels[price] -= taken
            if not levels[price]:
                del levels[price]
    return quantity, profit
