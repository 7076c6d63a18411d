"""URL patterns: the path patterns in an origin's documents that can change an answer.

Two URLs of an origin whose paths match the same patterns get the same answer from a protocol.
So one answer for each combination of patterns that occurs serves millions of rows.

A protocol with rules for paths declares its patterns in a function `url_patterns(reading)` of
its module. A protocol without that function has none: all URLs of an origin get one answer.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from crawler.model import Reading
from crawler.protocols.interface import Protocol
from crawler.protocols.parsing.path_patterns import Pattern, matches, normalise_path

_SQL_SPECIAL = re.compile(r"([\\%_])")


class ComparedPart(StrEnum):
    """The form of a path that a pattern is compared with, by the names of `PathForms`."""

    PATH = "path"
    BARE = "bare"
    LOWER = "lower"


class PathForms(NamedTuple):
    """The normal forms of one path: with its query, without it, and the latter in lower case."""

    path: str
    bare: str
    lower: str


class UrlPattern(NamedTuple):
    """A pattern, and the form of a path that it is compared with."""

    part: ComparedPart
    pattern: Pattern

    @property
    def sql_pattern(self) -> str:
        r"""The pattern for SQL's `LIKE ... ESCAPE '\'`."""
        text = "%".join(_SQL_SPECIAL.sub(r"\\\1", part) for part in self.pattern.parts)
        return text if self.pattern.anchored else text + "%"

    def matches(self, forms: PathForms) -> bool:
        """Return whether a path matches. Must agree with `sql_pattern` (a test compares them)."""
        return matches(self.pattern, getattr(forms, self.part))


#: The optional hook `url_patterns` of a protocol module.
UrlPatternsHook = Callable[[Reading], Iterable[UrlPattern]]


def path_forms(path: str) -> PathForms:
    """Return the normal forms of a URL's path and query."""
    normal = normalise_path(path)
    bare = normal.partition("?")[0]
    return PathForms(normal, bare, bare.lower())


def selective(
    patterns: Iterable[Pattern], part: ComparedPart = ComparedPart.PATH
) -> Iterator[UrlPattern]:
    """Yield a URL pattern for each pattern, except for those that match every path."""
    for pattern in patterns:
        if not pattern.universal:
            yield UrlPattern(part, pattern)


def has_url_patterns(protocol: Protocol, reading: Reading) -> bool:
    """Return whether a protocol's answers from a reading depend on any pattern."""
    hook: UrlPatternsHook | None = getattr(protocol, "url_patterns", None)
    return hook is not None and any(True for _ in hook(reading))


def url_patterns_of(protocol: Protocol, reading: Reading) -> tuple[UrlPattern, ...]:
    """Return the patterns that a protocol's answers from a reading depend on, each once.

    The result is empty if it has no hook `url_patterns`.
    """
    hook: UrlPatternsHook | None = getattr(protocol, "url_patterns", None)
    return tuple(dict.fromkeys(hook(reading))) if hook else ()
