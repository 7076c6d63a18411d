"""AIPREF usage preferences: a Structured Fields dictionary of labels with `y` or `n`.

The labels are data (`vocabulary.toml`), because nearly every draft has renamed them.
"""

import re
import tomllib
from importlib.resources import files
from typing import NamedTuple

import http_sf

from crawler.protocols.parsing.near_names import NearNames
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
#: Values that authors write for `y` and `n`. They are lenient here.
NEAR_VALUES = {
    **dict.fromkeys("y yes true 1 allow allowed permitted".split(), Stance.PERMITTED),
    **dict.fromkeys(
        "n no false 0 deny denied disallow disallowed forbidden never prohibited reserved".split(),
        Stance.RESERVED,
    ),
}
#: Creative Commons signals 0.1: terms under which a disallowed use is permitted.
_CC_SIGNALS = frozenset({"cc-cr", "cc-cr-dc", "cc-cr-ec", "cc-cr-op"})
#: Words that authors write for a label: keys of Content Signals, and words of older drafts.
NEAR_LABELS = {
    **dict.fromkeys(("ai-train", "ai-training", "train", "training", "genai-train"), "train-ai"),
    **dict.fromkeys(("ai-input", "ai-usage", "use-ai"), "ai-use"),
    "search-index": "search",
}
_LOOSE_PAIR = re.compile(
    r"(?<![\w*.-])([a-z][\w*.-]{0,40})[ \t]*[=:][ \t]*[\"'?]?(\w{1,12})\b", re.IGNORECASE
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
_SPELLINGS = NearNames(LABELS, NEAR_LABELS)
# A label that refuses by itself: `no-train-ai`, `disallow-ai-train`.
_REFUSING = re.compile(r"(?:no|not|non|dont|never|without|disallow|deny|block|forbid)[-_.]?(.+)")


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
    # 'Processing': unknown labels and parameters must be ignored.
    for name, given in parameters.items():
        if meant_label := _SPELLINGS.meant(name):
            issues.append(("label_as_parameter", name))
            directives += _meant_directives(meant_label, given)
    if entry is None:
        meant = _directives_of_word(label, value)
        is_near = bool(meant) or _SPELLINGS.meant(label) is not None
        issues.append(("near_miss" if is_near else "unknown_label", text))
        directives += meant
        return
    # Only the tokens `y` and `n` are values. A string "n" or a boolean leaves it unknown.
    stance = _STANCES.get(str(value)) if isinstance(value, http_sf.Token) else None
    if stance is None:
        issues.append(("near_miss", text))
        directives += _meant_directives(label, value)
        return
    if not entry.current:
        issues.append(("legacy_label", f"{label}: draft-ietf-aipref-vocab-{entry.since}"))
    terms = _terms(parameters, stance, issues)
    directives.append(_directive(label, entry, stance, strict=entry.current, terms=terms))


def _directives_of_word(word: str, value: object) -> list[ParsedDirective]:
    """Return the lenient directives of a word that is no label.

    It resembles a label; or refuses one (`no-train-ai`); or is a value alone (`n`), which is
    about every current label.
    """
    if label := _SPELLINGS.meant(word):
        return _meant_directives(label, value)
    if value is not True:
        return []
    if NEAR_VALUES.get(word) is Stance.RESERVED:
        return [
            _directive(label, entry, Stance.RESERVED, strict=False)
            for label, entry in LABELS.items()
            if entry.current
        ]
    refusing = _REFUSING.fullmatch(word)
    refused = _SPELLINGS.meant(refusing[1]) if refusing else None
    return _meant_directives(refused, "n")


def _meant_directives(label: str | None, value: object) -> list[ParsedDirective]:
    """Return the lenient directive of a label and a value, none if the value has no meaning.

    A label without a value is true in a dictionary (RFC 9651, 3.2), which says nothing here.
    """
    meant = None if value is True else NEAR_VALUES.get(str(value)[:20].lower())
    if label is None or meant is None:
        return []
    return [_directive(label, LABELS[label], meant, strict=False)]


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
    # Of two values of one label, both are kept: nothing tells which of them was meant.
    pairs = dict.fromkeys((_SPELLINGS.meant(m[1]), m[2]) for m in _LOOSE_PAIR.finditer(value))
    found = (one for label, given in pairs for one in _meant_directives(label, given))
    return tuple(dict.fromkeys(found))
