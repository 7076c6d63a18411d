"""llms.txt (proposal at https://llmstxt.org/): its presence is recorded, and nothing else.

The file helps models at inference and has no words for permission. So it is neither an
invitation to train nor a reservation, whatever its prose says.
"""

import re

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.context._text_file import text_of
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import text_search
from crawler.vocab import Presence, Resource

NAME = "llms_txt"
VERSION = 2
TITLE = "llms.txt"
SPEC = "https://llmstxt.org/"
FAMILY = "llms_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.LLMS_TXT})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_TITLE = re.compile(r"\s*(?:#[ \t]+\S|\S[^\r\n]*\r?\n={2,}[ \t]*(?:\r|\n|\Z))")


def parse(document: Document, /) -> Reading:
    """Return a reading that records the file, with the passages that may reserve.

    The proposal requires only a title.
    """
    text, reason = text_of(document, FAMILY)
    if reason:
        return Reading(presence=Presence.ABSENT, issues=(reason,))
    untitled = Issue(code=f"{FAMILY}.no_title", line=1)
    return Reading(
        presence=Presence.PRESENT,
        issues=() if _TITLE.match(text) else (untitled,),
        candidates=text_search.search_markdown(text, "llms_txt"),
    )


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: the file is never a signal."""
    return ()
