"""The names of a venue: one hash tag on all of them, and a data model that forgets none."""

import inspect
import re

import pytest

from shared import channels
from shared.channels import Keys, balance_field, result_field

VENUE = "venue-of-the-test"


def names_of(keys: Keys) -> dict[str, str]:
    """Return every name that `Keys` can make, by the attribute or method that makes it."""
    names = {name: value for name, value in vars(keys).items() if name != "tag"}
    for name, method in inspect.getmembers(keys, inspect.ismethod):
        if name.startswith("_"):
            continue
        arguments = [7 if kind is int else "x" for kind in _parameter_types(name)]
        names[name] = method(*arguments)
    return names


def _parameter_types(method: str) -> list[type]:
    parameters = inspect.signature(getattr(Keys, method)).parameters.values()
    return [parameter.annotation for parameter in parameters if parameter.name != "self"]


def data_model() -> list[str]:
    """Return the suffixes of the names in the docstring's tables, `open:<account>` as `open:`."""
    found = re.findall(r"^\{v\}:([a-z_]+:?)", channels.__doc__ or "", re.MULTILINE)
    assert len(found) > 20, "the table is where it was"
    return found


def test_every_name_is_in_the_hash_slot_of_its_venue() -> None:
    for name in names_of(Keys(VENUE)).values():
        assert name.startswith(f"{{{VENUE}}}:"), name
        assert name.count("{") == name.count("}") == 1, name


def test_no_two_names_are_the_same() -> None:
    names = list(names_of(Keys(VENUE)).values())
    assert len(set(names)) == len(names)


def test_two_venues_share_no_name() -> None:
    one, other = (set(names_of(Keys(venue)).values()) for venue in ("one", "other"))
    assert not one & other


def test_the_data_model_describes_every_name_and_no_other() -> None:
    made = {
        re.sub(r"^(\w+:).+", r"\1", name.removeprefix(f"{{{VENUE}}}:"))
        for name in names_of(Keys(VENUE)).values()
    }
    assert made == set(data_model())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (result_field(1, "2:a"), result_field(12, "a")),
        (result_field(1, "a"), result_field(2, "a")),
        (balance_field(1, "INR"), balance_field(11, "INR")),
        (balance_field(1, "INR"), balance_field(1, "JIO")),
    ],
)
def test_a_field_belongs_to_one_account(one: str, other: str) -> None:
    assert one != other


def test_a_result_field_gives_back_its_account_whatever_the_key() -> None:
    account, _, key = result_field(7, "a:b:c").partition(":")
    assert (account, key) == ("7", "a:b:c")
