"""What the process takes."""

from aggregator.metrics.process import ProcessGauges


def test_memory_processor_and_descriptors_are_told() -> None:
    said = ProcessGauges().read()
    assert said["virtual_memory_bytes"] >= said["resident_memory_bytes"] > 1_000_000
    assert said["open_descriptors"] > 2
    assert said["cpu_permille"] >= 0
