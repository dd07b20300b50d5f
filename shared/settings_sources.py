"""Where values of settings come from: rialto.toml, the environment, and flags.

The rule of this file: nobody else reads them. Later ones win, and a name that nobody knows is
refused, whoever says it.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from shared.settings_fields import PREFIX, Field, SettingsError

CONFIG_FILE = "rialto.toml"
CONFIG_VARIABLE = "RIALTO_CONFIG"
# Ours, but no settings: where the file is, and where the tests find their recorded data.
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "RIALTO_DATA", "RIALTO_TEST_DATA"})


class Found(NamedTuple):
    """A value that somebody gave, not checked yet."""

    name: str
    value: object
    source: str


def found_values(
    fields: Mapping[str, Field], environ: Mapping[str, str], flags: Mapping[str, str]
) -> Iterator[Found]:
    """Yield what was given, the weakest first; raises SettingsError."""
    for found in (
        *_from_file(environ),
        *_from_environ(fields, environ),
        *_from_flags(fields, flags),
    ):
        if found.name not in fields:
            raise SettingsError(_unknown(fields, found))
        yield found


def _from_file(environ: Mapping[str, str]) -> list[Found]:
    named = environ.get(CONFIG_VARIABLE)
    path = Path(named or CONFIG_FILE)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{CONFIG_VARIABLE} names {path}, which does not exist.") from None
        return []
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    return [Found(name, value, str(path)) for name, value in table.items()]


def _from_environ(fields: Mapping[str, Field], environ: Mapping[str, str]) -> list[Found]:
    # An empty variable counts as not set: Compose passes variables on whether they exist or not.
    found = []
    if environ.get("REDIS_URL"):
        found.append(Found("redis_url", environ["REDIS_URL"], "REDIS_URL"))
    for variable, text in sorted(environ.items()):
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES and text:
            found.append(_parsed(fields, variable.removeprefix(PREFIX).lower(), text, variable))
    return found


def _from_flags(fields: Mapping[str, Field], flags: Mapping[str, str]) -> list[Found]:
    return [
        _parsed(fields, name, text, "--" + name.replace("_", "-")) for name, text in flags.items()
    ]


def _parsed(fields: Mapping[str, Field], name: str, text: str, source: str) -> Found:
    value = fields[name].parse(text) if name in fields else text
    return Found(name, value, source)


def _unknown(fields: Mapping[str, Field], found: Found) -> str:
    near = difflib.get_close_matches(found.name, fields, n=1)
    if found.source.startswith(PREFIX):
        hint = f"; did you mean {PREFIX}{near[0].upper()}?" if near else "."
        return f"The environment variable {found.source} names no setting{hint}"
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"There is no setting {found.name} (from {found.source}){hint}"
