"""Content signals: `search=yes, ai-train=no`, a vendor's format without a grammar.

Clause (c) of the policy: what a line does not mention is neither granted nor restricted.
"""

import re
from typing import NamedTuple

from crawler.protocols.robots.extension_lines import ParsedDirective
from crawler.vocab import Purpose, Stance

FAMILY = "content_signal"
SPEC = "Content Signals Policy, 24 September 2025, https://contentsignals.org/"
FIELD = "content-signal"

#: What a key is about. `use` says how, not whether: it is kept as an extension.
PURPOSES = {
    "ai-train": Purpose.AI_TRAIN,
    "ai-input": Purpose.AI_INPUT,
    "search": Purpose.SEARCH,
}
_STANCES = {"yes": Stance.PERMITTED, "no": Stance.RESERVED}
#: Values that other formats use for the same.
_MEANT = {
    **dict.fromkeys(("y", "true", "1"), Stance.PERMITTED),
    **dict.fromkeys(("n", "false", "0"), Stance.RESERVED),
    **_STANCES,
}
#: Labels of AIPREF, which are no keys here.
_OTHERS = frozenset({"train-ai", "ai-use", "train-genai"})
_PAIR = re.compile(r"([\w-]{1,40})\s*=\s*([^\s,;=]{1,40})")
_MEMBERS = 50


class Signals(NamedTuple):
    """What a value says, and issues as code and excerpt. `valid`: some of it counts."""

    said: tuple[ParsedDirective, ...]
    issues: tuple[tuple[str, str], ...]
    valid: bool


def signals(value: str, *, express: bool = False) -> Signals:
    """Read a value without regard to case.

    `express`: the text beside it calls restrictions express reservations under Article 4.
    """
    said: dict[ParsedDirective, None] = {}
    issues: list[tuple[str, str]] = []
    valid = False
    for member in value.split(",", _MEMBERS)[:_MEMBERS]:
        pair = _PAIR.fullmatch(member.strip())
        valid = _read(pair, express, said, issues) or valid if pair else valid
        if not pair:
            issues.append(("syntax", (member.strip() or value)[:200]))
            for found in _PAIR.finditer(member):
                _read(found, express, said, issues, strict=False)
    return Signals(tuple(said), tuple(issues[:_MEMBERS]), valid)


def _read(
    pair: re.Match[str],
    express: bool,
    said: dict[ParsedDirective, None],
    issues: list[tuple[str, str]],
    *,
    strict: bool = True,
) -> bool:
    """Read one `key=value`; whether it is one of the policy's own."""
    key, value = pair[1].lower(), pair[2].lower()
    if key not in PURPOSES:
        code = "near_miss" if key in _OTHERS else "extension" if key == "use" else "unknown_key"
        issues.append((code, pair[0]))
        return key == "use"
    stance, strict = _MEANT.get(value), strict and value in _STANCES
    if value not in _STANCES:
        issues.append(("value", pair[0]))
    if stance is not None:
        said[_said(key, stance, express, strict)] = None
    return strict


def _said(key: str, stance: Stance, express: bool, strict: bool) -> ParsedDirective:
    tier = 1 if express and stance is Stance.RESERVED else 2
    value = "no" if stance is Stance.RESERVED else "yes"
    return ParsedDirective(
        f"content_signal.{key}.{value}", stance, PURPOSES[key], tier, None, strict
    )
