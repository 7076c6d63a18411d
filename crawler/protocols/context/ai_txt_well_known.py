"""/.well-known/ai.txt: an address with Spawning's ai.txt and with other formats.

One of them is an individual Internet-Draft (draft-car-ai-txt-wellknown-00); none has a status.
The file is recorded with the format that it looks like. What it says is read by `ai_txt`: rules
of Spawning's format, lines about training, and sentences.
"""

import re

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.context._text_file import lines_of, text_of
from crawler.protocols.interface import Carrier
from crawler.vocab import Presence, Resource

NAME = "ai_txt_well_known"
VERSION = 2
TITLE = "/.well-known/ai.txt"
SPEC = "draft-car-ai-txt-wellknown-00, https://datatracker.ietf.org/doc/draft-car-ai-txt-wellknown/"
FAMILY = "ai_txt_well_known"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.AI_TXT_WELL_KNOWN})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_NAME = re.compile(r"([A-Za-z][A-Za-z-]*)\s*:")
# Fields of draft-car-ai-txt-wellknown-00; one of them is enough to recognise it.
_CAR = frozenset(
    "training training-allow training-deny training-license training-licence scraping indexing "
    "caching attribution ai-disclosure spec-version site-name site-url ai-json".split()
)
_SPAWNINGS = "spawning"
_SPAWNING = frozenset(("user-agent", "allow", "disallow"))


def parse(document: Document, /) -> Reading:
    """Return a reading that records the file, with an issue for a format other than Spawning's."""
    text, reason = text_of(document, FAMILY)
    if reason:
        return Reading(presence=Presence.ABSENT, issues=(reason,))
    kind = _format(text)
    issue = Issue(code=f"{FAMILY}.{kind}", line=1)
    return Reading(presence=Presence.PRESENT, issues=() if kind == _SPAWNINGS else (issue,))


def _format(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "json"
    matches = (_NAME.match(line.text) for line in lines_of(text))
    names = {match[1].lower() for match in matches if match}
    if names & _CAR:
        return "draft_car"
    if names & _SPAWNING:
        return _SPAWNINGS
    return "markdown" if _is_markdown(text) else "other_format"


def _is_markdown(text: str) -> bool:
    """Return whether there is a title, with a list, a quotation or a heading below it."""
    lines = [line.strip() for line in text.splitlines()[:1000] if line.strip()]
    return lines[0].startswith("# ") and any(
        line.startswith(("- ", "* ", "> ", "## ")) for line in lines[1:]
    )


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: a draft without a status reserves nothing."""
    return ()
