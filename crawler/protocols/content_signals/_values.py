"""Values of content signals: `search=yes, ai-train=no`, a vendor's format without a grammar.

Clause (c) of the policy: a use that a line does not mention is neither granted nor restricted.
"""

import re
from itertools import islice
from typing import NamedTuple

from crawler.protocols.parsing.near_names import NearNames
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
NEAR_VALUES = {
    **dict.fromkeys("yes y true 1 allow allowed permitted".split(), Stance.PERMITTED),
    **dict.fromkeys(
        "no n false 0 deny denied disallow disallowed forbidden never prohibited reserved".split(),
        Stance.RESERVED,
    ),
}
#: Words that authors write for a key, such as the labels of AIPREF.
NEAR_KEYS = {
    **dict.fromkeys(("train-ai", "ai-training", "train", "training", "train-genai"), "ai-train"),
    **dict.fromkeys(("ai-use", "ai-usage", "use-ai", "input-ai"), "ai-input"),
    "search-index": "search",
}
_SPELLINGS = NearNames(PURPOSES, NEAR_KEYS)
_PAIR = re.compile(r"([\w-]{1,40})\s*=\s*([^\s,;=]{1,40})")
# A pair with another mark between, or with white space if both words are known. It is looked for
# at each word, since the value of one pair may be the key of the next: `q= ai-train=no`.
_LOOSE_PAIR = re.compile(
    r"(?<![\w-])(?=([\w-]{1,40})(?:\s*[=:]\s*[\"']?([\w-]{1,40})|\s+(yes|no)\b))",
    re.IGNORECASE,
)
_MAX_MEMBERS = 50
_EDGE = "\"'`.?"


class Signals(NamedTuple):
    """A parsed value.

    `issues` are pairs of code and excerpt. `valid` says that at least one member counts.
    """

    directives: tuple[ParsedDirective, ...]
    issues: tuple[tuple[str, str], ...]
    valid: bool


def parse_signals(value: str, *, express: bool = False, strict: bool = True) -> Signals:
    """Parse a value; case does not matter. Unless `strict`, all of it is a lenient reading.

    `express` says that the policy's text is in the file, which calls restrictions express
    reservations of rights under Article 4 of Directive (EU) 2019/790: they are tier 1 then.
    """
    # A dictionary for its keys, since the same signal may be repeated thousands of times.
    directives: dict[ParsedDirective, None] = {}
    issues: list[tuple[str, str]] = []
    valid = False
    for member in value.split(",", _MAX_MEMBERS)[:_MAX_MEMBERS]:
        pair = _PAIR.fullmatch(member.strip())
        if pair:
            known = _parse_pair(pair[1], pair[2], express, directives, issues, strict=strict)
            valid = valid or known
        else:
            issues.append(("syntax", (member.strip() or value)[:200]))
            for inner in islice(_LOOSE_PAIR.finditer(member), _MAX_MEMBERS):
                given = inner[2] or inner[3]
                _parse_pair(inner[1], given, express, directives, issues, strict=False)
    return Signals(tuple(directives), tuple(issues[:_MAX_MEMBERS]), valid)


def _parse_pair(
    written: str,
    given: str,
    express: bool,
    directives: dict[ParsedDirective, None],
    issues: list[tuple[str, str]],
    *,
    strict: bool,
) -> bool:
    """Parse one `key=value`. Return whether the policy defines it."""
    key, value, text = written.lower(), given.lower(), f"{written}={given}"
    if key == "use":
        issues.append(("extension", text))
        return strict
    if key not in PURPOSES:
        meant = _SPELLINGS.meant(key)
        issues.append(("near_miss" if meant else "unknown_key", text))
        key, strict = meant or "", False
    elif value not in _STANCES:
        issues.append(("value", text))
    strict = strict and value in _STANCES
    stance = NEAR_VALUES.get(value.strip(_EDGE)) if key else None
    if stance is not None:
        directives[_directive(key, stance, express, strict)] = None
    return strict


def _directive(key: str, stance: Stance, express: bool, strict: bool) -> ParsedDirective:
    tier = 1 if express and stance is Stance.RESERVED else 2
    value = "no" if stance is Stance.RESERVED else "yes"
    return ParsedDirective(
        f"content_signal.{key}.{value}", stance, PURPOSES[key], tier, None, strict
    )
