"""What all request bodies have in common. The rule of this file: a body is closed.

A name that is not known is refused, and what is as by default is not written.
"""

from msgspec import Struct


class Body(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request's body; by what is left out its readers see that no name was given twice."""
