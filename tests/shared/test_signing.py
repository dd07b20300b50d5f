"""The text that is signed: two requests that differ never have the same."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from shared.signing import hmac_signature, signed_text

LINE = st.binary(max_size=6).filter(lambda line: b"\n" not in line)
DIGITS = st.from_regex(rb"[1-9][0-9]{0,3}", fullmatch=True)
REQUEST = st.tuples(DIGITS, LINE, LINE, LINE, st.none() | LINE, st.none() | LINE)


def text_of(request: tuple[bytes, bytes, bytes, bytes, bytes | None, bytes | None]) -> bytes:
    timestamp, method, target, body, window, key = request
    return signed_text(timestamp, method, target, body, window=window, idempotency_key=key)


def test_the_text_is_four_lines() -> None:
    digest = hashlib.sha256(b"{}").hexdigest().encode()
    text = signed_text(b"1795228764741", b"POST", b"/order?a=b", b"{}")
    assert text == b"1795228764741\nPOST\n/order?a=b\n" + digest


def test_what_is_sent_beside_it_is_signed_too() -> None:
    digest = hashlib.sha256(b"").hexdigest().encode()
    text = signed_text(b"1", b"GET", b"/time", b"", window=b"9000", idempotency_key=b"k")
    assert text == b"1,9000\nGET\n/time\n" + digest + b"\nk"


@given(REQUEST, REQUEST)
def test_two_requests_have_two_texts(
    one: tuple[bytes, bytes, bytes, bytes, bytes | None, bytes | None],
    other: tuple[bytes, bytes, bytes, bytes, bytes | None, bytes | None],
) -> None:
    assert (text_of(one) == text_of(other)) == (one == other)


def test_the_signature_is_that_of_rfc_4231() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_signature("Jefe", b"what do ya want for nothing?") == expected
