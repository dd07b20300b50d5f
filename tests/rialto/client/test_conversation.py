"""What a client does next, told as a dialogue without any network."""

from collections.abc import Sequence

import msgspec
import pytest

from rialto.client.call import Accepted, Call
from rialto.client.conversation import Lost, Pause, Response, Send, Talk
from rialto.client.errors import RefusedError, UnansweredError
from rialto.client.identities import Tokens
from shared.rest.identity import LoggedIn
from shared.rest.keys import MakeKeyBody
from shared.rest.market_data import Time
from shared.rest.orders import PlaceOrderBody

READ = Call("GET", "/api/v1/time", Time)
ORDER = PlaceOrderBody(market="TATA_INR", side="buy")
COMMAND = Call("POST", "/api/v1/order", Time, ORDER, key="once", accepted=Accepted.LOOK)
AGAIN = Call("POST", "/api/v1/order", Time, ORDER, key="once")
NO_KEY = Call("POST", "/api/v1/keys", Time, MakeKeyBody(label="bot"))
BY_NATURE = Call("DELETE", "/api/v1/withdrawals/12", Time, repeats=True)
ANSWER = Response(200, {}, msgspec.json.encode({"time_ms": 5, "time_ns": 5_000_000}))
LOST = Lost("the line is dead")
TIMEOUT_S = 10.0


def refusal(status: int, code: str, **more: object) -> Response:
    return Response(status, {}, msgspec.json.encode({"code": code, "message": "No.", **more}))


EXPIRED = refusal(401, "TOKEN_EXPIRED")
RENEWED = Response(
    200, {}, msgspec.json.encode(LoggedIn("new", "Bearer", 900, 1, "next", 2_592_000, "s"))
)


class Dialogue:
    """Plays the network: gives the scripted replies and keeps what was sent.

    Its clock goes on by what is paused and by `per_attempt_s` for each attempt.
    """

    def __init__(self, *replies: Response | Lost, per_attempt_s: float = 0.0) -> None:
        self.replies: Sequence[Response | Lost] = replies
        self.sent: list[Send] = []
        self.now_s = 0.0
        self.per_attempt_s = per_attempt_s
        self.tokens = Tokens("old", "refresh-me")

    def about(self, call: Call[Time]) -> Time:
        talk = Talk(self.tokens, timeout_s=TIMEOUT_S, clock=lambda: self.now_s).about(call)
        step = next(talk)
        while True:
            try:
                if isinstance(step, Pause):
                    self.now_s += step.seconds
                    step = talk.send(None)
                else:
                    self.sent.append(step)
                    self.now_s += self.per_attempt_s
                    # The last reply is what comes from then on.
                    reply = self.replies[min(len(self.sent), len(self.replies)) - 1]
                    step = talk.send(reply)
            except StopIteration as end:
                answer: Time = end.value
                return answer


def test_an_answer_is_returned_as_its_type() -> None:
    assert Dialogue(ANSWER).about(READ) == Time(5, 5_000_000)


def test_a_refusal_is_raised_with_its_code_and_field() -> None:
    with pytest.raises(RefusedError) as raised:
        Dialogue(refusal(422, "INVALID_TICK", field="price", n=7)).about(COMMAND)
    assert (raised.value.code, raised.value.field) == ("INVALID_TICK", "price")
    assert raised.value.details["n"] == 7


@pytest.mark.parametrize("reply", [LOST, refusal(503, "BUSY"), refusal(504, "UNKNOWN_OUTCOME")])
def test_a_command_is_sent_again_with_its_key_until_it_is_answered(reply: Response | Lost) -> None:
    dialogue = Dialogue(reply, reply, ANSWER)
    assert dialogue.about(COMMAND) == Time(5, 5_000_000)
    assert len(dialogue.sent) == 3
    assert {send.headers["Idempotency-Key"] for send in dialogue.sent} == {"once"}
    assert len({send.content for send in dialogue.sent}) == 1


def test_what_has_no_key_is_sent_once() -> None:
    dialogue = Dialogue(LOST, ANSWER)
    with pytest.raises(UnansweredError):
        dialogue.about(NO_KEY)
    assert len(dialogue.sent) == 1


