"""The settings of the aggregator: who follows what, on which processor, at which door."""

import pytest

from shared.settings import Settings, SettingsError, load_settings
from shared.settings_outside import OUTSIDE_FAULTS


def test_the_defaults_are_four_feeds_that_one_process_follows() -> None:
    settings = Settings()
    assert settings.feeds == ("binance:spot", "bybit:linear", "coinbase:spot", "kraken:spot")
    assert settings.feeds_of(1) == settings.feeds
    assert settings.events == ("book", "touch", "trades")
    assert list(settings.aggregator_ports) == [8090]


def test_several_share_whole_venues_in_turn() -> None:
    feeds = "binance:spot,binance:linear,bybit:linear,kraken:spot"
    settings = Settings(venues=feeds, aggregators=2)
    assert settings.feeds_of(1) == ("binance:linear", "binance:spot", "kraken:spot")
    assert settings.feeds_of(2) == ("bybit:linear",)
    assert list(settings.aggregator_ports) == [8090, 8091]


@pytest.mark.parametrize("count", range(1, 7))
def test_every_feed_is_followed_once_by_however_many(count: int) -> None:
    settings = Settings(aggregators=count)
    shares = [settings.feeds_of(number) for number in range(1, count + 1)]
    assert sorted(feed for share in shares for feed in share) == list(settings.feeds)


def test_a_list_says_who_follows_what() -> None:
    settings = Settings(aggregators=2, aggregator_venues="kraken,binance+bybit+coinbase")
    assert settings.feeds_of(1) == ("kraken:spot",)
    assert settings.feeds_of(2) == ("binance:spot", "bybit:linear", "coinbase:spot")


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("kraken", "aggregator_venues has 1 parts for 2 aggregators."),
        ("kraken,bybit+coinbase", "aggregator_venues leaves out binance:spot."),
    ],
)
def test_a_list_that_leaves_somebody_out_is_refused(listed: str, sentence: str) -> None:
    environ = {"RIALTO_AGGREGATORS": "2", "RIALTO_AGGREGATOR_VENUES": listed}
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=environ)
    assert str(refused.value) == sentence


def test_each_of_several_has_a_processor_of_its_own() -> None:
    assert Settings(aggregator_cpus="2-3").cpus_of(1) == (2, 3)
    several = Settings(aggregators=3, aggregator_cpus="2-3")
    assert [several.cpus_of(number) for number in (1, 2, 3)] == [(2,), (3,), (2,)]
    assert Settings(aggregators=2).cpus_of(2) == ()


def test_an_aggregators_port_is_nobody_elses() -> None:
    environ = {"RIALTO_AGGREGATOR_PORT": "8079", "RIALTO_AGGREGATORS": "2"}
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=environ)
    assert str(refused.value).endswith(
        "ws_port 8080, aggregator_port 8079 to 8080, history_port 8070."
    )
    load_settings(environ={**environ, "RIALTO_AGGREGATOR_ENABLED": "false"})


def test_the_simulated_venues_have_a_port_of_their_own_where_they_run() -> None:
    environ = {"RIALTO_AGGREGATORS": "6"}
    load_settings(environ=environ)
    with pytest.raises(SettingsError) as refused:
        load_settings(environ={**environ, "RIALTO_OFFLINE": "true"})
    assert str(refused.value).endswith(
        "aggregator_port 8090 to 8095, history_port 8070, venues_port 8095."
    )


def test_an_aggregator_listens_to_itself_where_the_feed_is() -> None:
    assert Settings().probed_feed_url == "ws://127.0.0.1:8080/ws"
    assert Settings(ws_host="::", ws_port=9).probed_feed_url == "ws://[::1]:9/ws"
    own = Settings(ws_host="0.0.0.0", metrics_feed_url="wss://feed.example/ws")
    assert own.probed_feed_url == "wss://feed.example/ws"
    assert Settings(metrics_enabled=False).probed_feed_url == ""


def test_venues_are_stood_in_for_by_the_simulated_ones_or_by_what_is_named() -> None:
    assert Settings().stand_in_address == ""
    assert Settings(venues_address="127.0.0.1:9000").stand_in_address == "127.0.0.1:9000"
    simulated = Settings(offline=True, venues_port=8099, venues_address="127.0.0.1:9000")
    assert simulated.stand_in_address == "127.0.0.1:8099"


def test_every_list_is_looked_at_before_anything_starts() -> None:
    for name in OUTSIDE_FAULTS:
        with pytest.raises(SettingsError, match=rf"^{name} (must|names)"):
            load_settings(environ={f"RIALTO_{name.upper()}": "?"})
