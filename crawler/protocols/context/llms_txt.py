"""llms.txt: that it is there. It helps models at work and has no words for permission.

So it is neither an invitation to train nor a reservation, whatever its prose says.
"""

import re

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.context._text_file import text_of
from crawler.protocols.interface import Carrier
from crawler.vocab import Presence, Resource

NAME = "llms_txt"
VERSION = 1
TITLE = "llms.txt"
SPEC = "https://llmstxt.org/"
FAMILY = "llms_txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.LLMS_TXT})
HEADERS: tuple[str, ...] = ()

_TITLE = re.compile(r"\s*(?:#[ \t]+\S|\S[^\r\n]*\r?\n={2,}[ \t]*(?:\r|\n|\Z))")


def parse(document: Document, /) -> Reading:
    """Note the file; the one thing its proposal requires is a title to begin with."""
    text, nothing = text_of(document, FAMILY)
    if nothing:
        return Reading(presence=Presence.ABSENT, issues=(nothing,))
    untitled = Issue(code=f"{FAMILY}.no_title", line=1)
    return Reading(presence=Presence.PRESENT, issues=() if _TITLE.match(text) else (untitled,))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: it is never a signal."""
    return ()
