"""AIPREF usage preferences: a Structured Fields dictionary of labels with `y` or `n`.

The labels are data (`vocabulary.toml`), because nearly every draft has renamed them.
"""

import re
import tomllib
from importlib.resources import files
from typing import NamedTuple

import http_sf

from crawler.protocols.robots.extension_lines import ParsedDirective
from crawler.vocab import Purpose, Stance

FAMILY = "aipref"
SPEC = (
    "draft-ietf-aipref-vocab-08 and draft-ietf-aipref-attach-05, "
    "https://datatracker.ietf.org/wg/aipref/documents/"
)
FIELD = "content-usage"
TIER = 2

#: RFC 9651, 3.2, asks for at least 1024 members. This many characters hold that many labels.
_MAX_LENGTH = 16_384
_MAX_ISSUES = 50
_STANCES = {"y": Stance.PERMITTED, "n": Stance.RESERVED}
_LOOSE_STANCES = {**_STANCES, "yes": Stance.PERMITTED, "no": Stance.RESERVED}
#: Creative Commons signals 0.1: terms under which a disallowed use is permitted.
_CC_SIGNALS = frozenset({"cc-cr", "cc-cr-dc", "cc-cr-ec", "cc-cr-op"})
#: Keys of Content Signals. They are no labels here, but authors mix the two formats up.
_CONTENT_SIGNAL_KEYS = frozenset({"ai-train", "ai-input"})
_LOOSE_PAIR = re.compile(
    r"(?<![\w*.-])([a-z][\w*.-]{0,40})[ \t]*=[ \t]*[\"']?(\w{1,5})\b", re.IGNORECASE
)


class Label(NamedTuple):
    """A label of the vocabulary.

    A label that is not `current` has no effect. `since` is the number of the draft that
    introduced it.
    """

    purpose: Purpose
    current: bool
    since: str


class Preferences(NamedTuple):
    """A parsed value.

    `issues` are pairs of code and excerpt. `valid` says that the value is a dictionary.
    """

    directives: tuple[ParsedDirective, ...]
    issues: tuple[tuple[str, str], ...]
    valid: bool


def _labels() -> dict[str, Label]:
    source = files("crawler.protocols.aipref") / "vocabulary.toml"
    data = tomllib.loads(source.read_text(encoding="utf-8"))
    return {
        entry["name"]: Label(Purpose(entry["purpose"]), entry["current"], entry["since"])
        for entry in data["label"]
    }


LABELS = _labels()


def parse_preferences(value: str) -> Preferences:
    """Parse a value (draft-ietf-aipref-vocab, 'Processing').

    A value that is no dictionary leaves every preference unknown. Its directives are lenient.
    """
    if len(value) > _MAX_LENGTH:
        return Preferences((), (("too_long", value[:100]),), False)
    members = parse_dictionary(value)
    if members is None:
        return Preferences(_loose_directives(value), (("syntax", value[:200]),), False)
    directives: list[ParsedDirective] = []
    issues: list[tuple[str, str]] = []
    for label, member in members.items():
        _parse_member(label, member, directives, issues)
    return Preferences(tuple(directives), tuple(issues[:_MAX_ISSUES]), True)


def parse_dictionary(value: str) -> http_sf.DictionaryType | None:
    """Parse a Structured Fields dictionary (RFC 9651, 4.2.2). Return None if it is not one.

    Of equal keys the last counts.
    """
    try:
        parsed = http_sf.parse(value.encode("utf-8", "surrogateescape"), tltype="dictionary")
    except (ValueError, ArithmeticError):  # a number or date beyond its range
        return None
    return parsed if isinstance(parsed, dict) else None


def _parse_member(
    label: str, member: object, directives: list[ParsedDirective], issues: list[tuple[str, str]]
) -> None:
    value, parameters = member if isinstance(member, tuple) else (member, {})
    entry = LABELS.get(label)
    text = f"{label}={value}"[:200]
    issues += [("label_as_parameter", name) for name in parameters if name in LABELS]
    # 'Processing': unknown labels and parameters must be ignored.
    if entry is None:
        issues.append(("near_miss" if label in _CONTENT_SIGNAL_KEYS else "unknown_label", text))
        return
    # Only the tokens `y` and `n` are values. A string "n" or a boolean leaves it unknown.
    stance = _STANCES.get(str(value)) if isinstance(value, http_sf.Token) else None
    if stance is None:
        issues.append(("near_miss", text))
        meant = _LOOSE_STANCES.get(str(value).lower())
        directives += [_directive(label, entry, meant, strict=False)] if meant else []
        return
    if not entry.current:
        issues.append(("legacy_label", f"{label}: draft-ietf-aipref-vocab-{entry.since}"))
    terms = _terms(parameters, stance, issues)
    directives.append(_directive(label, entry, stance, strict=entry.current, terms=terms))


def _terms(
    parameters: dict[str, object], stance: Stance, issues: list[tuple[str, str]]
) -> str | None:
    """Return the Creative Commons signal that offers terms for a disallowed use, if any."""
    name = str(parameters.get("exceptions", ""))
    if name in _CC_SIGNALS and stance is Stance.RESERVED:
        return name
    if name:
        code = "exception.meaningless" if name in _CC_SIGNALS else "exception.unknown"
        issues.append((code, f"exceptions={name}"))
    return None


def _directive(
    label: str, entry: Label, stance: Stance, *, strict: bool, terms: str | None = None
) -> ParsedDirective:
    value = "y" if stance is Stance.PERMITTED else "n"
    rule = f"aipref.{label}.{value}" if entry.current else f"aipref.legacy.{label}.{value}"
    return ParsedDirective(rule, stance, entry.purpose, TIER, terms, strict)


def _loose_directives(value: str) -> tuple[ParsedDirective, ...]:
    """Return what the author of an invalid value probably meant; it is shown only."""
    pairs = {m[1].lower(): _LOOSE_STANCES.get(m[2].lower()) for m in _LOOSE_PAIR.finditer(value)}
    return tuple(
        _directive(label, LABELS[label], stance, strict=False)
        for label, stance in pairs.items()
        if stance and label in LABELS
    )
