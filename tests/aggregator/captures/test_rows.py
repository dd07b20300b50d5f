"""Rows of recordings, to bytes and back."""

import pytest

from aggregator.captures.rows import Heard, Row, RowError, RowKind, decode_row, encode_row

URL = "wss://venue.test/stream"


@pytest.mark.parametrize(
    "data", [b'{"p":"1.10"}', "schön \U0001f600 \x00\x1f\u2028".encode(), b"", b"\xff\xfe\x00raw"]
)
def test_a_message_comes_back_byte_for_byte(data: bytes) -> None:
    heard = Heard(5, RowKind.RECV, URL, data, 3)

    row = decode_row(encode_row(heard.as_row()))

    assert (row.at_ns, row.kind, row.url, row.conn) == (5, RowKind.RECV, URL, 3)
    assert row.body == data


def test_text_stands_in_a_row_as_text_and_other_bytes_as_base64() -> None:
    text = Heard(5, RowKind.RECV, URL, b"text").as_row()
    raw = Heard(5, RowKind.RECV, URL, b"\xff").as_row()

    assert (text.data, text.data_base64) == ("text", None)
    assert (raw.data, raw.data_base64) == (None, "/w==")


def test_an_answer_has_a_status_and_no_connection() -> None:
    row = Heard(5, RowKind.HTTP, "https://venue.test/depth", b"{}", 0, 429).as_row()

    assert encode_row(row) == (
        b'{"at_ns":5,"kind":"http","url":"https://venue.test/depth","data":"{}","status":429}\n'
    )


def test_a_row_of_another_recorder_may_have_more_keys_and_fewer() -> None:
    row = decode_row(b'{"at_ns":1,"kind":"connect","url":"u","machine":"tokyo-3"}')

    assert row == Row(1, RowKind.CONNECT, "u")
    assert row.body == b""


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b'{"kind":"recv","url":"u","data":""}',
        b'{"at_ns":1.5,"kind":"recv","url":"u","data":""}',
        b'{"at_ns":1,"kind":"heard","url":"u","data":""}',
        b'{"at_ns":1,"kind":"recv","url":"u","data":{"p":1}}',
        b'{"at_ns":1,"kind":"recv","url":"u","data_base64":"%%%"}',
        b'{"at_ns":1,"kind":"recv","url":"u","data":"\xff"}',
    ],
)
def test_a_line_that_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(RowError):
        decode_row(line)
