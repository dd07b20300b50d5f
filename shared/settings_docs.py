"""The pages that are made from the declaration of the settings: nobody writes them by hand.

`make docs` writes them; a test compares them with the files.
"""

from pathlib import Path

from shared.settings import FIELDS
from shared.settings_fields import Field

CONFIGURATION = "docs/CONFIGURATION.md"
ENV_EXAMPLE = ".env.example"

HEAD = """\
# Configuration

Made from `shared/settings.py` by `make docs`: change the declaration there, not this page.

A value is taken from the last of these that has one:

1. the default;
2. `rialto.toml` in the current directory, or the file that `RIALTO_CONFIG` names:
   one `name = value` a line;
3. the environment: `RIALTO_` and the name in capitals (an empty variable counts as not set);
4. a flag of the command line.

`rialto config show` prints every value with its source. A name that is no setting, or a value out
of bounds, stops the program with one sentence. Passwords inside URLs are never printed or logged.

| name | default | must be | what it is |
|---|---|---|---|
"""

TAIL = """
## rialto.toml

```toml
api_port = 9000
log = "info,engine.service=debug"
docs_enabled = false
```

## What is not a setting

`RIALTO_CONFIG` names another file than `rialto.toml`. `RIALTO_TEST_DATA` or `RIALTO_DATA` tells the
tests where the recorded data lies. `REDIS_URL` is read where `RIALTO_REDIS_URL` is not set.
"""

ENV_HEAD = """\
# The settings of Rialto as environment variables, each with its default. Copy this file to .env,
# uncomment what you change, and load it with `set -a; . ./.env; set +a` before `make up`.
# docs/CONFIGURATION.md says what each means.
"""


def configuration_page() -> str:
    """Return the text of docs/CONFIGURATION.md."""
    return HEAD + "".join(map(_row, FIELDS.values())) + TAIL


def env_example() -> str:
    """Return the text of .env.example."""
    return ENV_HEAD + "".join(map(_variable, FIELDS.values()))


def write_pages(root: Path) -> None:
    """Write both pages below the repository's root."""
    (root / CONFIGURATION).write_text(configuration_page(), encoding="utf-8")
    (root / ENV_EXAMPLE).write_text(env_example(), encoding="utf-8")


def _row(field: Field) -> str:
    default = f"`{_plain(field)}`" if field.default != "" else "empty"
    allowed = field.allowed.replace("|", "\\|").replace("text like ", "")
    allowed = f"`{allowed}`" if allowed.startswith("^") else allowed
    unit = f", in {field.unit}" if field.unit else ""
    return f"| `{field.name}` | {default} | {allowed}{unit} | {field.description} |\n"


def _variable(field: Field) -> str:
    return f"\n# {field.description}\n# {field.variable}={_plain(field)}\n"


def _plain(field: Field) -> str:
    value = field.default
    return str(value).lower() if isinstance(value, bool) else str(value)
