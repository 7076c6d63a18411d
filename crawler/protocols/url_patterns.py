"""What an answer about a URL can depend on beyond its host: the shapes of its path.

Two URLs of an origin whose paths have the same shapes get the same answer from a protocol,
so that millions of rows need no more answers than there are combinations.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from crawler.model import Reading
from crawler.protocols.files import ai_txt
from crawler.protocols.parsing.path_patterns import (
    Pattern,
    compile_pattern,
    matches,
    normalise,
    normalise_path,
)
from crawler.protocols.robots import extension_lines, robots_txt
from crawler.protocols.robots.groups import Robots, compiled
from crawler.protocols.rsl import _statements
from crawler.protocols.tdmrep import tdmrep_file

_SPECIAL = re.compile(r"([\\%_])")


class ComparedPart(StrEnum):
    """What a pattern is compared with: the path with its query, the path alone, or the path
    alone in lower case.
    """

    PATH = "path"
    BARE = "bare"
    LOWER = "lower"


class PathForms(NamedTuple):
    """The normal forms of a path that patterns are compared with, as `Of` names them."""

    path: str
    bare: str
    lower: str


class UrlPattern(NamedTuple):
    """A property that a path has or has not: one of its forms matches a pattern."""

    of: ComparedPart
    pattern: Pattern

    @property
    def like(self) -> str:
        """The pattern in SQL, with a backslash before what is meant literally."""
        text = "%".join(_SPECIAL.sub(r"\\\1", part) for part in self.pattern.parts)
        return text if self.pattern.anchored else text + "%"

    def fits(self, forms: PathForms) -> bool:
        """Whether a path has it."""
        return matches(self.pattern, getattr(forms, self.of))


#: RFC 9309, 2.2.2: this path is refused to nobody, whatever the rules say.
ROBOTS_TXT = UrlPattern(ComparedPart.PATH, compile_pattern("/robots.txt$"))


def path_forms(path: str) -> PathForms:
    """The forms of path and query of a URL."""
    normal = normalise_path(path)
    bare = normal.partition("?")[0]
    return PathForms(normal, bare, bare.lower())


def shapes_of(name: str, reading: Reading) -> tuple[UrlPattern, ...]:
    """The shapes that answers of a protocol depend on, each once; of most protocols none."""
    find = _FINDERS.get(name)
    return tuple(dict.fromkeys(find(reading))) if find else ()


def _shape(pattern: Pattern, of: ComparedPart = ComparedPart.PATH) -> Iterator[UrlPattern]:
    """The shape of a pattern, unless every path has it."""
    if not pattern.universal:
        yield UrlPattern(of, pattern)


def _robots(robots: Robots) -> Iterator[UrlPattern]:
    """All rules of all groups: any of them may be those of the agent asked about."""
    values = (robots.lines.values[n - 1] for group in robots.groups for n in group.rules)
    value = ""
    for value in dict.fromkeys(values):
        yield from _shape(compiled(value))
    if value:
        yield ROBOTS_TXT


def _of_robots_txt(reading: Reading) -> Iterable[UrlPattern]:
    robots = robots_txt.robots_of(reading)
    return _robots(robots) if robots else ()


def _of_group_lines(reading: Reading) -> Iterator[UrlPattern]:
    rules = reading.rules
    if isinstance(rules, extension_lines.ExtensionRules):
        yield from _robots(rules.robots)
        for rule in rules.lines:
            yield from _shape(rule.pattern)


def _of_tdmrep_file(reading: Reading) -> Iterator[UrlPattern]:
    for pattern in tdmrep_file.patterns_of(reading):
        yield from _shape(pattern)


def _of_ai_txt(reading: Reading) -> Iterator[UrlPattern]:
    for media, pattern in ai_txt.limits_of(reading):
        if media:
            ending = "." + normalise(media).lower()
            yield UrlPattern(
                ComparedPart.LOWER, Pattern(f"*{ending}$", ("", ending), True, len(ending) + 2)
            )
        elif pattern:
            yield from _shape(pattern, ComparedPart.BARE)


def _of_rsl(reading: Reading) -> Iterator[UrlPattern]:
    for said in _statements.rules_of(reading).said:
        if said.pattern:
            yield from _shape(said.pattern)


_FINDERS: dict[str, Callable[[Reading], Iterable[UrlPattern]]] = {
    "robots_txt": _of_robots_txt,
    "aipref_robots": _of_group_lines,
    "content_signal_robots": _of_group_lines,
    "ai_control": _of_group_lines,
    "tdmrep_file": _of_tdmrep_file,
    "ai_txt": _of_ai_txt,
    "rsl": _of_rsl,
    "rsl_html": _of_rsl,
}
