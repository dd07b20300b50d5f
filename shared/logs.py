"""Logs of every service: text for a person at a terminal, one JSON object a line otherwise.

The rule of this file: `get_logger` does no work and may be called at import; `configure_logs` is
called once, by a composition root. A value under a name that smells of a secret is starred out.
"""

import io
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Protocol, TextIO

from shared.lean_structlog import structlog

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# Libraries that speak at info about every request; their warnings and errors still come through.
QUIET_LIBRARIES = (
    "uvicorn",
    "httpx",
    "httpcore",
    "websockets",
    "asyncio",
    "aiosqlite",
    "alembic",
    "sqlalchemy",
)
SECRET_NAME = re.compile(
    r"password|secret|token|ticket|authorization|private_key|api_key|cookie", re.I
)
URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s/]+@")
MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
TEXT_LENGTH_MAX = 4_096  # One field of one line; an answer of a stranger may be longer than a page.

Event = MutableMapping[str, Any]


class LogSettings(Protocol):
    """The part of the settings that this file needs."""

    @property
    def log(self) -> str: ...
    @property
    def log_format(self) -> str: ...


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; nothing is set up until its first line."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logs(settings: LogSettings, *, stream: TextIO | None = None) -> None:
    """Send all logs, also those of libraries, to `stream` (standard error) in the chosen form."""
    stream = sys.stderr if stream is None else stream
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(as_text=as_text, colors=stream.isatty()))
    _set_levels(parse_levels(settings.log), handler)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger made at import outlives a second configuration, in tests for example.
        cache_logger_on_first_use=False,
    )


def parse_levels(text: str) -> dict[str, int]:
    """Read `info,engine.service=debug`: the level of each module, the general one under "".

    Raise ValueError with a sentence if a level or a module's name is none.
    """
    levels = {"": logging.INFO}
    for part in text.split(","):
        module, equals, word = part.strip().rpartition("=")
        level = LEVELS.get(word.strip().lower())
        if level is None:
            raise ValueError(f"{word.strip()!r} is no log level ({', '.join(LEVELS)})")
        if equals and not MODULE_NAME.fullmatch(module.strip()):
            raise ValueError(f"{module!r} is no name of a module")
        levels[module.strip()] = level
    return levels


def _set_levels(levels: dict[str, int], handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    _forget_levels()
    root.setLevel(levels[""])
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(max(levels[""], logging.WARNING))
    for module, level in levels.items():
        if module:
            logging.getLogger(module).setLevel(level)
    logging.captureWarnings(True)


def _forget_levels() -> None:
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)
            logger.handlers.clear()
            logger.propagate = True


def _shared_processors() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _formatter(*, as_text: bool, colors: bool) -> logging.Formatter:
    form: list[structlog.typing.Processor]
    if as_text:
        form = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_traceback)]
    else:
        # `default` keeps a line when a field is something that JSON does not know.
        form = [structlog.processors.JSONRenderer(default=repr)]
    tracebacks = [] if as_text else [structlog.processors.format_exc_info]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *tracebacks,
            star_out_secrets,
            *form,
        ],
    )


def star_out_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """Replace what must not be written: values under a secret's name, passwords inside URLs."""
    for name, value in event.items():
        event[name] = "***" if SECRET_NAME.search(name) else _clean(value)
    return event


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _shorten(URL_PASSWORD.sub(r"\1:***@", value))
    if isinstance(value, dict):
        return {
            name: "***" if SECRET_NAME.search(str(name)) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _shorten(text: str) -> str:
    # The end of a traceback says what happened, so the middle is what goes.
    half = TEXT_LENGTH_MAX // 2
    return text if len(text) <= TEXT_LENGTH_MAX else f"{text[:half]} [...] {text[-half:]}"


def _traceback(stream: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    stream.write(URL_PASSWORD.sub(r"\1:***@", plain.getvalue()))
