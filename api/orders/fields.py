"""How the fields of an order request are read. Pure.

The rule of this file: text and choices in, ticks and lots out, exactly, or an ApiError that names
the field.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from api.edge.errors import ApiError
from shared.markets import parse_price, parse_quantity
from shared.messages import Market
from shared.money import AmountError, parse_decimal

E = TypeVar("E", bound=StrEnum)


# What the grid says of any price and quantity, by the name of the field that it is said of.
_CODE_OF_FIELD = {
    ("stop_price", "INVALID_PRICE"): "INVALID_STOP_PRICE",
    ("trail", "INVALID_PRICE"): "INVALID_TRAIL",
    ("display_quantity", "INVALID_QUANTITY"): "INVALID_DISPLAY_QUANTITY",
}


def amount_of(field: str, parse: Callable[[], int]) -> int:
    """Return what `parse` reads, its AmountError become an ApiError about `field`."""
    try:
        return parse()
    except AmountError as error:
        code = _CODE_OF_FIELD.get((field, error.code), error.code)
        raise ApiError(code, str(error), field=field) from None


def about_part(part: str, error: ApiError) -> ApiError:
    """Return `error`, which is about a part of a request, as one about the request."""
    field = f"{part}.{error.field}" if error.field else part
    return ApiError(
        error.code,
        error.message,
        field=field,
        retry_after_s=error.retry_after_s,
        details=error.details,
    )


def require(value: object, field: str) -> None:
    if value is None:
        raise ApiError("MISSING_FIELD", f"The field {field} is missing.", field=field)


def choice(kind: type[E], text: str, field: str) -> E:
    """Return the word of `kind`, in any case; raises ApiError that lists them."""
    try:
        if not text.isascii():  # Some letters become ASCII ones in lower case.
            raise ValueError
        return kind(text.lower())
    except ValueError:
        *words, last = kind
        choices = f"{', '.join(words)} or {last}"
        raise ApiError("INVALID_FIELD", f"{field} is {choices}.", field=field) from None


def ticks(field: str, text: str | None, market: Market) -> int:
    """Return a price, or a distance of prices, in ticks; 0 for None."""
    return 0 if text is None else amount_of(field, lambda: parse_price(market, text))


def lots(field: str, text: str | None, market: Market, base_scale: int) -> int:
    """Return a quantity in lots, 0 for None."""
    if text is None:
        return 0
    return amount_of(field, lambda: parse_quantity(market, base_scale, text))


def budget_atoms(text: str | None, quote_scale: int) -> int:
    """Return a quote budget in atoms, 0 for None."""
    if text is None:
        return 0
    atoms = amount_of("quote_quantity", lambda: parse_decimal(text, quote_scale))
    if atoms == 0:
        raise ApiError("INVALID_BUDGET", field="quote_quantity")
    return atoms
