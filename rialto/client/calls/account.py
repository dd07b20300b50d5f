"""Calls about accounts and what they have. The rule of this file: one function for each route."""

from rialto.client.call import Call, part
from shared.rest.account import Balances
from shared.rest.identity import AccountBody, AccountList, AccountView

_ACCOUNTS = "/api/v1/accounts"


def balances(*, min_sequence: int | None = None) -> Call[Balances]:
    """Return what is available and held of every asset, at one sequence."""
    return Call("GET", "/api/v1/balances", Balances, query={"min_sequence": min_sequence})


def accounts() -> Call[AccountList]:
    """Return your accounts, the oldest first."""
    return Call("GET", _ACCOUNTS, AccountList)


def create_account(label: str) -> Call[AccountView]:
    """Open another account; `refresh` with its number makes it the one that calls are about."""
    return Call("POST", _ACCOUNTS, AccountView, AccountBody(label))


def rename_account(account_id: int, label: str) -> Call[AccountView]:
    """Call an account something else."""
    path = f"{_ACCOUNTS}/{part('account_id', account_id)}"
    return Call("PATCH", path, AccountView, AccountBody(label))
