"""Logs: the form, the levels of single modules, and what is never written."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared.logs import configure_logs, get_logger, parse_levels
from shared.settings import Settings

AT_IMPORT = get_logger("made.at.import")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def logs_to(stream: io.StringIO, **settings: Any) -> None:
    configure_logs(Settings(**settings), stream=stream)


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_off_a_terminal_each_line_is_one_json_object() -> None:
    stream = io.StringIO()
    logs_to(stream)
    get_logger("engine.service").info("committed", sequence=7)
    (line,) = objects(stream)
    assert line["event"] == "committed"
    assert line["sequence"] == 7
    assert line["level"] == "info"
    assert line["logger"] == "engine.service"
    assert line["at"].endswith("Z")


def test_text_is_chosen_by_the_setting_and_by_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, log_format in ((io.StringIO(), "text"), (Terminal(), "auto")):
        logs_to(stream, log_format=log_format)
        get_logger("a").info("hello")
        assert "hello" in stream.getvalue()
        assert not stream.getvalue().startswith("{")


def test_a_module_may_speak_at_a_level_of_its_own() -> None:
    stream = io.StringIO()
    logs_to(stream, log="warning,engine.service=debug")
    for name in ("engine.service", "engine.service.deeper", "engine.servicetwo"):
        get_logger(name).debug("detail")
    get_logger("api").info("quiet")
    get_logger("api").warning("heard")
    heard = [(line["logger"], line["event"]) for line in objects(stream)]
    assert heard == [
        ("engine.service", "detail"),
        ("engine.service.deeper", "detail"),
        ("api", "heard"),
    ]


def test_a_later_configuration_replaces_the_earlier_one() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs_to(first, log="info,engine=debug")
    logs_to(second, log="info")
    get_logger("engine").debug("detail")
    get_logger("engine").info("fact")
    assert first.getvalue() == ""
    assert [line["event"] for line in objects(second)] == ["fact"]


def test_a_logger_made_before_the_configuration_follows_it() -> None:
    stream = io.StringIO()
    logs_to(stream)
    AT_IMPORT.info("late")
    assert objects(stream)[0]["event"] == "late"


def test_secrets_are_starred_out_wherever_they_stand() -> None:
    stream = io.StringIO()
    logs_to(stream)
    get_logger("api").info(
        "login at redis://:hush@host/0",
        password="hush",
        access_token="hush",
        Authorization="Bearer hush",
        url="redis://user:hush@host/0",
        body={"password": "hush", "inner": {"refresh_token": "hush", "name": "ann"}},
        parts=["redis://:hush@host"],
    )
    logging.getLogger("library").warning("lost %s", "redis://:hush@host/0")
    assert "hush" not in stream.getvalue()
    assert objects(stream)[0]["body"]["inner"]["name"] == "ann"


def test_a_password_in_a_traceback_is_starred_out() -> None:
    for log_format in ("json", "text"):
        stream = io.StringIO()
        logs_to(stream, log_format=log_format)
        try:
            raise ConnectionError("cannot reach redis://:hush@host/0")
        except ConnectionError:
            get_logger("api").exception("lost")
        assert "ConnectionError" in stream.getvalue()
        assert "hush" not in stream.getvalue()


def test_a_field_of_a_foreign_type_or_of_great_length_keeps_its_line() -> None:
    stream = io.StringIO()
    logs_to(stream)
    get_logger("a").info("odd", thing=object(), raw=b"\xff", long="x" * 100_000)
    (line,) = objects(stream)
    assert line["event"] == "odd"
    assert len(line["long"]) < 5_000


def test_lines_of_libraries_and_warnings_take_the_same_form() -> None:
    stream = io.StringIO()
    logs_to(stream)
    logging.getLogger("uvicorn.error").error("bind failed on %s", 8000)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old habit", DeprecationWarning, stacklevel=1)
    assert objects(stream)[0]["event"] == "bind failed on 8000"
    assert "old habit" in objects(stream)[1]["event"]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("info", {"": logging.INFO}),
        ("DEBUG", {"": logging.DEBUG}),
        ("a.b=debug", {"": logging.INFO, "a.b": logging.DEBUG}),
        (" error , a=info ", {"": logging.ERROR, "a": logging.INFO}),
    ],
)
def test_levels_are_read_as_written(text: str, levels: dict[str, int]) -> None:
    assert parse_levels(text) == levels


@pytest.mark.parametrize("text", ["", "loud", "info,", "a=", "=debug", "1a=debug", "a b=info"])
def test_levels_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no "):
        parse_levels(text)


def test_importing_the_logs_sets_nothing_up() -> None:
    program = (
        "import logging, structlog, shared.logs as logs; logs.get_logger('a');"
        "assert not logging.getLogger().handlers and not structlog.is_configured()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
