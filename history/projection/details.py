"""Events as JSON with names, for people and for reports.

The rule of this file: messages travel as arrays; whoever reads a database finds names.
"""

from typing import Any

from msgspec import Struct, json, structs


def details_of(message: Struct) -> str:
    """Return a message as a JSON object, whatever is in it by name too."""
    return json.encode(_named(message)).decode()


def _named(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _named(each) for name, each in structs.asdict(value).items()}
    if isinstance(value, tuple | list):
        return [_named(each) for each in value]
    return value
