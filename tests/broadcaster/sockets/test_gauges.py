"""Figures about the process."""

from broadcaster.sockets.gauges import LAG_WINDOW_S, READ_INTERVAL_S, LoopLag, ProcessGauges


def test_the_worst_lag_is_shown_for_at_least_a_window_and_then_forgotten() -> None:
    lag = LoopLag(0)
    lag.add(0.25, 1)
    lag.add(0.001, 2)
    assert lag.max_us == 250_000
    lag.add(0.002, LAG_WINDOW_S)
    assert lag.max_us == 250_000
    lag.add(0.001, 2 * LAG_WINDOW_S)
    assert lag.max_us == 2_000


def test_memory_and_descriptors_are_those_of_the_process_a_second_ago_at_most() -> None:
    gauges = ProcessGauges()
    before = dict(gauges.read(100))
    assert before["resident_memory_bytes"] > 1_000_000
    with open("/dev/null"):
        assert gauges.read(100 + READ_INTERVAL_S / 2) == before
        after = gauges.read(100 + READ_INTERVAL_S)
        assert after["open_descriptors"] == before["open_descriptors"] + 1