def test_a_command_that_was_lost_and_then_not_taken_is_not_called_refused() -> None:
    dialogue = Dialogue(LOST, refusal(503, "BUSY"))
    with pytest.raises(UnansweredError) as raised:
        dialogue.about(COMMAND)
    assert raised.value.idempotency_key == "once"


def test_a_command_that_was_lost_and_then_met_a_closed_door_is_not_called_refused() -> None:
    with pytest.raises(UnansweredError):
        Dialogue(LOST, refusal(401, "INVALID_TOKEN")).about(COMMAND)


def test_the_engines_word_is_final_also_after_a_lost_attempt() -> None:
    with pytest.raises(RefusedError):
        Dialogue(LOST, refusal(422, "INSUFFICIENT_FUNDS", n=9)).about(COMMAND)


def test_a_command_that_was_never_taken_is_refused_when_the_time_is_over() -> None:
    dialogue = Dialogue(refusal(503, "HALTED"))
    with pytest.raises(RefusedError) as raised:
        dialogue.about(COMMAND)
    assert raised.value.code == "HALTED"
    assert dialogue.now_s <= TIMEOUT_S


def test_a_wait_that_is_asked_for_is_kept() -> None:
    busy = Response(429, {"retry-after": "3"}, b'{"code":"TOO_MANY_REQUESTS"}')
    dialogue = Dialogue(busy, ANSWER)
    assert dialogue.about(READ) == Time(5, 5_000_000)
    assert dialogue.now_s >= 3


def test_an_accepted_command_is_asked_for_at_its_status_url() -> None:
    place = "/api/v1/order?idempotency_key=once&n=4"
    accepted = Response(202, {}, msgspec.json.encode({"status_url": place}))
    dialogue = Dialogue(accepted, accepted, ANSWER)
    assert dialogue.about(COMMAND) == Time(5, 5_000_000)
    assert [(send.method, send.target) for send in dialogue.sent[1:]] == [("GET", place)] * 2


def test_an_accepted_command_without_a_result_is_unanswered_not_refused() -> None:
    accepted = Response(202, {}, msgspec.json.encode({"status_url": "/api/v1/order?n=4"}))
    with pytest.raises(UnansweredError):
        Dialogue(accepted, refusal(503, "REDIS_UNAVAILABLE")).about(COMMAND)


@pytest.mark.parametrize("place", ["", "https://elsewhere.example/", "//elsewhere.example/x"])
def test_a_status_url_that_leads_elsewhere_is_not_followed(place: str) -> None:
    accepted = Response(202, {}, msgspec.json.encode({"status_url": place}))
    dialogue = Dialogue(accepted, ANSWER)
    with pytest.raises(UnansweredError, match="status_url"):
        dialogue.about(COMMAND)
    assert len(dialogue.sent) == 1


def test_what_is_answered_by_less_at_its_status_url_is_said_again() -> None:
    accepted = Response(202, {}, msgspec.json.encode({"status_url": "/api/v1/commands?n=4"}))
    dialogue = Dialogue(accepted, accepted, ANSWER)
    assert dialogue.about(AGAIN) == Time(5, 5_000_000)
    assert {(send.method, send.content) for send in dialogue.sent} == {("POST", AGAIN.content())}
    assert {send.headers["Idempotency-Key"] for send in dialogue.sent} == {"once"}


def test_what_counts_once_by_its_nature_is_sent_again_without_a_key() -> None:
    dialogue = Dialogue(LOST, ANSWER)
    assert dialogue.about(BY_NATURE) == Time(5, 5_000_000)
    assert [send.headers.get("Idempotency-Key") for send in dialogue.sent] == [None, None]


def test_what_counts_once_by_its_nature_is_not_called_refused_after_a_lost_attempt() -> None:
    with pytest.raises(UnansweredError):
        Dialogue(LOST, refusal(503, "BUSY")).about(BY_NATURE)


