"""Redis scripts: kept as .lua files beside the code that owns them, run by EVALSHA.

The rule of this file: a script is sent by its hash; its text travels once per server start.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

FLAGS_SINCE = 7  # The major version of Redis from which scripts carry flags.


@dataclass(frozen=True)
class Script:
    """A script's text and the SHA-1 by which EVALSHA names it."""

    text: bytes
    sha: str


def load_script(package: str, name: str, *, flags: str = "") -> Script:
    """Read `package`/lua/`name`.lua; `flags` (such as "allow-oom") need Redis 7 or later."""
    text = resources.files(package).joinpath("lua", f"{name}.lua").read_bytes()
    if flags:
        text = f"#!lua flags={flags}\n".encode() + text
    return Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
