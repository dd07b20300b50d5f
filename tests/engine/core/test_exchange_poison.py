"""No command that can be decoded, however mad, makes the exchange raise or lose an atom."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.exchange import Limits
from shared.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelWithdrawal,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    FeeTier,
    MarketRules,
    MarketStatus,
    OrderTested,
    OrderType,
    PayOutFees,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Rejected,
    RequestWithdrawal,
    ResolveWithdrawal,
    SelfTrade,
    SetAccountTier,
    SetCancelTimer,
    SetMarketStatus,
    Side,
    SkipCommand,
    SuspendAccount,
    TestOrder,
    Tick,
    TimeInForce,
    Transfer,
    UpdateMarket,
    Withdraw,
)
from shared.wire import decode_command, encode
from tests.support.scenario import MARKET, opened_exchange

LIMIT = 2**63
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.sampled_from((-LIMIT, LIMIT - 1, LIMIT, 2**64 - 1, 2**62, 2**31, 10**18)),
    st.integers(-LIMIT, 2**64 - 1),
)
TEXTS = st.one_of(
    st.sampled_from(
        ("", MARKET, "BTC", "USD", "BTC_BTC", "USD_BTC", "a", "k1", "\u0661", "A" * 99)
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=70),
)
ASSETS = st.one_of(st.sampled_from(("USD", "BTC")), TEXTS)
ACCOUNTS = st.one_of(st.sampled_from((0, 1, 1, 2, 2)), NUMBERS)
SENDER: dict[str, Any] = {"account_id": ACCOUNTS, "idempotency_key": TEXTS}
SCALES = st.one_of(st.integers(-1, 9), NUMBERS)

OR_NOTHING = st.one_of(st.just(0), NUMBERS)
RULES = st.builds(
    MarketRules,
    maker_fee_ppm=OR_NOTHING,
    taker_fee_ppm=OR_NOTHING,
    tiers=st.lists(st.builds(FeeTier, NUMBERS, NUMBERS), max_size=2).map(tuple),
    self_trade=st.sampled_from(SelfTrade),
    price_step_ticks=st.one_of(st.just(1), NUMBERS),
    quantity_step_lots=st.one_of(st.just(1), NUMBERS),
    quantity_min_lots=st.one_of(st.just(1), NUMBERS),
    quantity_max_lots=OR_NOTHING,
    notional_min_atoms=OR_NOTHING,
    buy_band_ppm=OR_NOTHING,
    sell_band_ppm=OR_NOTHING,
    reference_price_ticks=OR_NOTHING,
    open_orders_max=OR_NOTHING,
    halt_move_ppm=OR_NOTHING,
    halt_window_ns=OR_NOTHING,
    halt_ns=OR_NOTHING,
    reopen_ns=OR_NOTHING,
)
FIELDS = st.sampled_from((*MarketRules.__struct_fields__, "", "market"))
ORDERS: st.SearchStrategy[PlaceOrder] = st.builds(
    PlaceOrder,
    market=st.one_of(st.just(MARKET), TEXTS),
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce),
    price_ticks=OR_NOTHING,
    quantity_lots=NUMBERS,
    budget_atoms=OR_NOTHING,
    client_order_id=TEXTS,
    post_only=st.booleans(),
    self_trade=st.one_of(st.none(), st.sampled_from(SelfTrade)),
    expires_at_ns=OR_NOTHING,
    display_lots=OR_NOTHING,
    stop_price_ticks=OR_NOTHING,
    trail_ticks=OR_NOTHING,
    trail_ppm=OR_NOTHING,
    reject_if_met=st.booleans(),
    **SENDER,
)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(CreateAsset, asset=TEXTS, scale=SCALES, **SENDER),
    st.builds(
        CreateMarket,
        market=TEXTS,
        base=TEXTS,
        quote=TEXTS,
        price_scale=SCALES,
        price_tick=NUMBERS,
        lot_atoms=NUMBERS,
        fee_asset=st.sampled_from(FeeAsset),
        rules=RULES,
        **SENDER,
    ),
    st.builds(
        UpdateMarket,
        market=st.one_of(st.just(MARKET), TEXTS),
        rules=RULES,
        fields=st.one_of(st.just(()), st.lists(FIELDS, max_size=3).map(tuple)),
        **SENDER,
    ),
    st.builds(
        SetMarketStatus,
        market=st.one_of(st.just(MARKET), TEXTS),
        status=st.sampled_from(MarketStatus),
        **SENDER,
    ),
    st.builds(SetAccountTier, target_account_id=ACCOUNTS, tier=NUMBERS, **SENDER),
    st.builds(
        SuspendAccount,
        target_account_id=ACCOUNTS,
        is_suspended=st.booleans(),
        cancel_orders=st.booleans(),
        **SENDER,
    ),
    st.builds(Tick, **SENDER),
    st.builds(
        Transfer,
        to_account_id=ACCOUNTS,
        asset=TEXTS,
        amount_atoms=NUMBERS,
        reference=TEXTS,
        **SENDER,
    ),
    st.builds(SetCancelTimer, timeout_ns=NUMBERS, **SENDER),
    st.builds(
        CancelAll,
        market=st.one_of(st.just(MARKET), TEXTS),
        side=st.one_of(st.none(), st.sampled_from(Side)),
        **SENDER,
    ),
    st.builds(PlaceOco, limit=ORDERS, stop=ORDERS, **SENDER),
    st.builds(PlaceOto, parent=ORDERS, child=ORDERS, **SENDER),
    ORDERS,
    st.builds(Deposit, asset=TEXTS, amount_atoms=NUMBERS, reference=TEXTS, **SENDER),
    st.builds(Withdraw, asset=TEXTS, amount_atoms=NUMBERS, reference=TEXTS, **SENDER),
    st.builds(RequestWithdrawal, asset=ASSETS, amount_atoms=NUMBERS, reference=TEXTS, **SENDER),
    st.builds(CancelWithdrawal, withdrawal_id=NUMBERS, **SENDER),
    st.builds(ResolveWithdrawal, withdrawal_id=NUMBERS, is_settled=st.booleans(), **SENDER),
    st.builds(
        PayOutFees,
        asset=ASSETS,
        amount_atoms=NUMBERS,
        to_account_id=ACCOUNTS,
        reference=TEXTS,
        **SENDER,
    ),
    st.builds(TestOrder, order=ORDERS, **SENDER),
    st.builds(CancelOrder, order_id=NUMBERS, client_order_id=TEXTS, **SENDER),
    st.builds(
        AmendOrder,
        order_id=NUMBERS,
        client_order_id=TEXTS,
        quantity_lots=st.one_of(st.none(), NUMBERS),
        price_ticks=OR_NOTHING,
        stop_price_ticks=OR_NOTHING,
        **SENDER,
    ),
    st.builds(SkipCommand, skip_n=NUMBERS, **SENDER),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(COMMANDS, st.integers(0, 30)), max_size=25), st.sampled_from(FeeAsset))
def test_no_decodable_command_stops_the_exchange(
    entries: list[tuple[Command, int]], fee_asset: FeeAsset
) -> None:
    limits = Limits(
        idempotency_window_ns=20,
        idempotency_keys_max=3,
        closed_orders_max=2,
        closed_orders_window_ns=10,
    )
    audited = opened_exchange(fee_asset, 100, 5_000, limits)
    for account_id in (1, 2):
        for asset in ("BTC", "USD"):
            deposit = Deposit(account_id=account_id, asset=asset, amount_atoms=10**17)
            audited.apply(deposit)
    for command, at_ns in entries:
        before = audited.exchange.state_hash()
        events = audited.apply(decode_command(encode(command)), at_ns)
        if isinstance(events[0], Rejected):
            assert len(events) == 1
            assert audited.exchange.state_hash() == before, "A rejected command changed something."
        if isinstance(events[-1], OrderTested) and len(events) == 1:
            assert audited.exchange.state_hash() == before, "A test has changed something."
    assert len(audited.keeper.keys) <= limits.idempotency_keys_max
    assert len(audited.keeper.closed_orders) <= limits.closed_orders_max
    audited.finish()


def test_an_amount_at_the_limit_is_refused_and_one_below_it_is_taken() -> None:
    audited = opened_exchange()
    for amount, accepted in ((LIMIT, False), (LIMIT - 1, True), (1, False)):
        event = audited.apply(Deposit(account_id=1, asset="USD", amount_atoms=amount))[0]
        assert isinstance(event, Rejected) is not accepted
    place = PlaceOrder(
        account_id=1, market=MARKET, side=Side.BUY, price_ticks=LIMIT - 1, quantity_lots=1
    )
    assert not isinstance(audited.apply(place)[0], Rejected)
    assert audited.exchange.balance(1, "USD") == (0, LIMIT - 1)
    audited.finish()
