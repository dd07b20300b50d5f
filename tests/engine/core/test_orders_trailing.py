"""Trailing stops, told as tables: the stop price follows the market one way and waits the other."""

from tests.support.scenario import FUNDED, play


def trade_at(price: int) -> str:
    """Return two lines that make one trade, between alice and carol."""
    return f"""
        sell alice #x 1 @ {price}
        buy carol #y 1 @ {price}"""


def test_without_any_price_nothing_can_trail() -> None:
    play(f"""{FUNDED}
        sell bob #1 1 trail 5            -> NO_PRICE_YET
        rules reference_price_ticks=50
        sell bob #1 1 trail 5            -> accepted
        stops #1 at 45
    """)


def test_a_sells_stop_price_rises_with_the_market_and_never_falls() -> None:
    play(f"""{FUNDED}
        buy dave #9 5 @ 80
        {trade_at(100)}
        sell bob #1 2 trail 5
        stops #1 at 95
        {trade_at(104)}
        stops #1 at 99
        {trade_at(100)}
        stops #1 at 99
        sell alice #2 1 @ 99
        buy carol #3 1 @ 99  -> accepted, trade with #2: 1 @ 99, #1 triggered at 99, \
#1 trade with #9: 2 @ 80
    """)


def test_a_buys_stop_price_falls_with_the_market_and_never_rises() -> None:
    play(f"""{FUNDED}
        sell dave #9 5 @ 120
        {trade_at(100)}
        buy bob #1 2 trail 5
        stops #1 at 105
        {trade_at(96)}
        stops #1 at 101
        {trade_at(100)}
        stops #1 at 101
        sell alice #2 1 @ 101
        buy carol #3 1 @ 101  -> accepted, trade with #2: 1 @ 101, #1 triggered at 101, \
#1 trade with #9: 2 @ 120
    """)


def test_a_distance_by_share_is_of_the_watermark_and_rounded_up() -> None:
    play(f"""{FUNDED}
        {trade_at(101)}
        sell bob #1 1 trail 2%
        stops #1 at 98
        {trade_at(150)}
        stops #1 at 147
        {trade_at(151)}
        stops #1 at 147
        buy bob #2 1 trail 1%
        stops #2 at 153
    """)


def test_a_distance_beyond_the_price_is_never_met() -> None:
    play(f"""{FUNDED}
        {trade_at(10)}
        sell bob #1 1 trail 20
        stops #1 at 0
        {trade_at(1)}
        open bob #1
        {trade_at(25)}
        stops #1 at 5
    """)


def test_a_sweep_moves_a_stop_by_its_last_price() -> None:
    play(f"""{FUNDED}
        buy dave #9 5 @ 80
        {trade_at(100)}
        sell bob #1 1 trail 4
        sell alice #2 1 @ 101
        sell alice #3 1 @ 109
        buy carol #4 2 @ 109  -> accepted, trade with #2: 1 @ 101, trade with #3: 1 @ 109
        stops #1 at 105
    """)


def test_a_buy_holds_what_its_first_stop_price_comes_to_until_it_fires() -> None:
    play(f"""{FUNDED}
        sell dave #9 5 @ 107
        {trade_at(100)}
        buy bob #1 2 trail 5
        balance bob USD 99790 held 210
        {trade_at(90)}
        stops #1 at 95
        balance bob USD 99790 held 210
        sell alice #2 1 @ 95
        buy carol #3 1 @ 95  -> accepted, trade with #2: 1 @ 95, #1 triggered at 95, \
#1 trade with #9: 2 @ 107
        balance bob USD 99786 held 0
    """)


def test_a_trailing_stop_names_one_distance_and_no_price() -> None:
    play(f"""{FUNDED}
        {trade_at(100)}
        sell bob #1 1 trail 0          -> INVALID_TRAIL
        sell bob #1 1 trail -1         -> INVALID_TRAIL
        sell bob #1 1 trail 101%       -> INVALID_TRAIL
        sell bob #1 1 trail 5 trail 2% -> INVALID_TRAIL
        sell bob #1 1 trail 5 stop 90  -> INVALID_STOP_PRICE
        sell bob #1 1 trail 5 @ 90     -> INVALID_PRICE
        sell bob #1 1 trail 100%       -> accepted
        stops #1 at 0
    """)


def test_its_quantity_can_be_amended_and_its_stop_price_cannot() -> None:
    play(f"""{FUNDED}
        {trade_at(100)}
        sell bob #1 4 trail 5
        amend bob #1 stop 97  -> INVALID_STOP_PRICE
        amend bob #1 6        -> amended 6
        holds #1 6
        amend bob #1 2        -> amended 2
        holds #1 2
        stops #1 at 95
    """)
