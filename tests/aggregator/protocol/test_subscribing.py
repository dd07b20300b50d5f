"""Topics in messages of a size that a venue takes."""

from aggregator.protocol import Kind, Topic, by_kind, in_batches, json_text


def test_batches_keep_the_order_and_the_last_one_has_the_rest() -> None:
    assert list(in_batches([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(in_batches([], 2)) == []


def test_topics_of_a_kind_and_depth_go_together() -> None:
    topics = [
        Topic(Kind.BOOK, "A", 10),
        Topic(Kind.TRADES, "A"),
        Topic(Kind.BOOK, "B", 10),
        Topic(Kind.BOOK, "C", 25),
        Topic(Kind.BOOK, "D", 10),
    ]

    assert list(by_kind(topics, 2)) == [
        (Kind.BOOK, 10, ["A", "B"]),
        (Kind.BOOK, 10, ["D"]),
        (Kind.TRADES, 0, ["A"]),
        (Kind.BOOK, 25, ["C"]),
    ]


def test_a_message_is_sent_as_one_line() -> None:
    assert json_text({"op": "subscribe", "args": ["a"]}) == '{"op":"subscribe","args":["a"]}'
