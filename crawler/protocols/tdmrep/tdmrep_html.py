"""TDMRep in a page: `<meta name="tdm-reservation">` and `tdm-policy` in its head.

It covers the page itself, not the media it shows, and supersedes header and file. An
element elsewhere, or one that uses another attribute than `name`, is a lenient reading.
"""

from collections.abc import Iterator

from crawler import page
from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import POLICY, RESERVATION, Given
from crawler.vocab import PAGES, DeclaredBy

NAME = "tdmrep_html"
VERSION = 1
TITLE = "TDMRep meta elements"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 3
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

_WHITE = " \t\n\f\r"
_NAMING = ("name", "property", "http-equiv", "itemprop")
# Elements in a template or an iframe belong to no document that a reader sees.
_INERT = frozenset(("meta.in_template", "meta.in_iframe"))


def parse(document: Document, /) -> Reading:
    """Read the meta elements of an extract; two that disagree both count."""
    found = list(_metas(page.elements(document.body)))
    issues = [meta.issue(code) for meta in found for code in meta.odd]
    metas = [meta for meta in found if not _INERT.intersection(meta.odd)]
    given = [meta for meta in metas if meta.name == RESERVATION]
    policies = [meta for meta in metas if meta.name == POLICY]
    policy = _values.terms(policies, not given, "meta", issues)
    return _values.resource(metas, list(_statements(given, policy, issues)), issues)


def _metas(elements: tuple[Element, ...]) -> Iterator[Given]:
    for element in elements:
        for attribute in _NAMING if element.tag == "meta" else ():
            written = (element.get(attribute) or "").strip(_WHITE)
            name = _values.property_named(written)
            if name in (RESERVATION, POLICY):
                content = (element.get("content") or "").strip(_WHITE)
                odd = tuple(_odd(element, attribute, written, name))
                yield Given(name, content, element.line, element.raw, odd)
                break


def _odd(element: Element, attribute: str, written: str, name: str) -> Iterator[str]:
    """What keeps an element from the strict reading: its place, its attribute, its name."""
    if element.where != "head":
        yield f"meta.in_{element.where}"
    if attribute != "name":
        yield f"meta.{attribute.replace('-', '_')}"
    if written.lower() != name:
        yield "meta.epub_name" if ":" in written else "legacy_key"


def _statements(
    given: list[Given], policy: Given | None, issues: list[Issue]
) -> Iterator[Statement]:
    """One statement for each value and reading, so that repeating it adds no weight."""
    seen: set[tuple[int, bool]] = set()
    for meta in given:
        bit = _values.text_bit(meta.value)
        strict = not (meta.odd or bit.code)
        if bit.code:
            issues.append(meta.issue(bit.code))
        if bit.value is None:
            continue
        if seen:
            known = bit.value in {value for value, _ in seen}
            issues.append(meta.issue("meta.repeated" if known else "meta.contradictory"))
        if (bit.value, strict) not in seen:
            seen.add((bit.value, strict))
            yield _values.stated(meta, bit, policy, DeclaredBy.PAGE, strict=strict)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the page says about itself, the counting first."""
    return _values.whole(reading)
