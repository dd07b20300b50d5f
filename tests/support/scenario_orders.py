"""How a scenario says an order: its quantity, and then words in any order.

    1 @ 100                    a limit order       shows 2            an iceberg's display
    5 market                   a market order      post-only
    market budget 70           by quote budget     ioc, fok           time in force
    5 stop 90                  a stop              gtd 5s             until 5 s from now
    5 @ 91 stop 90             a stop-limit        self-trade decrement
    5 trail 3                  a trailing stop     reject-if-met
    5 trail 2%                 the same by share

The rule of this file: every word is one field of `PlaceOrder`, and the type follows from them.
"""

from typing import Any

from shared.messages import OrderType, PlaceOrder, SelfTrade, Side, TimeInForce

MARKET = "BTC_USD"
ACCOUNTS = {name: number for number, name in enumerate(("alice", "bob", "carol", "dave"), 1)}
PPM_PER_PERCENT = 10_000
UNITS = {"s": 1_000_000_000, "ms": 1_000_000}


def span_ns(text: str) -> int:
    """Return `5s` or `20ms` in nanoseconds, `0` as it is."""
    number = text.rstrip("ms")
    return int(number) * UNITS[text[len(number) :]] if text != "0" else 0


def order_of(
    side: Side, name: str, label: str, words: tuple[str, ...], now_ns: int = 0
) -> PlaceOrder:
    """Return the order that the words say."""
    fields: dict[str, Any] = {}
    said = list(words)
    if said[0].lstrip("-").isdigit():
        fields["quantity_lots"] = int(said.pop(0))
    while said:
        fields |= _read(said.pop(0), said, now_ns)
    return PlaceOrder(
        account_id=ACCOUNTS[name],
        client_order_id=label[1:],
        market=MARKET,
        side=side,
        type=_type_of(words),
        **fields,
    )


def _read(word: str, said: list[str], now_ns: int) -> dict[str, Any]:
    match word:
        case "@":
            return {"price_ticks": int(said.pop(0))}
        case "stop":
            return {"stop_price_ticks": int(said.pop(0))}
        case "budget":
            return {"budget_atoms": int(said.pop(0))}
        case "shows":
            return {"display_lots": int(said.pop(0))}
        case "trail":
            distance = said.pop(0)
            if distance.endswith("%"):
                return {"trail_ppm": int(distance[:-1]) * PPM_PER_PERCENT}
            return {"trail_ticks": int(distance)}
        case "gtd":
            expires_at_ns = now_ns + span_ns(said.pop(0))
            return {"time_in_force": TimeInForce.GTD, "expires_at_ns": expires_at_ns}
        case "ioc" | "fok" | "gtc":
            return {"time_in_force": TimeInForce(word)}
        case "post-only":
            return {"post_only": True}
        case "reject-if-met":
            return {"reject_if_met": True}
        case "self-trade":
            return {"self_trade": SelfTrade(said.pop(0))}
        case "market":
            return {}
        case _:
            raise AssertionError(f"No order has the word {word}.")


def _type_of(words: tuple[str, ...]) -> OrderType:
    if "trail" in words:
        return OrderType.TRAILING_STOP
    if "stop" in words:
        return OrderType.STOP_LIMIT if "@" in words else OrderType.STOP
    return OrderType.MARKET if "market" in words else OrderType.LIMIT