@pytest.mark.parametrize("code", ["DEPOSIT_UNRESOLVED", "WITHDRAWAL_UNRESOLVED"])
def test_what_nobody_can_resolve_any_more_is_not_called_refused(code: str) -> None:
    with pytest.raises(UnansweredError, match=code):
        Dialogue(refusal(409, code)).about(COMMAND)


def test_an_answer_of_another_kind_is_no_answer() -> None:
    with pytest.raises(UnansweredError) as raised:
        Dialogue(Response(200, {}, b'{"hello":"world"}')).about(COMMAND)
    assert raised.value.idempotency_key == "once"


def test_a_wait_until_a_date_is_not_understood_and_not_fatal() -> None:
    later = Response(503, {"retry-after": "Fri, 21 Nov 2031 07:28:00 GMT"}, b'{"code":"BUSY"}')
    assert Dialogue(later, ANSWER).about(READ) == Time(5, 5_000_000)


def test_an_expired_token_is_renewed_once_and_the_call_made_again() -> None:
    dialogue = Dialogue(EXPIRED, RENEWED, ANSWER)
    assert dialogue.about(READ) == Time(5, 5_000_000)
    assert dialogue.sent[1].target == "/api/v1/auth/refresh"
    assert dialogue.sent[1].content == b'{"refresh_token":"refresh-me","account_id":null}'
    assert dialogue.sent[2].headers["Authorization"] == "Bearer new"


def test_the_next_renewal_uses_the_token_that_the_last_one_gave() -> None:
    dialogue = Dialogue(EXPIRED, RENEWED, ANSWER)
    dialogue.about(READ)
    assert dialogue.tokens.refresh_token == "next"


def test_a_renewal_is_for_the_account_that_the_client_speaks_for() -> None:
    dialogue = Dialogue(EXPIRED, RENEWED, ANSWER)
    dialogue.tokens.take(LoggedIn("old", "Bearer", 900, 42, "refresh-me", 2_592_000, "s"))
    dialogue.about(READ)
    assert dialogue.sent[1].content == b'{"refresh_token":"refresh-me","account_id":42}'


def test_a_renewal_whose_answer_is_lost_is_asked_for_with_the_same_token() -> None:
    dialogue = Dialogue(EXPIRED, LOST, RENEWED, ANSWER)
    assert dialogue.about(READ) == Time(5, 5_000_000)
    assert dialogue.sent[1].content == dialogue.sent[2].content


def test_calls_that_expire_together_renew_once() -> None:
    talk = Talk(Tokens("old", "refresh-me"), timeout_s=TIMEOUT_S, clock=lambda: 0.0)
    first, second, third = (talk.about(READ) for _ in range(3))
    for each in (first, second, third):
        next(each)
    assert isinstance(renewal := first.send(EXPIRED), Send)
    assert renewal.target == "/api/v1/auth/refresh"
    assert isinstance(second.send(EXPIRED), Pause)
    assert sent_again(first.send(RENEWED))
    assert sent_again(second.send(None))
    assert sent_again(third.send(EXPIRED))


def test_a_renewal_that_is_given_up_leaves_the_way_free() -> None:
    talk = Talk(Tokens("old", "refresh-me"), timeout_s=TIMEOUT_S, clock=lambda: 0.0)
    first, second = talk.about(READ), talk.about(READ)
    next(first), next(second)
    first.send(EXPIRED)
    first.close()
    assert isinstance(renewal := second.send(EXPIRED), Send)
    assert renewal.target == "/api/v1/auth/refresh"


def sent_again(step: Send | Pause) -> bool:
    return isinstance(step, Send) and step.headers["Authorization"] == "Bearer new"


def test_a_token_that_cannot_be_renewed_is_refused() -> None:
    expired = refusal(401, "TOKEN_EXPIRED")
    dialogue = Dialogue(expired, refusal(401, "INVALID_REFRESH_TOKEN"), expired)
    with pytest.raises(RefusedError) as raised:
        dialogue.about(READ)
    assert raised.value.code == "TOKEN_EXPIRED"


def test_an_answer_that_is_no_json_is_still_an_error_of_ours() -> None:
    with pytest.raises(RefusedError) as raised:
        Dialogue(Response(418, {}, b"<html>")).about(READ)
    assert raised.value.status == 418
