"""A call as a method of a client.

The rule of this file: what a method takes and gives is what its call takes and gives, for those who
wait and for those who await.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from rialto.client.call import Call

P = ParamSpec("P")
T = TypeVar("T")


class Waits(Protocol):
    """A client that waits for its answers."""

    def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""


class Awaits(Protocol):
    """A client whose answers are awaited."""

    async def send(self, call: Call[T]) -> T:
        """Make a call and return its answer."""


class Method(Generic[P, T]):
    """A call as a method of a client of either kind."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: Awaits, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: Waits, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    def __get__(self, client: Any, owner: type) -> object:
        if client is None:
            return self

        @wraps(self.build)
        def call(*args: P.args, **kwargs: P.kwargs) -> object:
            return client.send(self.build(*args, **kwargs))

        return call
