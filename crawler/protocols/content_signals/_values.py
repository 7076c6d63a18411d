"""Values of content signals: `search=yes, ai-train=no`, a vendor's format without a grammar.

Clause (c) of the policy: a use that a line does not mention is neither granted nor restricted.
"""

import re
from typing import NamedTuple

from crawler.protocols.robots.extension_lines import ParsedDirective
from crawler.vocab import Purpose, Stance

FAMILY = "content_signal"
SPEC = "Content Signals Policy, 24 September 2025, https://contentsignals.org/"
FIELD = "content-signal"

#: The purpose of a key. `use` says how content may be used, not whether: it is an extension.
PURPOSES = {
    "ai-train": Purpose.AI_TRAIN,
    "ai-input": Purpose.AI_INPUT,
    "search": Purpose.SEARCH,
}
# Clauses (a) and (b) of the policy.
_STANCES = {"yes": Stance.PERMITTED, "no": Stance.RESERVED}
#: Values that other formats use for yes and no. They are lenient here.
_LOOSE_STANCES = {
    **dict.fromkeys(("y", "true", "1"), Stance.PERMITTED),
    **dict.fromkeys(("n", "false", "0"), Stance.RESERVED),
    **_STANCES,
}
#: Labels of AIPREF. They are no keys here, but authors mix the two formats up.
_AIPREF_LABELS = frozenset({"train-ai", "ai-use", "train-genai"})
_PAIR = re.compile(r"([\w-]{1,40})\s*=\s*([^\s,;=]{1,40})")
_MAX_MEMBERS = 50


class Signals(NamedTuple):
    """A parsed value.

    `issues` are pairs of code and excerpt. `valid` says that at least one member counts.
    """

    directives: tuple[ParsedDirective, ...]
    issues: tuple[tuple[str, str], ...]
    valid: bool


def parse_signals(value: str, *, express: bool = False) -> Signals:
    """Parse a value; case does not matter.

    `express` says that the policy's text is in the file, which calls restrictions express
    reservations of rights under Article 4 of Directive (EU) 2019/790: they are tier 1 then.
    """
    # A dictionary for its keys, since the same signal may be repeated thousands of times.
    directives: dict[ParsedDirective, None] = {}
    issues: list[tuple[str, str]] = []
    valid = False
    for member in value.split(",", _MAX_MEMBERS)[:_MAX_MEMBERS]:
        pair = _PAIR.fullmatch(member.strip())
        valid = _parse_pair(pair, express, directives, issues) or valid if pair else valid
        if not pair:
            issues.append(("syntax", (member.strip() or value)[:200]))
            for inner in _PAIR.finditer(member):
                _parse_pair(inner, express, directives, issues, strict=False)
    return Signals(tuple(directives), tuple(issues[:_MAX_MEMBERS]), valid)


def _parse_pair(
    pair: re.Match[str],
    express: bool,
    directives: dict[ParsedDirective, None],
    issues: list[tuple[str, str]],
    *,
    strict: bool = True,
) -> bool:
    """Parse one `key=value`. Return whether the policy defines it."""
    key, value = pair[1].lower(), pair[2].lower()
    if key not in PURPOSES:
        known = "extension" if key == "use" else "unknown_key"
        issues.append(("near_miss" if key in _AIPREF_LABELS else known, pair[0]))
        return key == "use"
    stance, strict = _LOOSE_STANCES.get(value), strict and value in _STANCES
    if value not in _STANCES:
        issues.append(("value", pair[0]))
    if stance is not None:
        directives[_directive(key, stance, express, strict)] = None
    return strict


def _directive(key: str, stance: Stance, express: bool, strict: bool) -> ParsedDirective:
    tier = 1 if express and stance is Stance.RESERVED else 2
    value = "no" if stance is Stance.RESERVED else "yes"
    return ParsedDirective(
        f"content_signal.{key}.{value}", stance, PURPOSES[key], tier, None, strict
    )
