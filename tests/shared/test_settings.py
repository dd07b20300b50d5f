"""Settings: which source wins, what is refused and in which words, and the pages made from them."""

from pathlib import Path

import pytest

from shared.settings import FIELDS, Settings, SettingsError, load_settings, load_with_sources
from shared.settings_docs import CONFIGURATION, ENV_EXAMPLE, configuration_page, env_example
from shared.settings_fields import redact_url

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sentence_of(environ: dict[str, str], flags: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(flags, environ)
    return str(refused.value)


def test_without_any_source_every_value_is_the_default() -> None:
    loaded = load_with_sources(environ={})
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(empty_folder: Path) -> None:
    (empty_folder / "rialto.toml").write_text("api_port = 1\nws_port = 2\nadmin_port = 3\n")
    environ = {"RIALTO_WS_PORT": "20", "RIALTO_ADMIN_PORT": "30"}
    loaded = load_with_sources({"admin_port": "300"}, environ)
    settings, sources = loaded
    assert (settings.api_port, settings.ws_port, settings.admin_port) == (1, 20, 300)
    assert sources["api_port"] == "rialto.toml"
    assert sources["ws_port"] == "RIALTO_WS_PORT"
    assert sources["admin_port"] == "--admin-port"
    assert sources["home"] == "default"


def test_rialto_config_names_another_file(empty_folder: Path) -> None:
    (empty_folder / "other.toml").write_text('venue = "second"\n')
    loaded = load_with_sources(environ={"RIALTO_CONFIG": "other.toml"})
    assert loaded.settings.venue == "second"
    assert loaded.sources["venue"] == "other.toml"


@pytest.mark.parametrize("first", [7999, 8000, 8079, 8080, 65_535])
def test_several_broadcasters_need_ports_of_their_own(first: int) -> None:
    environ = {"RIALTO_WS_PRIVATE_PORT": str(first)}
    assert load_settings(environ=environ).ws_private_ports == range(first, first)
    sentence = sentence_of({**environ, "RIALTO_BROADCASTERS": "2"})
    assert f"ws_private_port {first} to {first + 1}" in sentence


def test_the_ports_of_several_broadcasters_are_in_a_row() -> None:
    settings = load_settings(environ={"RIALTO_BROADCASTERS": "3"})
    assert list(settings.ws_private_ports) == [8081, 8082, 8083]
    sentence = sentence_of({"RIALTO_BROADCASTERS": "17"})
    assert sentence.startswith("broadcasters must be a whole number from 1 to 16")


def test_a_named_file_that_is_absent_is_refused() -> None:
    assert "does not exist" in sentence_of({"RIALTO_CONFIG": "absent.toml"})


def test_a_file_that_is_no_toml_is_refused(empty_folder: Path) -> None:
    (empty_folder / "rialto.toml").write_text("api_port: 9000\n")
    assert sentence_of({}).startswith("rialto.toml cannot be read: ")


def test_redis_url_is_read_where_rialtos_own_variable_is_not_set() -> None:
    environ = {"REDIS_URL": "redis://one"}
    loaded = load_with_sources(environ=environ)
    assert loaded.settings.redis_url == "redis://one"
    assert loaded.sources["redis_url"] == "REDIS_URL"
    environ["RIALTO_REDIS_URL"] = "redis://two"
    assert load_settings(environ=environ).redis_url == "redis://two"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(environ={"RIALTO_API_PORT": "", "REDIS_URL": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("On", True), ("no", False), ("0", False)]
)
def test_a_variable_says_yes_or_no_in_the_usual_words(text: str, value: bool) -> None:
    assert load_settings(environ={"RIALTO_DOCS_ENABLED": text}).docs_enabled is value


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "RIALTO_API_PORT",
            "x",
            "api_port must be a whole number from 1 to 65535, not 'x' (from RIALTO_API_PORT).",
        ),
        (
            "RIALTO_API_PORT",
            "65536",
            "api_port must be a whole number from 1 to 65535, not 65536 (from RIALTO_API_PORT).",
        ),
        (
            "RIALTO_DEMO_MARKETS",
            "maybe",
            "demo_markets must be true or false, not 'maybe' (from RIALTO_DEMO_MARKETS).",
        ),
        (
            "RIALTO_LOG_FORMAT",
            "xml",
            "log_format must be one of auto, json, text, not 'xml' (from RIALTO_LOG_FORMAT).",
        ),
        (
            "RIALTO_LOG",
            "loud",
            "log cannot be used: 'loud' is no log level "
            "(debug, info, warning, error, critical) (from RIALTO_LOG).",
        ),
        (
            "RIALTO_REDIS_URL",
            "http://user:hush@host",
            "redis_url must start with redis://, rediss:// or unix:// (from RIALTO_REDIS_URL).",
        ),
        (
            "RIALTO_HISTORY_DATABASE_URL",
            "sqlite:////data/history.db",
            "history_database_url must be a URL of PostgreSQL, or sqlite:// for the file in home "
            "(from RIALTO_HISTORY_DATABASE_URL).",
        ),
        (
            "RIALTO_WS_ALLOWED_ORIGINS",
            "https://a.example, *",
            "ws_allowed_origins must list origins like https://example.org, "
            "and '*' is none (from RIALTO_WS_ALLOWED_ORIGINS).",
        ),
        (
            "RIALTO_FAUCET_AMOUNTS",
            "INR=5,TATA=0",
            "faucet_amounts must list amounts like INR=1000, and 'TATA=0' is none "
            "(from RIALTO_FAUCET_AMOUNTS).",
        ),
        (
            "RIALTO_FAUCET_AMOUNTS",
            "INR=5,INR=6",
            "faucet_amounts names an asset twice (from RIALTO_FAUCET_AMOUNTS).",
        ),
        (
            "RIALTO_WS_PORT",
            "8000",
            "Each listener needs a port of its own, "
            "not api_port 8000, admin_port 8001, ws_port 8000, aggregator_port 8090, "
            "history_port 8070.",
        ),
        (
            "RIALTO_BATCH_COMMANDS_MAX",
            "4_096",
            "batch_commands_max must be a whole number from 1 to 4096, "
            "not '4_096' (from RIALTO_BATCH_COMMANDS_MAX).",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_sentence(
    variable: str, value: str, sentence: str
) -> None:
    assert sentence_of({variable: value}) == sentence


@pytest.mark.parametrize("text", ["٨٠٠٠", "1e3", "8000.0", "+8000", "9" * 5_000, " ", "0x50"])
def test_a_port_is_ascii_digits_only(text: str) -> None:
    assert "api_port must be a whole number" in sentence_of({"RIALTO_API_PORT": text})


@pytest.mark.parametrize("venue", ["", "UPPER", "with space", "{brace}", "a" * 33, "-first"])
def test_a_venue_that_would_break_a_redis_key_is_refused(venue: str) -> None:
    assert sentence_of({}, {"venue": venue}).startswith("venue must be text like ")


def test_a_batch_larger_than_the_backlog_is_refused() -> None:
    assert "batch_commands_max" in sentence_of({"RIALTO_BACKLOG_COMMANDS_MAX": "100"})


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    assert sentence_of({"RIALTO_API_PROT": "1"}) == (
        "The environment variable RIALTO_API_PROT names no setting; did you mean RIALTO_API_PORT?"
    )


def test_an_unknown_key_of_the_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / "rialto.toml").write_text("[ports]\napi = 1\n")
    assert sentence_of({}).startswith("There is no setting ports (from rialto.toml)")


