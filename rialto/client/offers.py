"""What the clients offer: each call as a method. The rule of this file: one line for each call.

`rialto.client.calls` says what each takes and gives.
"""

from rialto.client import calls
from rialto.client.calls import admin
from rialto.client.method import Method


class PublicCalls:
    """The calls at the public door."""

    # account
    accounts = Method(calls.accounts)
    balances = Method(calls.balances)
    create_account = Method(calls.create_account)
    rename_account = Method(calls.rename_account)

    # history
    fills = Method(calls.fills)
    klines = Method(calls.klines)
    ledger = Method(calls.ledger)
    order_history = Method(calls.order_history)
    order_story = Method(calls.order_story)
    rejections = Method(calls.rejections)
    tickers = Method(calls.tickers)
    trade_history = Method(calls.trade_history)

    # identity
    begin_totp = Method(calls.begin_totp)
    change_password = Method(calls.change_password)
    confirm_totp = Method(calls.confirm_totp)
    end_other_sessions = Method(calls.end_other_sessions)
    end_session = Method(calls.end_session)
    feed_ticket = Method(calls.feed_ticket)
    me = Method(calls.me)
    register = Method(calls.register)
    remove_totp = Method(calls.remove_totp)
    reset_password = Method(calls.reset_password)
    sessions = Method(calls.sessions)

    # keys
    change_key = Method(calls.change_key)
    keys = Method(calls.keys)
    make_key = Method(calls.make_key)
    revoke_key = Method(calls.revoke_key)

    # many_orders
    batch = Method(calls.batch)
    cancel_timer = Method(calls.cancel_timer)
    place_oco = Method(calls.place_oco)
    place_oto = Method(calls.place_oto)
    set_cancel_timer = Method(calls.set_cancel_timer)

    # market_data
    asset = Method(calls.asset)
    assets = Method(calls.assets)
    depth = Method(calls.depth)
    market = Method(calls.market)
    markets = Method(calls.markets)
    time = Method(calls.time)
    trades = Method(calls.trades)

    # money
    cancel_withdrawal = Method(calls.cancel_withdrawal)
    deposits = Method(calls.deposits)
    take_from_faucet = Method(calls.take_from_faucet)
    transfer = Method(calls.transfer)
    transfer_status = Method(calls.transfer_status)
    withdraw = Method(calls.withdraw)
    withdrawal = Method(calls.withdrawal)
    withdrawals = Method(calls.withdrawals)

    # orders
    amend_order = Method(calls.amend_order)
    cancel_all_orders = Method(calls.cancel_all_orders)
    cancel_order = Method(calls.cancel_order)
    check_order = Method(calls.check_order)
    open_orders = Method(calls.open_orders)
    order = Method(calls.order)
    order_answer = Method(calls.order_answer)
    place_order = Method(calls.place_order)


class AdminCalls:
    """The calls at the operators' door."""

    # markets
    assets = Method(admin.assets)
    create_asset = Method(admin.create_asset)
    create_market = Method(admin.create_market)
    halt_all_markets = Method(admin.halt_all_markets)
    markets = Method(admin.markets)
    reopen_markets = Method(admin.reopen_markets)
    set_market_status = Method(admin.set_market_status)
    update_market = Method(admin.update_market)

    # money
    approve_withdrawal = Method(admin.approve_withdrawal)
    deposit = Method(admin.deposit)
    deposits = Method(admin.deposits)
    fees = Method(admin.fees)
    pay_out_fees = Method(admin.pay_out_fees)
    refuse_withdrawal = Method(admin.refuse_withdrawal)
    withdrawal = Method(admin.withdrawal)
    withdrawals = Method(admin.withdrawals)

    # people
    account = Method(admin.account)
    account_limits = Method(admin.account_limits)
    bans = Method(admin.bans)
    change_user = Method(admin.change_user)
    issue_reset_code = Method(admin.issue_reset_code)
    lift_ban = Method(admin.lift_ban)
    remove_totp_of = Method(admin.remove_totp_of)
    set_account_limits = Method(admin.set_account_limits)
    set_suspension = Method(admin.set_suspension)
    set_tier = Method(admin.set_tier)
    users = Method(admin.users)

    # venue
    audit = Method(admin.audit)
    command_status = Method(admin.command_status)
    halt_venue = Method(admin.halt_venue)
    proof = Method(admin.proof)
    resume_venue = Method(admin.resume_venue)
    risk = Method(admin.risk)
    venue = Method(admin.venue)
    verify_audit = Method(admin.verify_audit)

    # identity
    begin_totp = Method(admin.begin_totp)
    change_password = Method(admin.change_password)
    confirm_totp = Method(admin.confirm_totp)
    end_other_sessions = Method(admin.end_other_sessions)
    end_session = Method(admin.end_session)
    me = Method(admin.me)
    remove_totp = Method(admin.remove_totp)
    sessions = Method(admin.sessions)
