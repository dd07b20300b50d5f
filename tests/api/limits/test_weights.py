"""What requests weigh."""

import pytest

from api.limits.weights import CSV_WEIGHT, PASSWORD_WEIGHT, Weights, may_go_on


@pytest.mark.parametrize(
    ("method", "path", "query", "weight"),
    [
        ("GET", "/health", b"", 0),
        ("GET", "/ready", b"", 0),
        ("GET", "/nowhere", b"", 1),
        ("GET", "/api/v1/time", b"", 1),
        ("POST", "/api/v1/order", b"", 1),
        ("GET", "/api/v1/order/123", b"", 1),
        ("POST", "/api/v1/auth/login", b"", PASSWORD_WEIGHT),
        ("POST", "/api/v1/auth/ticket", b"", 1),
        ("GET", "/api/v1/depth", b"market=A_B", 1),
        ("GET", "/api/v1/depth", b"market=A_B&levels=100", 1),
        ("GET", "/api/v1/depth", b"levels=101&market=A_B", 5),
        ("GET", "/api/v1/depth", b"levels=1000&market=A_B", 10),
        ("GET", "/api/v1/depth", b"market=A_B&levels=5000", 50),
        ("GET", "/api/v1/depth", b"market=A_B&levels=5001", 1),  # Refused by the route.
        ("GET", "/api/v1/depth", b"xlevels=5000", 1),
        ("GET", "/api/v1/depth", b"levels=" + b"9" * 5_000, 1),
        ("GET", "/api/v1/depth", b"market=A_B&level%73=5000", 50),
        ("GET", "/api/v1/depth", b"market=A_B&levels=%35000", 50),
        ("GET", "/api/v1/trades", b"market=A_B&limit=1000", 5),
        ("GET", "/api/v1/depth", b"market=A_B&%6cevels=5000", 50),
        ("GET", "/api/v1/depth", b"market=A_B%26levels=1&levels=5000", 50),
        ("GET", "/api/v1/trades", b"market=A_B&limi%74=1000", 5),
        ("GET", "/api/v1/tickers", b"", 2),
        ("GET", "/api/v1/klines", b"market=A_B&interval=1m", 3),  # It has 500.
        ("GET", "/api/v1/klines", b"market=A_B&interval=1m&limit=100", 1),
        ("GET", "/api/v1/klines", b"market=A_B&interval=1m&limit=1000", 5),
        ("GET", "/api/v1/klines", b"market=A_B&interval=1m&format=csv", CSV_WEIGHT),
        ("GET", "/api/v1/trades", b"market=A_B&limit=1&format=CSV", CSV_WEIGHT),
        ("GET", "/api/v1/trades", b"market=A_B&form%61t=cs%76", CSV_WEIGHT),
        ("GET", "/api/v1/trades", b"market=A_B&xformat=csv", 1),
        ("GET", "/api/v1/orders", b"limit=101", 3),
        ("GET", "/api/v1/orders/17", b"limit=1000", 5),
        ("GET", "/api/v1/orders/17", b"", 1),
        ("GET", "/api/v1/fills", b"format=csv", CSV_WEIGHT),
        ("GET", "/api/v1/ledger", b"limit=1000", 5),
        ("GET", "/api/v1/rejections", b"", 1),
        ("GET", "/api/v1/withdrawals", b"limit=500", 3),
        ("GET", "/api/v1/deposits", b"", 1),
        ("GET", "/api/v1/order/open", b"", 3),
        ("GET", "/api/v1/order/open", b"limit=5000", 15),
    ],
)
def test_a_request_weighs_by_its_work(method: str, path: str, query: bytes, weight: int) -> None:
    assert Weights().weigh(method, path, query) == weight


def test_taking_orders_back_may_go_on() -> None:
    assert may_go_on("DELETE", "/api/v1/order/17")
    assert may_go_on("DELETE", "/api/v1/order/open")
    assert not may_go_on("POST", "/api/v1/order")
    assert not may_go_on("DELETE", "/api/v1/sessions")
