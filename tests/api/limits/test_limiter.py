"""The limits of one process, on a clock of their own."""

import pytest

from api.edge.errors import ApiError
from api.identity.caller import ALL_SCOPES, Caller
from api.limits.limiter import AccountLimits, Charge, Limits, Rules

HERE = "203.0.113.9"
ALICE = Caller(1, 11, "trader", ALL_SCOPES)
BOB = Caller(2, 22, "trader", ALL_SCOPES)
RULES = Rules(
    weight_per_minute=100,
    orders_per_10s=10,
    orders_per_10s_address=15,
    orders_per_day=50,
    refusals_per_minute=5,
)


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 86_400.0 * 10

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(RULES, clock=clock)


def ask(limits: Limits, client: str = HERE, method: str = "GET", path: str = "/api/v1/time") -> str:
    _, refusal = limits.enter(client, method, path, b"")
    return "" if refusal is None else refusal.code


def taken(limits: Limits, caller: Caller = ALICE, client: str = HERE, count: int = 1) -> str:
    try:
        limits.take_orders(caller, client, count)
    except ApiError as error:
        return error.code
    return ""


def test_an_address_has_a_weight_for_each_minute(limits: Limits, clock: Clock) -> None:
    assert [ask(limits) for _ in range(101)] == [""] * 100 + ["TOO_MANY_REQUESTS"]
    assert ask(limits, "198.51.100.1") == ""
    clock.now_s += 60
    assert ask(limits) == ""


def test_a_refusal_says_when_to_come_back(limits: Limits, clock: Clock) -> None:
    clock.now_s += 13
    for _ in range(100):
        ask(limits)
    _, refusal = limits.enter(HERE, "GET", "/api/v1/time", b"")
    assert refusal is not None
    assert refusal.retry_after_s == 47


def test_who_watches_is_never_refused(limits: Limits) -> None:
    for _ in range(150):
        ask(limits)
    assert ask(limits) == "BANNED"
    assert [ask(limits, path=path) for path in ("/health", "/ready")] == ["", ""]


def test_orders_are_counted_to_the_account_wherever_they_come_from(limits: Limits) -> None:
    assert taken(limits, count=8) == ""
    assert taken(limits, client="198.51.100.1", count=3) == "TOO_MANY_ORDERS"
    assert taken(limits, client="198.51.100.1", count=2) == ""
    assert taken(limits, client="198.51.100.1") == "TOO_MANY_ORDERS"
    assert taken(limits, BOB) == ""


def test_orders_are_counted_to_the_address_whoever_sends_them(limits: Limits) -> None:
    assert taken(limits, count=10) == ""
    assert taken(limits, BOB, count=6) == "TOO_MANY_ORDERS"
    assert taken(limits, BOB, count=5) == ""
    assert taken(limits, BOB, client="198.51.100.1") == ""


def test_orders_are_counted_to_the_key(limits: Limits) -> None:
    limits.own_limits = {11: AccountLimits(orders_per_10s=20)}
    key = Caller(1, 33, "trader", ALL_SCOPES, key_id="key")
    same_key = Caller(1, 44, "trader", ALL_SCOPES, key_id="key")
    assert taken(limits, key, count=7) == ""
    assert taken(limits, same_key, count=4) == "TOO_MANY_ORDERS"
    assert taken(limits, same_key, count=3) == ""


def test_a_batch_is_counted_whole_or_not_at_all(limits: Limits) -> None:
    assert taken(limits, count=11) == "TOO_MANY_ORDERS"
    assert taken(limits, count=10) == ""


def test_orders_have_a_limit_for_each_day(limits: Limits, clock: Clock) -> None:
    for _ in range(5):
        assert taken(limits, count=10) == ""
        clock.now_s += 10
    assert taken(limits) == "TOO_MANY_ORDERS"
    clock.now_s += 86_400
    assert taken(limits) == ""


def test_taking_orders_back_goes_on_up_to_twice_the_limit(limits: Limits) -> None:
    taken(limits, count=10)
    limits.take_orders(ALICE, HERE, 10, cancels=True)
    with pytest.raises(ApiError, match="TOO_MANY_ORDERS"):
        limits.take_orders(ALICE, HERE, 1, cancels=True)
    codes = [ask(limits, method="DELETE", path="/api/v1/order/1") for _ in range(201)]
    assert codes == [""] * 200 + ["TOO_MANY_REQUESTS"]


def test_an_operator_may_set_an_accounts_own_limit(limits: Limits) -> None:
    limits.own_limits = {11: AccountLimits(orders_per_10s=3, orders_per_day=0)}
    assert taken(limits, count=4) == "TOO_MANY_ORDERS"
    assert taken(limits, count=3) == ""
    assert taken(limits, BOB, count=4) == ""


def test_zero_is_no_limit() -> None:
    limits = Limits(Rules(), clock=lambda: 1_000.0)
    assert {ask(limits) for _ in range(10_000)} == {""}
    assert taken(limits, count=1_000_000) == ""


def test_who_goes_on_after_429_is_banned(limits: Limits, clock: Clock) -> None:
    for _ in range(100):
        ask(limits)
    assert [ask(limits) for _ in range(6)] == ["TOO_MANY_REQUESTS"] * 6
    _, refusal = limits.enter(HERE, "GET", "/api/v1/time", b"")
    assert refusal is not None
    assert (refusal.code, refusal.status, refusal.retry_after_s) == ("BANNED", 418, 120)
    assert taken(limits) == "BANNED"
    assert ask(limits, "198.51.100.1") == ""
    clock.now_s += 120
    assert ask(limits) == ""


def test_refused_orders_lead_to_a_ban_too(limits: Limits) -> None:
    taken(limits, count=10)
    assert [taken(limits) for _ in range(7)] == ["TOO_MANY_ORDERS"] * 6 + ["BANNED"]


def test_an_account_has_a_weight_of_its_own(limits: Limits) -> None:
    def charged(address: str) -> str:
        charge, refusal = limits.enter(address, "GET", "/api/v1/order/open", b"")
        assert refusal is None
        try:
            limits.charge_account(ALICE, charge)
        except ApiError as error:
            return error.code
        return ""

    codes = [charged(f"203.0.113.{number}") for number in range(34)]
    assert codes == [""] * 33 + ["TOO_MANY_REQUESTS"]


def test_an_order_does_not_weigh_as_a_request_too(limits: Limits) -> None:
    for _ in range(300):
        charge, refusal = limits.enter(HERE, "POST", "/api/v1/order", b"")
        assert refusal is None
        limits.charge_account(ALICE, charge)
        limits.give_back(ALICE, charge)
    assert ask(limits) == ""


def test_weight_is_given_back_once(limits: Limits) -> None:
    charge, _ = limits.enter(HERE, "POST", "/api/v1/order", b"")
    assert isinstance(charge, Charge)
    limits.give_back(ALICE, charge)
    limits.give_back(ALICE, charge)
    assert charge.tally.used == 0


def test_weight_of_the_last_minute_is_not_given_back_to_this_one(
    limits: Limits, clock: Clock
) -> None:
    charge, _ = limits.enter(HERE, "POST", "/api/v1/order", b"")
    limits.charge_account(ALICE, charge)
    clock.now_s += 60
    assert ask(limits) == ""
    limits.give_back(ALICE, charge)
    assert charge.tally.total(clock.now_s) == 1
