"""How requests about money are read, and the answer to one that is on its way.

The rule of this file: text in, atoms and numbers out, exactly, or an ApiError that names the field.
"""

import re
from collections.abc import Sequence

from fastapi import Response

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.edge.params import integer
from api.money.docs import PAGE_DEFAULT, PAGE_MAX
from api.orders.fields import amount_of
from api.reads.catalog import Catalog
from shared.messages import Asset
from shared.money import parse_decimal
from shared.rest.money import MoneyAccepted
from shared.rest.texts import INTEGER_MAX

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def atoms_of(amount: str, asset: Asset) -> int:
    """Return an amount above zero in atoms."""
    atoms = amount_of("amount", lambda: parse_decimal(amount, asset.scale))
    if atoms == 0:
        raise ApiError("INVALID_AMOUNT", field="amount")
    return atoms


def check_line(text: str, field: str, code: str, *, most: int) -> None:
    """Raise ApiError `code` unless the text is one line that is not blank."""
    if not text.strip() or len(text) > most or not text.isprintable():
        raise ApiError(code, field=field)


def withdrawal_id_of(text: str) -> int:
    """Return the number; one that cannot be gets the same answer as an unknown one."""
    if not _NUMBER.fullmatch(text) or int(text) > INTEGER_MAX:
        raise ApiError("UNKNOWN_WITHDRAWAL", field="withdrawal_id")
    return int(text)


def limit_of(given: dict[str, str]) -> int:
    return integer(given, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)


def account_in(given: dict[str, str]) -> int:
    """Return the account of a filter, 0 for any."""
    return integer(given, "account", 0, least=1)


async def asset_in(given: dict[str, str], catalog: Catalog) -> str:
    """Return the asset of a filter, "" for any; raises ApiError UNKNOWN_ASSET."""
    return (await catalog.asset(given["asset"])).asset if "asset" in given else ""


def word_of(given: dict[str, str], name: str, words: Sequence[str]) -> str:
    """Return one of the words of a filter, "" for any."""
    word = given.get(name, "")
    if name in given and word not in words:
        raise ApiError("INVALID_PARAMETER", f"{name} is one of {', '.join(words)}.", field=name)
    return word


def accepted(n: int, url: str, key: str = "") -> Response:
    """Return the 202 for a command that is journal entry `n`."""
    body = MoneyAccepted("ACCEPTED", n, key, url)
    headers = {"Location": url} | ({"Idempotency-Key": key} if key else {})
    return answer(body, 202, headers)
