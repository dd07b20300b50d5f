"""Pages of intervals, reckoned, are those that one finds by walking over them."""

from hypothesis import given
from hypothesis import strategies as st

from history.projection.intervals import INTERVALS_S, SECOND_NS, close_of, open_of
from history.queries.spans import first_open_from, page_of, whole_span

NOW_NS = 1_795_392_000_000_000_000  # A Monday.
nearby = st.integers(-50, 50)
edges = st.sampled_from((-1, 0, 1, 12_345))


@given(
    st.sampled_from(list(INTERVALS_S.values())),
    *(st.tuples(nearby, edges) for _ in range(4)),
    st.integers(1, 7),
    st.booleans(),
    st.booleans(),
)
def test_pages_walk_over_every_interval_once(
    interval_s: int,
    first: tuple[int, int],
    last: tuple[int, int],
    begin: tuple[int, int],
    end: tuple[int, int],
    limit: int,
    has_from: bool,
    has_to: bool,
) -> None:
    length_ns = interval_s * SECOND_NS
    first_ns, watermark_ns, from_ns, to_ns = (
        NOW_NS + steps * length_ns + edge for steps, edge in (first, last, begin, end)
    )
    watermark_ns = max(first_ns, watermark_ns)
    from_ns, to_ns = from_ns if has_from else 0, to_ns if has_to else 0
    span = whole_span(
        interval_s,
        first_open_ns=open_of(first_ns, interval_s),
        watermark_ns=watermark_ns,
        from_ns=from_ns,
        to_ns=to_ns,
    )
    expected = []
    open_ns = open_of(first_ns, interval_s)
    while open_ns <= watermark_ns:
        if from_ns <= open_ns and (not to_ns or open_ns < to_ns):
            expected.append(open_ns)
        open_ns = close_of(open_ns, interval_s)
    assert span.count(interval_s) == len(expected)
    for is_forward in (True, False):
        walked: list[int] = []
        place_ns, is_more = None, True
        while is_more:
            page, place_ns = page_of(
                span, interval_s, limit=limit, place_ns=place_ns, is_forward=is_forward
            )
            opens = list(range(page.from_ns, page.until_ns, length_ns))
            walked = walked + opens if is_forward else opens + walked
            is_more = place_ns is not None
            assert len(opens) == limit or not is_more
        assert walked == expected


@given(st.sampled_from(list(INTERVALS_S.values())), nearby, edges)
def test_the_first_interval_from_a_moment_does_not_begin_before_it(
    interval_s: int, steps: int, edge: int
) -> None:
    at_ns = NOW_NS + steps * interval_s * SECOND_NS + edge
    found = first_open_from(at_ns, interval_s)
    assert open_of(found, interval_s) == found
    assert at_ns <= found < at_ns + interval_s * SECOND_NS
