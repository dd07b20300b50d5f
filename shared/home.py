"""Where things lie in RIALTO_HOME. The rule of this file: nobody else spells a file name of it.

A service gets the folder from its settings; nothing here creates it or writes to it.
"""

import json
from pathlib import Path


def secrets_dir(home: Path) -> Path:
    """The folder of keys and passwords; only its owner may read it."""
    return home / "secrets"


def token_private_key(home: Path) -> Path:
    """The key that signs access tokens: only the gateway reads it."""
    return secrets_dir(home) / "token_private.pem"


def token_public_key(home: Path) -> Path:
    """The keys that verify access tokens: the gateway writes them, the broadcaster reads."""
    return secrets_dir(home) / "token_public.pem"


def users_database(home: Path) -> Path:
    return home / "users.db"


def run_file(home: Path) -> Path:
    """The note of the run that is alive: its process, its Redis, its ports."""
    return home / "run.json"


def read_run_redis_url(home: Path) -> str | None:
    """Return the Redis URL of the run that is alive in `home`, or None when none is noted there."""
    try:
        run = json.loads(run_file(home).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    url = run.get("redis_url") if isinstance(run, dict) else None
    return url if isinstance(url, str) and url else None
