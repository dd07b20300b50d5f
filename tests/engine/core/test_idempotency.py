"""A key has one effect within its window, whatever is sent again, and the window is exact."""

from engine.core.exchange import Exchange, Limits
from engine.core.idempotency import FORGOTTEN_PER_COMMAND_MAX
from engine.core.state import FORGET_EVERY_NS
from shared.messages import (
    CommandReplayed,
    Deposit,
    Event,
    FundsDeposited,
    PlaceOrder,
    Reject,
    Rejected,
    Side,
)
from shared.wire import encode, fingerprint
from tests.support.scenario import MARKET, opened_exchange

WINDOW_NS = 100


def deposit(key: str, amount: int = 5, account_id: int = 1) -> Deposit:
    return Deposit(account_id=account_id, idempotency_key=key, asset="USD", amount_atoms=amount)


def code(events: list[Event]) -> Reject | None:
    first = events[0]
    return first.code if isinstance(first, Rejected) else None


def test_a_repeated_command_has_one_effect_and_names_its_first_entry() -> None:
    audited = opened_exchange()
    audited.apply(deposit("k"))
    first_n = audited.exchange.n
    audited.apply(deposit("other"))
    again = audited.apply(deposit("k"))
    assert again == [CommandReplayed(audited.exchange.sequence, 1, first_n)]
    assert audited.exchange.balance(1, "USD") == (10, 0)
    audited.finish()


def test_a_key_used_with_other_parameters_is_refused_and_the_first_memory_stays() -> None:
    audited = opened_exchange()
    audited.apply(deposit("k"))
    assert code(audited.apply(deposit("k", amount=6))) is Reject.IDEMPOTENCY_MISMATCH
    assert isinstance(audited.apply(deposit("k"))[0], CommandReplayed)
    assert audited.exchange.balance(1, "USD") == (5, 0)


def test_keys_of_two_accounts_are_two_keys() -> None:
    audited = opened_exchange()
    audited.apply(deposit("k"))
    assert isinstance(audited.apply(deposit("k", account_id=2))[0], FundsDeposited)


def test_no_key_means_no_memory() -> None:
    audited = opened_exchange()
    audited.apply(deposit(""))
    audited.apply(deposit(""))
    assert audited.exchange.balance(1, "USD") == (10, 0)
    assert not audited.keeper.keys


def test_a_definite_rejection_uses_its_key_up() -> None:
    audited = opened_exchange()
    place = PlaceOrder(
        account_id=1,
        idempotency_key="k",
        market=MARKET,
        side=Side.BUY,
        price_ticks=1,
        quantity_lots=1,
    )
    assert code(audited.apply(place)) is Reject.INSUFFICIENT_FUNDS
    audited.apply(deposit("d"))
    assert isinstance(audited.apply(place)[0], CommandReplayed)
    assert audited.exchange.balance(1, "USD") == (5, 0)


def test_a_key_out_of_shape_is_refused_and_not_remembered() -> None:
    audited = opened_exchange()
    for key in ("a b", "x" * 65, "ключ", "a\n", "\u0663"):
        assert code(audited.apply(deposit(key))) is Reject.INVALID_COMMAND
    assert not audited.keeper.keys


def test_a_fingerprint_left_out_is_the_one_of_the_wire() -> None:
    audited = opened_exchange()
    command = deposit("k")
    audited.apply(command)
    assert audited.keeper.keys[1, "k"][2] == fingerprint(encode(command))


def test_a_key_is_forgotten_when_it_is_older_than_the_window() -> None:
    audited = opened_exchange(limits=Limits(idempotency_window_ns=WINDOW_NS))
    audited.apply(deposit("k"), at_ns=1_000)
    assert isinstance(audited.apply(deposit("k"), at_ns=1_100)[0], CommandReplayed)
    assert isinstance(audited.apply(deposit("k"), at_ns=1_101)[0], FundsDeposited)
    assert isinstance(audited.apply(deposit("k"), at_ns=1_201)[0], CommandReplayed)
    audited.finish()


def test_the_oldest_key_is_forgotten_when_there_are_too_many() -> None:
    audited = opened_exchange(limits=Limits(idempotency_keys_max=2))
    for key in "abc":
        audited.apply(deposit(key))
    assert sorted(audited.keeper.keys) == [(1, "b"), (1, "c")]
    assert isinstance(audited.apply(deposit("b"))[0], CommandReplayed)
    assert isinstance(audited.apply(deposit("a"))[0], FundsDeposited)
    assert sorted(audited.keeper.keys) == [(1, "a"), (1, "c")]
    audited.finish()


def test_a_key_forgotten_and_used_again_between_two_drains_is_kept() -> None:
    exchange = Exchange(Limits(idempotency_keys_max=1))
    for number, key in enumerate("aba", 1):
        exchange.apply(deposit(key), n=number, fingerprint=bytes([number]))
    changes = exchange.drain_changes()
    assert changes.results_added == {(1, "a"): (3, b"\x03")}
    assert changes.results_forgotten == [(1, "b")]


def test_after_a_quiet_day_keys_are_forgotten_in_bounded_steps_but_have_no_effect() -> None:
    count = 2 * FORGOTTEN_PER_COMMAND_MAX + 500
    limits = Limits(idempotency_window_ns=10 * FORGET_EVERY_NS)
    exchange = opened_exchange(limits=limits).exchange
    for i in range(count):
        exchange.apply(deposit(f"k{i}"), at_ns=1_000)
    exchange.drain_changes()
    last = f"k{count - 1}"
    later_ns = 12 * FORGET_EVERY_NS
    used_anew = exchange.apply(deposit(last), at_ns=later_ns)
    assert isinstance(used_anew[0], FundsDeposited), "a key over its time is no repeat"
    assert len(exchange.drain_changes().results_forgotten) == FORGOTTEN_PER_COMMAND_MAX
    twin = Exchange.restore(exchange.rows(), limits)
    for step in range(1, 4):
        for one in (exchange, twin):
            at_ns = later_ns + step * FORGET_EVERY_NS
            assert isinstance(one.apply(deposit(last), at_ns=at_ns)[0], CommandReplayed)
        changes, twins = exchange.drain_changes(), twin.drain_changes()
        assert changes.results_forgotten == twins.results_forgotten
        assert len(changes.results_forgotten) <= FORGOTTEN_PER_COMMAND_MAX
    assert [key.key for key in exchange.rows().remembered_keys] == [last]


def test_time_never_goes_back() -> None:
    exchange = Exchange()
    exchange.unreadable(1, 500)
    exchange.skip(7, 400)
    assert (exchange.n, exchange.at_ns) == (7, 500)
