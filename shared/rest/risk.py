"""The live risk view, as an operator reads it.

The rule of this file: shapes only; prices, quantities and amounts are decimal text, all else whole
numbers.
"""

from msgspec import Struct


class Reach(Struct, frozen=True):
    """Which part of the past was looked at: `commands` of it, in journal time.

    `is_complete` is false when it does not go back as far as was asked: the events of before are
    not kept here any more, or there were too many to look at.
    """

    from_at_ns: int
    to_at_ns: int
    commands: int
    is_complete: bool


class MarketRisk(Struct, frozen=True, kw_only=True):
    """A market now, and what happened in it: `volume` in base, `turnover` in quote. `rejects` are
    counted by the rule that refused; `band_hits` are those by the price band.
    """

    market: str
    status: str
    last_price: str | None
    trades: int
    volume: str
    turnover: str
    rejects: dict[str, int]
    band_hits: int
    volatility_halts: int


class Holding(Struct, frozen=True):
    """What an account has of an asset. `value` is what all of it is worth in the quote asset at
    the last price, rounded down; null without a price.
    """

    account_id: int
    available: str
    held: str
    total: str
    value: str | None


class Exposure(Struct, frozen=True, kw_only=True):
    """What an account has at stake, in the quote asset at last prices, each asset rounded down.

    `value` is of all that it has, `held_value` of what orders hold; assets without a price count
    nothing and are named in `unpriced`. The notionals are what its open and pending orders would
    trade at their own prices; they are null when it has too many orders to add up.
    """

    account_id: int
    username: str | None
    value: str
    held_value: str
    unpriced: list[str]
    open_orders: int
    buy_notional: str | None
    sell_notional: str | None


class RiskView(Struct, frozen=True, kw_only=True):
    """Markets with what happened in `reach`; the largest holders of each asset; and of them those
    with the most at stake. Each account's holdings are of one instant, the last of them `sequence`.
    """

    quote: str
    sequence: int
    reach: Reach
    markets: list[MarketRisk]
    rejects_elsewhere: dict[str, int]
    holders: dict[str, list[Holding]]
    exposures: list[Exposure]
