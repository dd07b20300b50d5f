"""What every answer is that is not a success.

The rule of this file: one shape for all of them.
"""

from msgspec import Struct


class ErrorBody(Struct, frozen=True):
    """The body of every answer that is not a success. `field` names the part at fault, or is ""."""

    code: str
    message: str
    field: str
    request_id: str
