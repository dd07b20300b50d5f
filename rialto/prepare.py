"""`python -m rialto.prepare`: what the containers need before the first of them starts.

The rule of this file: it may run again at every start and changes nothing that is in use. The
secrets of Redis and PostgreSQL are made once; the files that carry them are written from them.
"""

import os
import sys
from pathlib import Path

from rialto.errors import RialtoError
from rialto.home import (
    Home,
    disk_sentences,
    postgres_password,
    redis_password,
    write_private,
)
from rialto.redis_templates import LIMITS_TEMPLATE, TEMPLATE_7
from shared.settings import CONFIG_VARIABLE

PRIVATE_UMASK = 0o077
REDIS_HOST = "redis"  # The name of the service in docker-compose.yml.
LIMITS_HOST = "limits"  # So is this.
POSTGRES_HOST = "postgres"  # And this.
REDIS_PORT = 6379
REDIS_DATA = "/data"  # Where that service has its volume.
POSTGRES_DATA = "/var/lib/postgresql/data"  # So has this one.
POSTGRES_USER = "rialto"  # Of the server and of its one database.


def main() -> int:
    """Write the files into the folder of RIALTO_CONFIG; return the exit code."""
    os.umask(PRIVATE_UMASK)
    config = os.environ.get(CONFIG_VARIABLE)
    if not config:
        sys.stderr.write(f"{CONFIG_VARIABLE} must name the file to write.\n")
        return 1
    try:
        prepare_containers(Path(config))
    except RialtoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def prepare_containers(config: Path) -> None:
    """Write `config` for the services, and beside it redis.conf, limits.conf and the passwords.

    Raises RialtoError when the folder cannot be written.
    """
    folder = Home(config.parent)
    with disk_sentences(folder):
        folder.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        password, for_history = redis_password(folder), postgres_password(folder)
        settings = TEMPLATE_7.substitute(
            version="7 in a container", port=REDIS_PORT, folder=REDIS_DATA, password=password
        )
        write_private(config.parent / "redis.conf", settings)
        limits = LIMITS_TEMPLATE.substitute(port=REDIS_PORT, password=password)
        write_private(config.parent / "limits.conf", limits)
        lines = (
            f'redis_url = "redis://:{password}@{REDIS_HOST}:{REDIS_PORT}/0"\n'
            f'limits_redis_url = "redis://:{password}@{LIMITS_HOST}:{REDIS_PORT}/0"\n'
            f'history_database_url = "postgresql://{POSTGRES_USER}:{for_history}@{POSTGRES_HOST}'
            f'/{POSTGRES_USER}"\n'
        )
        write_private(config, lines)


if __name__ == "__main__":
    sys.exit(main())
