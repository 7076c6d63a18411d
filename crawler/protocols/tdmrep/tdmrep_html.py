"""TDMRep in a page: `<meta name="tdm-reservation">` and `tdm-policy` in its head.

The elements cover the page, not the media that it shows. TDMRep, Precedence: they supersede
header and file. An element outside the head, or with another attribute than `name`, is a
lenient reading.
"""

from collections.abc import Iterator

from crawler import page
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import POLICY, RESERVATION, WrittenProperty
from crawler.vocab import PAGES, DeclaredBy

NAME = "tdmrep_html"
VERSION = 2
TITLE = "TDMRep meta elements"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 3
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

_WHITE = " \t\n\f\r"
_NAMING = ("name", "property", "http-equiv", "itemprop")
# Elements in a template or an iframe are not part of the document.
_INERT = frozenset(("meta.in_template", "meta.in_iframe"))


def parse(document: Document, /) -> Reading:
    """Parse the meta elements of a page extract. Two values that disagree both count."""
    written = list(_properties(page.read_elements(document.body)))
    issues = [one.issue(code) for one in written for code in one.deviations]
    properties = [one for one in written if not _INERT.intersection(one.deviations)]
    reservations = [one for one in properties if one.name == RESERVATION]
    policies = [one for one in properties if one.name == POLICY]
    alone = not reservations
    policy = _values.effective_policy(policies, issues, alone=alone, kind="meta")
    statements = list(_statements(reservations, policy, issues))
    return _values.build_reading(properties, statements, issues)


def _properties(elements: tuple[Element, ...]) -> Iterator[WrittenProperty]:
    for element in elements:
        for attribute in _NAMING if element.tag == "meta" else ():
            written = (element.get(attribute) or "").strip(_WHITE)
            name = _values.property_named(written)
            if name in (RESERVATION, POLICY):
                content = element.get("content")
                deviations = list(_deviations(element, attribute, written, name))
                if content is None and element.get("value"):
                    content = element.get("value")
                    deviations.append("meta.no_content")
                yield WrittenProperty(
                    name,
                    (content or "").strip(_WHITE),
                    element.line,
                    element.raw,
                    tuple(deviations),
                )
                break


def _deviations(element: Element, attribute: str, written: str, name: str) -> Iterator[str]:
    """Yield what keeps an element from the strict reading: its place, attribute or name."""
    if element.where != "head":
        yield f"meta.in_{element.where}"
    if attribute != "name":
        yield f"meta.{attribute.replace('-', '_')}"
    # HTML compares the names of metadata without case.
    if written.lower() != name:
        yield "meta.epub_name" if ":" in written else "legacy_key"


def _statements(
    reservations: list[WrittenProperty], policy: WrittenProperty | None, issues: list[Issue]
) -> Iterator[Statement]:
    """Yield one statement for each value and reading: repeating a value adds no weight."""
    seen: set[tuple[int, bool]] = set()
    for meta in reservations:
        bit = _values.parse_text_bit(meta.value)
        strict = not (meta.deviations or bit.code)
        if bit.code:
            issues.append(meta.issue(bit.code))
        if bit.value is None:
            continue
        if seen:
            is_repeat = bit.value in {value for value, _ in seen}
            issues.append(meta.issue("meta.repeated" if is_repeat else "meta.contradictory"))
        if (bit.value, strict) not in seen:
            seen.add((bit.value, strict))
            yield _values.statement_of(meta, bit, policy, DeclaredBy.PAGE, strict=strict)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the page."""
    return statements_for_document(reading)
