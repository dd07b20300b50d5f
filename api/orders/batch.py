"""Many commands of one trader in one request.

The rule of this file: a batch that cannot be understood is refused before anything is sent, by the
place of the command at fault; what is sent is journalled all or none, and then each command is
answered on its own. So a batch may be sent again with its key until every answer is final.
"""

from collections.abc import Sequence

from api.edge.answers import error_body
from api.edge.errors import ApiError
from api.edge.params import checked_idempotency_key
from api.identity.caller import Caller
from api.orders.desk import Asked, Desk, wanted_to_amend
from api.orders.fields import about_part
from api.orders.lookup import Found, Wanted
from api.orders.outcomes import Told, final_answer, status_url
from api.orders.views import Fields
from shared.bus import BATCH_COMMANDS_MAX
from shared.outcomes import NotAccepted, Outcome, Unknown
from shared.rest.orders import BatchAmend, BatchCancel, BatchPlace
from shared.rest.texts import BATCH_SIZE_MAX

BatchCommand = BatchPlace | BatchCancel | BatchAmend
Answer = Told | ApiError  # Each command is told something, or refused.

BATCH_KEY_LENGTH_MAX = 61  # With a colon and a place of two digits it is a key like others.
assert BATCH_SIZE_MAX <= BATCH_COMMANDS_MAX


async def carry_out(
    desk: Desk, caller: Caller, commands: Sequence[BatchCommand], key: str
) -> list[Answer]:
    """Send the commands and return their answers, in order; raises ApiError if none was sent, or
    if it is not known whether any was.
    """
    keys = _keys_of(commands, key)
    found = await _find_to_amend(desk, caller, commands, keys)
    asked = []
    for place, (command, own_key) in enumerate(zip(commands, keys, strict=True)):
        try:
            asked.append(await _asked(desk, caller, command, own_key, found.get(place)))
        except ApiError as error:
            raise _about(place, error) from None
    outcomes = await desk.send_together(asked)
    _check_any_sent(asked, outcomes, key)
    return [
        await _answer(desk, each, outcome) for each, outcome in zip(asked, outcomes, strict=True)
    ]


def _keys_of(commands: Sequence[BatchCommand], key: str) -> list[str]:
    if len(key) > BATCH_KEY_LENGTH_MAX:
        sentence = f"The key of a batch has at most {BATCH_KEY_LENGTH_MAX} characters."
        raise ApiError("INVALID_IDEMPOTENCY_KEY", sentence, field="Idempotency-Key")
    keys: list[str] = []
    seen: set[str] = set()
    for place, command in enumerate(commands):
        field = f"commands[{place}].idempotency_key"
        own = command.idempotency_key
        if own is None:
            own, field_of_own = f"{key}:{place}", "Idempotency-Key"
        else:
            field_of_own = field
        checked_idempotency_key(own, field_of_own)  # Of `deposit`, too, a reserved one is made.
        if own in seen:
            sentence = "Two commands of a batch cannot have one key."
            raise ApiError("INVALID_IDEMPOTENCY_KEY", sentence, field=field)
        seen.add(own)
        keys.append(own)
    return keys


async def _find_to_amend(
    desk: Desk, caller: Caller, commands: Sequence[BatchCommand], keys: Sequence[str]
) -> dict[int, Found]:
    """Return what is found for each amendment, by its place."""
    wanted: dict[int, Wanted] = {}
    for place, command in enumerate(commands):
        if isinstance(command, BatchAmend):
            try:
                wanted[place] = wanted_to_amend(command, keys[place])
            except ApiError as error:
                raise _about(place, error) from None
    if not wanted:
        return {}
    found = await desk.find_to_amend(caller, list(wanted.values()))
    return dict(zip(wanted, found, strict=True))


async def _asked(
    desk: Desk, caller: Caller, command: BatchCommand, key: str, found: Found
) -> Asked:
    match command:
        case BatchPlace():
            return await desk.asked_to_place(caller, command, key)
        case BatchCancel():
            return desk.asked_to_cancel(caller, command, key)
        case BatchAmend():
            return await desk.asked_to_amend_found(caller, command, key, found)


def _check_any_sent(asked: Sequence[Asked], outcomes: Sequence[Outcome], key: str) -> None:
    sent = [outcome for each, outcome in zip(asked, outcomes, strict=True) if each.known is None]
    if sent and all(isinstance(outcome, NotAccepted) for outcome in sent):
        final_answer(sent[0], key)
    if sent and all(isinstance(outcome, Unknown) for outcome in sent):
        urls = [status_url(each.command.idempotency_key) for each in asked]
        details = {"idempotency_key": key, "status_urls": urls}
        sentence = (
            "The connection to the journal broke: all of the batch may be carried out, once, or "
            "none of it ever. Ask at the status_urls, or send the same batch again with the same "
            "Idempotency-Key."
        )
        raise ApiError("UNKNOWN_OUTCOME", sentence, details=details)


async def _answer(desk: Desk, asked: Asked, outcome: Outcome) -> Answer:
    try:
        return await desk.told(asked, outcome)
    except ApiError as error:
        return error


def result_of(answer: Answer, request_id: str) -> Fields:
    """Return a BatchResult."""
    if isinstance(answer, ApiError):
        return {"status": answer.status, "body": error_body(answer, request_id)}
    return {"status": answer.status, "body": answer.body}


def _about(place: int, error: ApiError) -> ApiError:
    return about_part(f"commands[{place}]", error)
