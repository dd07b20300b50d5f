"""The JSON schemas of the messages, from the types.

The rule of this file: whatever is in a schema comes from the type, its docstring, or the table of
`fields`.
"""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, json

from shared.feed.contract.fields import DECIMAL, described, is_decimal

_REF = "#/components/schemas/{name}"


def name_of(kind: type[Struct]) -> str:
    """Return what the type is called in the document."""
    return kind.__name__


def tag_of(kind: type[Struct]) -> str:
    """Return the value of `op` or `type` in messages of this type, "" where it has none."""
    return str(kind.__struct_config__.tag or "")


def sentence_of(kind: type[Struct]) -> str:
    """Return the first sentence of what the type says of itself."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return re.split(r"(?<=\.) ", text)[0]


def schemas_of(kinds: Iterable[type[Struct]]) -> dict[str, Any]:
    """Return the schemas of these types and of those inside them, by name."""
    _, schemas = json.schema_components(kinds, ref_template=_REF)
    for name, schema in schemas.items():
        schema["description"] = inspect.cleandoc(schema["description"])
        for field, part in schema["properties"].items():
            _complete(name, field, part)
    return dict(sorted(schemas.items()))


def _complete(kind: str, field: str, part: dict[str, Any]) -> None:
    if len(part.get("enum", ())) == 1:  # The tag.
        part["const"] = part.pop("enum")[0]
        return
    if not any("description" in inner for inner in (part, *part.get("anyOf", ()))):
        part["description"] = described(kind, field)
    if is_decimal(kind, field):
        part["pattern"] = DECIMAL
