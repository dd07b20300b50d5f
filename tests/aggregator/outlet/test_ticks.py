"""Keys fit a message, keep the order, and mean one price each."""

from aggregator.outlet.ticks import KEY_MAX, TickScale
from aggregator.protocol import to_units

TEXTS = ("1", "2")


def test_keys_are_prices_in_what_all_have_in_common() -> None:
    scale = TickScale()
    scale.settle(map(to_units, ("63000.5", "63001", "62999.5")))
    assert scale.keyed([(to_units("63000.5"), TEXTS), (to_units("1"), ())]) == [
        (126_001, TEXTS),
        (2, ()),
    ]


def test_a_finer_price_needs_another_scale_and_the_scale_stays_fine() -> None:
    scale = TickScale()
    scale.settle([to_units("2")])
    assert scale.keyed([(to_units("2.1"), TEXTS)]) is None
    scale.settle([to_units("2.1")])
    assert scale.keyed([(to_units("2.1"), TEXTS)]) == [(21, TEXTS)]
    scale.settle([to_units("100")])
    assert scale.keyed([(to_units("2.1"), TEXTS)]) == [(21, TEXTS)]


def test_a_level_that_no_key_can_hold_is_left_out_and_counted() -> None:
    scale = TickScale()
    scale.settle([1])
    assert scale.keyed([(KEY_MAX, TEXTS), (KEY_MAX + 1, TEXTS)]) == [(KEY_MAX, TEXTS)]
    assert scale.left_out == 1
