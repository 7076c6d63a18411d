"""Bounded in-memory caches, and the sizes of all caches of parsing and judging.

A cache is cleared when it is full. That is cheaper than the bookkeeping of an LRU cache here:
the few entries that nearly all origins share are back at once, and the others seldom recur.
`functools.lru_cache` is used where the cached function is a pure function of one argument.

| constant           | what is cached                           | owner                         |
|--------------------|------------------------------------------|-------------------------------|
| `RESPONSES`        | readings, by stored body or by headers   | a `SnapshotReader`            |
| `DOCUMENTS`        | readings, by normalised document         | a `SnapshotReader`            |
| `EVALUATIONS`      | evaluations, by equal evidence           | an `EvaluationCache`          |
| `PATH_VERDICTS`    | verdicts, by evidence and pattern set    | an `EvaluationCache`          |
| `SHARED_VERDICTS`  | verdicts, by evidence key and question   | a `SharedVerdicts`            |
| `READING_NUMBERS`  | numbers of readings, by identity         | an `EvaluationCache`          |
| `CURRENT_DOCUMENT` | digest, by document                      | `evaluate.snapshot`           |
|                    | cache key of a page, by extract          | `protocols.parse_cache`       |
| `HEADER_LISTS`     | header fields, by their JSON             | `evaluate.current_answers`    |
| `PLAIN_HOSTS`      | whether a host needs no parsing          | `evaluate.current_answers`    |
| `PLAIN_PATHS`      | whether a path needs no parsing          | `evaluate.current_answers`    |
| `MEDIA_TYPES`      | media type and charset, by field value   | `protocols.parse`             |
| `PAGE_ELEMENTS`    | whether no protocol reads an element     | `protocols.parse_cache`       |
| `NEAR_NAMES`       | the name that is meant, by spelling      | `parsing.near_names`          |

Owners that are modules keep their cache for the life of the process. Sizes are in entries.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

RESPONSES = 1024
DOCUMENTS = 1024
EVALUATIONS = 2048
PATH_VERDICTS = 2048
SHARED_VERDICTS = 16_384
READING_NUMBERS = 1024
# All protocols of a resource read the same document one after the other.
CURRENT_DOCUMENT = 4
HEADER_LISTS = 1024
# The URLs of one origin come together, and have one host and few ports.
PLAIN_HOSTS = 8
PLAIN_PATHS = 1024
MEDIA_TYPES = 1024
PAGE_ELEMENTS = 4096
NEAR_NAMES = 1024

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")


class BoundedCache(Generic[K, V]):
    """A cache of at most `maxsize` values by key; `get` returns None for a missing key."""

    __slots__ = ("_maxsize", "_values", "get")

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._values: dict[K, V] = {}
        # The method of the dictionary itself: a wrapper would double the cost of a hit.
        self.get = self._values.get

    def put(self, key: K, value: V) -> V:
        """Store a value and return it. Clear the cache first if it is full."""
        if len(self._values) >= self._maxsize:
            self._values.clear()
        self._values[key] = value
        return value


class IdentityCache(Generic[T, V]):
    """A cache of at most `maxsize` values by the identity of an object.

    Equal objects are different keys, and no object is compared or hashed.
    """

    __slots__ = ("_entries",)

    def __init__(self, maxsize: int) -> None:
        # The object is stored with its value: while it lives, its `id` belongs to no other.
        self._entries: BoundedCache[int, tuple[T, V]] = BoundedCache(maxsize)

    def get(self, key: T) -> V | None:
        """Return the value of an object, None if it is not cached."""
        entry = self._entries.get(id(key))
        return entry[1] if entry else None

    def put(self, key: T, value: V) -> V:
        """Store the value of an object and return it."""
        return self._entries.put(id(key), (key, value))[1]
