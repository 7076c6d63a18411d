"""What was looked up lately: memory that is bounded and begins anew when it is full.

What is asked for again and again is soon there again; to keep an order of use for thousands
that are not would cost more than that.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")


class BoundedCache(Generic[K, V]):
    """At most `most` values by their keys; `get` gives None for what is not there."""

    __slots__ = ("_most", "_values", "get")

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}
        self.get = self._values.get

    def keep(self, key: K, value: V) -> V:
        """Remember a value and give it back."""
        if len(self._values) >= self._most:
            self._values.clear()
        self._values[key] = value
        return value


class IdentityCache(Generic[T, V]):
    """Values of objects, by which object it is: shared ones are told apart without a comparison.

    An object is held as long as its value is, so that no other one can be taken for it.
    """

    __slots__ = ("_known",)

    def __init__(self, most: int) -> None:
        self._known: BoundedCache[int, tuple[T, V]] = BoundedCache(most)

    def get(self, thing: T) -> V | None:
        """The value of an object, None if it is not remembered."""
        known = self._known.get(id(thing))
        return known[1] if known else None

    def keep(self, thing: T, value: V) -> V:
        """Remember the value of an object and give it back."""
        return self._known.keep(id(thing), (thing, value))[1]
