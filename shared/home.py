"""Where things lie in RIALTO_HOME. The rule of this file: nobody else spells a file name of it.

A service gets the folder from its settings; nothing here creates it or writes to it.
"""

import json
import os
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


def vault_key(home: Path) -> Path:
    """The keys that seal secrets in the users' database: only the gateway reads it."""
    return secrets_dir(home) / "vault.key"


def password_pepper(home: Path) -> Path:
    """A key that an operator may put here, without which no stored password can be tried."""
    return secrets_dir(home) / "password_pepper"


def users_database(home: Path) -> Path:
    return home / "users.db"


def history_database(home: Path) -> Path:
    """The history, unless a server has it."""
    return home / "history.db"


def history_lock(home: Path) -> Path:
    """Held by who brings the history's database to its present form."""
    return home / "history.lock"


def run_file(home: Path) -> Path:
    """The note of the run that is alive: its process, its Redis, its ports."""
    return home / "run.json"


def read_run_redis_url(home: Path) -> str | None:
    """Return the Redis URL of the run that is alive in `home`, or None when there is none: the note
    of a run that was killed names a port that may be somebody else's by now.
    """
    run = _read_run(home)
    url = run.get("redis_url") if run is not None else None
    return url if isinstance(url, str) and url else None


def read_run_ports(home: Path) -> dict[str, int] | None:
    """Return the ports of the run that is alive in `home`, by service; None: there is none."""
    run = _read_run(home)
    ports = run.get("ports") if run is not None else None
    if not isinstance(ports, dict):
        return None
    return {name: port for name, port in ports.items() if type(port) is int}


def _read_run(home: Path) -> dict[str, object] | None:
    try:
        run = json.loads(run_file(home).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return run if isinstance(run, dict) and _is_alive(run.get("pid")) else None


def _is_alive(pid: object) -> bool:
    if type(pid) is not int or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
