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
from crawler.protocols.robots.extension_lines import url_patterns as url_patterns
from crawler.protocols.robots.extension_scope import Precedence
from crawler.protocols.tdmrep import _values
from crawler.vocab import Presence, Purpose, Resource, Stance

NAME = "ai_control"
VERSION = 1
TITLE = "Robots AI control"
SPEC = "draft-canel-robots-ai-control-00, https://datatracker.ietf.org/doc/draft-canel-robots-ai-control/"
FAMILY = "ai_control"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "draft-canel-robots-ai-control-00 (expired 24 April 2025), rules"
_NO_CLAUSE = "none: TDMRep has no carrier in robots.txt"
_STANCES = {"disallowaitraining": Stance.RESERVED, "allowaitraining": Stance.PERMITTED}
_TDM_KEYS = frozenset({"tdm-reservation", "tdm-policy", "tdmrep"})
_KEYS = frozenset(_STANCES) | _TDM_KEYS
# Ties and longest match as for Allow and Disallow (RFC 9309, 2.2.2), which the draft takes as its
# model. A path that may not be crawled is not permitted for training either.
_PRECEDENCE = Precedence(whole_line=False, allow_wins=True, crawled=frozenset({Stance.PERMITTED}))


def parse(document: Document, /) -> Reading:
    """Parse the lines of the draft and the TDM lines of a robots.txt."""
    file = read_extensible(document.body)
    lines = group_lines(file, _KEYS) if file else []
    if file is None or not lines:
        return Reading(presence=Presence.ABSENT)
    drafted = [line for line in lines if line.key in _STANCES]
    issues = list(placement_issues(file, drafted, FAMILY))
    parsed = [
        _parse_tdm(line, issues) if line.key in _TDM_KEYS else _parse_rule(line, issues)
        for line in lines
    ]
    issues += [line.issue("ai_control.expired_draft") for line in drafted[:1]]
    return build_reading(file, parsed, issues, FAMILY)


def _parse_rule(line: ExtensionLine, issues: list[Issue]) -> ParsedLine:
    # The value is a path pattern; an empty one restricts nothing, as with `Disallow:`.
    if not line.value.startswith(("/", "*")):
        issues += [line.issue("ai_control.value")] if line.value else []
        return ParsedLine(line, "", (), _CLAUSE, valid=not line.value)
    directive = ParsedDirective(
        f"ai_control.{line.key}", _STANCES[line.key], Purpose.GENAI_TRAIN, 2
    )
    return ParsedLine(line, line.value, (directive,), _CLAUSE)


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
