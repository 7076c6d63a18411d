"""Robots AI control: `DisallowAITraining` and `AllowAITraining` lines in robots.txt.

Site generators still write the lines of this expired draft. `TDM-Reservation` lines, which no
document defines in robots.txt, are parsed here too; they are shown and have no effect.
"""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.robots import extension_scope
from crawler.protocols.robots.extension_lines import (
    ExtensionLine,
    ParsedDirective,
    ParsedLine,
    build_reading,
    group_lines,
    placement_issues,
    read_extensible,
)
from crawler.protocols.robots.extension_lines import named_agents as named_agents
from crawler.protocols.robots.extension_lines import url_patterns as url_patterns
from crawler.protocols.robots.extension_scope import Precedence
from crawler.protocols.tdmrep import _values
from crawler.vocab import Presence, Purpose, Resource, Stance

NAME = "ai_control"
VERSION = 4
TITLE = "Robots AI control"
SPEC = "draft-canel-robots-ai-control-00, https://datatracker.ietf.org/doc/draft-canel-robots-ai-control/"
FAMILY = "ai_control"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "draft-canel-robots-ai-control-00 (expired 24 April 2025), rules"
_NO_CLAUSE = "none: TDMRep has no carrier in robots.txt"
_ALLOW = "allowaitraining"
_STANCES = {"disallowaitraining": Stance.RESERVED, _ALLOW: Stance.PERMITTED}
_TDM_KEYS = frozenset({"tdm-reservation", "tdm-policy", "tdmrep"})
_RULE_KEYS = frozenset(_STANCES)
#: Keys that authors invent, with the one of the draft that each resembles. They are lenient.
NEAR_KEYS = {
    **dict.fromkeys(
        "noai no-ai-training no-training disallow-ai disallow-training block-ai deny-ai".split(),
        "disallowaitraining",
    ),
    **dict.fromkeys("ai-training ai-train allow-ai allow-training training".split(), _ALLOW),
}
_KEYS = _RULE_KEYS | _TDM_KEYS | frozenset(NEAR_KEYS)
#: Values that say all paths, where the draft asks for a path.
_ALL = frozenset("yes y true 1 on all any allow allowed".split())
_NOTHING = frozenset("no n false 0 off none".split())
#: Values that refuse, behind a key that allows.
_REFUSALS = _NOTHING | frozenset(
    "never not-allowed disallow disallowed deny denied forbidden prohibited blocked".split()
)
# Ties and longest match as for Allow and Disallow (RFC 9309, 2.2.2), which the draft takes as its
# model. A path that may not be crawled is not permitted for training either.
_PRECEDENCE = Precedence(whole_line=False, allow_wins=True, crawled=frozenset({Stance.PERMITTED}))


def parse(document: Document, /) -> Reading:
    """Parse the lines of the draft and the TDM lines of a robots.txt."""
    file = read_extensible(document.body, _RULE_KEYS)
    lines = group_lines(file, _KEYS) if file else []
    if file is None or not lines:
        return Reading(presence=Presence.ABSENT)
    lines = [_as_drafted(line) for line in lines]
    drafted = [line for line in lines if line.key in _STANCES]
    issues = list(placement_issues(file, drafted, FAMILY))
    parsed = [
        _parse_tdm(line, issues) if line.key in _TDM_KEYS else _parse_rule(line, issues)
        for line in lines
    ]
    issues += [line.issue("ai_control.expired_draft") for line in drafted[:1]]
    return build_reading(file, parsed, issues, FAMILY)


def _as_drafted(line: ExtensionLine) -> ExtensionLine:
    """Return a line with the key of the draft that its key was meant for."""
    meant = NEAR_KEYS.get(line.key)
    return line._replace(key=meant, is_near=True) if meant else line


def _parse_rule(line: ExtensionLine, issues: list[Issue]) -> ParsedLine:
    # The value is a path pattern; an empty one restricts nothing, as with `Disallow:`.
    if not line.value.startswith(("/", "*")):
        issues += [line.issue("ai_control.value")] if line.value else []
        return _parse_other_value(line)
    return ParsedLine(line, line.value, (_directive(line, strict=True),), _CLAUSE)


def _parse_other_value(line: ExtensionLine) -> ParsedLine:
    """Parse a value that is no path: a word for all paths, or a path without its slash."""
    value = line.value.lower().replace(" ", "-")
    if line.key == _ALLOW and value in _REFUSALS:
        # `AI-Training: no` refuses, whatever the key says.
        refused = _directive(line._replace(key="disallowaitraining"), strict=False)
        return ParsedLine(line, "/", (refused,), _CLAUSE, valid=False)
    path = "/" if value in _ALL else f"/{line.value}"
    is_meant = bool(value) and value not in _NOTHING
    directives = (_directive(line, strict=False),) if is_meant else ()
    return ParsedLine(line, path if is_meant else "", directives, _CLAUSE, valid=not line.value)


def _directive(line: ExtensionLine, *, strict: bool) -> ParsedDirective:
    return ParsedDirective(
        f"ai_control.{line.key}", _STANCES[line.key], Purpose.GENAI_TRAIN, 2, strict=strict
    )


def _parse_tdm(line: ExtensionLine, issues: list[Issue]) -> ParsedLine:
    """Parse a line that authors derived from the TDMRep header of the same name."""
    issues.append(line.issue("ai_control.tdm_line"))
    value = _values.parse_text_bit(line.value).value if line.key == _values.RESERVATION else None
    stance = Stance.RESERVED if value else Stance.PERMITTED
    directive = ParsedDirective(
        f"ai_control.tdm_reservation.{value}", stance, Purpose.TDM, 1, strict=False
    )
    return ParsedLine(line, "", () if value is None else (directive,), _NO_CLAUSE, valid=False)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the longest match for a question; of equal lines, the permission."""
    return extension_scope.statements_for(reading, question, _PRECEDENCE)
