"""Imprint pages: lines that name an organisation with its legal form. Candidates only.

An imprint names the provider of a site (Directive 2000/31/EC, Article 5), and often others: the
host, a supervising authority, an agency. So nothing in it is taken for the holder.
"""

from crawler import page
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.notice_text import legal_name_in
from crawler.vocab import Presence, Resource

NAME = "imprint"
VERSION = 1
TITLE = "Imprint page"
SPEC = "https://eur-lex.europa.eu/eli/dir/2000/31/oj#art_5"
FAMILY = "imprint"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = frozenset({Resource.TERMS})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True


def parse(document: Document, /) -> Reading:
    """Return a reading with the organisations that an extract of an imprint page names."""
    named = parties.unique_parties(
        parties.make_party(
            "imprint.legal_name",
            "candidate",
            parties.LOW,
            name=name,
            place=f"imprint, line {element.line}",
        )
        for element in page.read_elements(document.body)
        if element.tag == page.NOTICE and element.where == "imprint"
        if (name := legal_name_in(element.text))
    )
    return Reading(presence=Presence.PRESENT if named else Presence.ABSENT, parties=named)


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: an imprint says who provides a site, not what may be mined."""
    return ()