def test_a_value_of_the_wrong_type_in_the_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / "rialto.toml").write_text('api_port = "8000"\n')
    assert "api_port must be a whole number" in sentence_of({})


def test_variables_of_the_tests_are_no_settings() -> None:
    assert load_settings(environ={"RIALTO_TEST_DATA": "x", "RIALTO_DATA": "y"}) == Settings()


def test_settings_can_be_printed_without_their_passwords() -> None:
    settings = load_settings(environ={"REDIS_URL": "redis://:hush@host:6379/0"})
    assert "hush" not in repr(settings)
    assert "redis://:***@host:6379/0" in repr(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:hush@host/0", "redis://:***@host/0"),
        ("postgresql://ann:hu:sh@host/db", "postgresql://ann:***@host/db"),
        ("redis://host/0?password=hush", "redis://host/0?***"),
        ("redis://[hush", "***"),
    ],
)
def test_a_password_in_a_url_is_starred_out(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_paths_derive_from_home(empty_folder: Path) -> None:
    assert Settings(home="h").archive_path == Path("h/archive")
    assert Settings(home="h", archive_dir="a").archive_path == Path("a")
    assert Settings(home="~/h").home_path == Path.home() / "h"


def test_the_faucets_amounts_are_read_by_asset() -> None:
    settings = Settings(faucet_amounts="INR=1000.50, BTC=0.00000001")
    assert settings.faucet == {"INR": "1000.50", "BTC": "0.00000001"}


def test_origins_are_split_at_commas() -> None:
    settings = Settings(cors_allowed_origins="https://a.example, http://b.example:8080,")
    assert settings.cors_origins == ("https://a.example", "http://b.example:8080")
    assert settings.ws_origins == ()


def test_the_configuration_page_is_what_the_settings_say() -> None:
    assert (ROOT / CONFIGURATION).read_text() == configuration_page(), "run `make docs`"


def test_the_example_environment_is_what_the_settings_say() -> None:
    assert (ROOT / ENV_EXAMPLE).read_text() == env_example(), "run `make docs`"


def test_the_example_environment_can_be_used_as_it_is() -> None:
    lines = [line.removeprefix("# ") for line in env_example().splitlines()]
    pairs = dict(line.split("=", 1) for line in lines if line.startswith("RIALTO_"))
    assert len(pairs) == len(FIELDS)
    assert load_settings(environ=pairs) == Settings()
