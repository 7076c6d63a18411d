"""Robots AI control: `DisallowAITraining` and `AllowAITraining` lines in robots.txt.

An expired draft that site generators still write. `TDM-Reservation` lines, which no document
defines in robots.txt, are read beside them: shown, and of no effect.
"""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.robots.extension_lines import (
    ExtensionLine,
    ParsedDirective,
    ParsedLine,
    group_lines,
    open_file,
    places,
    reading,
)
from crawler.protocols.robots.extension_scope import Precedence
from crawler.protocols.robots.extension_scope import statements_for as speaking
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
_TDM = frozenset({"tdm-reservation", "tdm-policy", "tdmrep"})
_KEYS = frozenset(_STANCES) | _TDM
# As Allow and Disallow (RFC 9309, 2.2.2); what may not be crawled is not permitted either.
_PRECEDENCE = Precedence(whole_line=False, allow_wins=True, crawled=frozenset({Stance.PERMITTED}))


def parse(document: Document, /) -> Reading:
    """Read the lines; the value is a path pattern, and an empty one says nothing."""
    file = open_file(document.body)
    lines = group_lines(file, _KEYS) if file else []
    if file is None or not lines:
        return Reading(presence=Presence.ABSENT)
    drafted = [line for line in lines if line.key in _STANCES]
    issues = list(places(file, drafted, FAMILY))
    told = [_tdm(line, issues) if line.key in _TDM else _rule(line, issues) for line in lines]
    issues += [line.issue("ai_control.expired_draft") for line in drafted[:1]]
    return reading(file, told, issues, FAMILY)


def _rule(line: ExtensionLine, issues: list[Issue]) -> ParsedLine:
    if not line.value.startswith(("/", "*")):
        issues += [line.issue("ai_control.value")] if line.value else []
        return ParsedLine(line, "", (), _CLAUSE, valid=not line.value)
    said = ParsedDirective(f"ai_control.{line.key}", _STANCES[line.key], Purpose.GENAI_TRAIN, 2)
    return ParsedLine(line, line.value, (said,), _CLAUSE)


def _tdm(line: ExtensionLine, issues: list[Issue]) -> ParsedLine:
    """A line that somebody made up after the header of the same name."""
    issues.append(line.issue("ai_control.tdm_line"))
    value = _values.text_bit(line.value).value if line.key == _values.RESERVATION else None
    stance = Stance.RESERVED if value else Stance.PERMITTED
    said = ParsedDirective(
        f"ai_control.tdm_reservation.{value}", stance, Purpose.TDM, 1, strict=False
    )
    return ParsedLine(line, "", () if value is None else (said,), _NO_CLAUSE, valid=False)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What speaks to a question: the longest match, and of equal ones a permission."""
    return speaking(reading, question, _PRECEDENCE)
