"""One setting seen from outside: its name, bounds, help, and how a text becomes its value.

The rule of this file: it knows no setting by name. `settings.py` declares them; this reads them.
"""

import re
from typing import Any, NamedTuple, get_type_hints
from urllib.parse import urlsplit

import msgspec
import msgspec.inspect

PREFIX = "RIALTO_"
SECRET = {"secret": True}
BOOLS = {"true": True, "1": True, "yes": True, "on": True} | {
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")  # ASCII only, and short enough to be no attack.
UNITS = {"ms": "milliseconds", "s": "seconds"}


class SettingsError(Exception):
    """A setting cannot be used; the text is one sentence for the person who typed it."""


class Field(NamedTuple):
    """What there is to know about one setting."""

    name: str
    annotation: Any
    type: msgspec.inspect.Type
    default: str | int | bool
    description: str
    secret: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def unit(self) -> str:
        """The unit that the name ends in, in full, or nothing."""
        return UNITS.get(self.name.rpartition("_")[2], "")

    @property
    def allowed(self) -> str:
        """What a value must be, as the end of the sentence `it must be ...`."""
        match self.type:
            case msgspec.inspect.IntType(ge=low, le=high):
                return f"a whole number from {low} to {high}"
            case msgspec.inspect.BoolType():
                return "true or false"
            case msgspec.inspect.LiteralType(values=values):
                return "one of " + ", ".join(map(str, values))
            case msgspec.inspect.StrType(pattern=str(pattern)):
                return f"text like {pattern}"
            case msgspec.inspect.StrType(min_length=int()):
                return "text that is not empty"
        return "text"

    def parse(self, text: str) -> object:
        """Return what a text of the environment or the command line stands for."""
        match self.type:
            case msgspec.inspect.BoolType():
                return BOOLS.get(text.strip().lower(), text)
            case msgspec.inspect.IntType():
                return int(text) if WHOLE_NUMBER.fullmatch(text.strip()) else text
        return text

    def check(self, value: object, source: str) -> object:
        """Return the value if it is of the right type and within bounds, or raise SettingsError."""
        try:
            return msgspec.convert(value, self.annotation, strict=True)
        except msgspec.ValidationError:
            shown = redact_url(str(value)) if self.secret else value
            sentence = f"{self.name} must be {self.allowed}, not {shown!r} (from {source})."
            raise SettingsError(sentence) from None


def describe(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """Return every field of a settings struct by name, in the order of declaration."""
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType), "settings are a struct"
    hints = get_type_hints(struct, include_extras=True)
    return {field.name: _describe(field, hints[field.name]) for field in info.fields}


def _describe(field: msgspec.inspect.Field, annotation: Any) -> Field:
    meta = field.type
    assert isinstance(meta, msgspec.inspect.Metadata), f"{field.name} has no description"
    description = (meta.extra_json_schema or {})["description"]
    is_secret = meta.extra == SECRET
    return Field(field.name, annotation, meta.type, field.default, description, is_secret)


def redact_url(url: str) -> str:
    """Return the URL without its password; a URL that cannot be read is starred out whole."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return "***"
    query = "***" if parts.query else ""
    netloc = parts.netloc
    if password is not None:
        user, _, host = netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:***@{host}"
    return parts._replace(netloc=netloc, query=query).geturl()
