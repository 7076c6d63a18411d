"""AIPREF usage preferences: a Structured Fields dictionary of labels with `y` or `n`.

The labels are data (`aipref_vocabulary.toml`), since drafts have renamed them again and again.
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

#: RFC 9651 asks for 1024 members at least; nobody who means it writes more than this.
_LONGEST = 16_384
_ISSUES = 50
_STANCES = {"y": Stance.PERMITTED, "n": Stance.RESERVED}
_MEANT = {**_STANCES, "yes": Stance.PERMITTED, "no": Stance.RESERVED}
#: Creative Commons signals 0.1: terms on which what is disallowed may be used after all.
_CC_SIGNALS = frozenset({"cc-cr", "cc-cr-dc", "cc-cr-ec", "cc-cr-op"})
#: Keys of Content Signals, which a preference of this protocol cannot have.
_OTHERS = frozenset({"ai-train", "ai-input"})
_LOOSE = re.compile(
    r"(?<![\w*.-])([a-z][\w*.-]{0,40})[ \t]*=[ \t]*[\"']?(\w{1,5})\b", re.IGNORECASE
)


class Label(NamedTuple):
    """A label of the vocabulary: what it is about, and the draft that has it."""

    purpose: Purpose
    current: bool
    since: str


class Preferences(NamedTuple):
    """What a value says, and issues as code and excerpt. `valid`: it is a dictionary at all."""

    said: tuple[ParsedDirective, ...]
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


def preferences(value: str) -> Preferences:
    """Read a value as bytes (AIPREF vocab, 'Processing'): a failure leaves all unknown."""
    if len(value) > _LONGEST:
        return Preferences((), (("too_long", value[:100]),), False)
    members = dictionary(value)
    if members is None:
        return Preferences(_meant(value), (("syntax", value[:200]),), False)
    said: list[ParsedDirective] = []
    issues: list[tuple[str, str]] = []
    for label, member in members.items():
        _read(label, member, said, issues)
    return Preferences(tuple(said), tuple(issues[:_ISSUES]), True)


def dictionary(value: str) -> http_sf.DictionaryType | None:
    """The members of a dictionary (RFC 9651, 4.2.2), the last of equal keys; None if it is none."""
    try:
        parsed = http_sf.parse(value.encode("utf-8", "surrogateescape"), tltype="dictionary")
    except (ValueError, ArithmeticError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _read(
    label: str, member: object, said: list[ParsedDirective], issues: list[tuple[str, str]]
) -> None:
    """Read one member; unknown labels and parameters are ignored, and named in an issue."""
    value, parameters = member if isinstance(member, tuple) else (member, {})
    known = LABELS.get(label)
    text = f"{label}={value}"[:200]
    issues += [("label_as_parameter", name) for name in parameters if name in LABELS]
    if known is None:
        issues.append(("near_miss" if label in _OTHERS else "unknown_label", text))
        return
    stance = _STANCES.get(str(value)) if isinstance(value, http_sf.Token) else None
    if stance is None:
        issues.append(("near_miss", text))
        meant = _MEANT.get(str(value).lower())
        said += [_said(label, known, meant, strict=False)] if meant else []
        return
    if not known.current:
        issues.append(("legacy_label", f"{label}: draft-ietf-aipref-vocab-{known.since}"))
    terms = _terms(parameters, stance, issues)
    said.append(_said(label, known, stance, strict=known.current, terms=terms))


def _terms(
    parameters: dict[str, object], stance: Stance, issues: list[tuple[str, str]]
) -> str | None:
    """The Creative Commons signal that a disallowed use is offered under, if one is named."""
    name = str(parameters.get("exceptions", ""))
    if name in _CC_SIGNALS and stance is Stance.RESERVED:
        return name
    if name:
        code = "exception.meaningless" if name in _CC_SIGNALS else "exception.unknown"
        issues.append((code, f"exceptions={name}"))
    return None


def _said(
    label: str, known: Label, stance: Stance, *, strict: bool, terms: str | None = None
) -> ParsedDirective:
    value = "y" if stance is Stance.PERMITTED else "n"
    rule = f"aipref.{label}.{value}" if known.current else f"aipref.legacy.{label}.{value}"
    return ParsedDirective(rule, stance, known.purpose, TIER, terms, strict)


def _meant(value: str) -> tuple[ParsedDirective, ...]:
    """What somebody meant who wrote no dictionary: shown, and of no effect."""
    pairs = {m[1].lower(): _MEANT.get(m[2].lower()) for m in _LOOSE.finditer(value)}
    return tuple(
        _said(label, LABELS[label], stance, strict=False)
        for label, stance in pairs.items()
        if stance and label in LABELS
    )
