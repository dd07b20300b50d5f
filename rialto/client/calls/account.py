"""Calls about what an account has. The rule of this file: one function for each route."""

from rialto.client.call import Call
from shared.rest.account import Balances


def balances(*, min_sequence: int | None = None) -> Call[Balances]:
    """Return what is available and held of every asset, at one sequence."""
    return Call("GET", "/api/v1/balances", Balances, query={"min_sequence": min_sequence})
