"""TDMRep in an EPUB: `tdm:reservation` and `tdm:policy` in the metadata of its package.

They cover every resource in the package. TDMRep, Precedence: they supersede file and headers.
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Package, XmpElement
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.tdmrep import _media, _values
from crawler.protocols.tdmrep._values import WrittenProperty
from crawler.vocab import Resource

NAME = "tdmrep_epub"
VERSION = 2
TITLE = "TDMRep in EPUB"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 4
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()

_ATTRIBUTES = ("property", "name", "rel")


def parse(document: Document, /) -> Reading:
    """Parse the metadata of the package document, in the forms of EPUB 2 and EPUB 3."""
    extract = media.read(document.body)
    package = extract.package or Package(path="", prefix="")
    return _media.build_media_reading(
        list(_properties(package)),
        [],
        extract,
        carrier="epub",
        place=f"{clean(package.path)}, tdm:reservation",
        parts=frozenset({"epub", "file"}),
    )


def _properties(package: Package) -> Iterator[WrittenProperty]:
    bound = _bound_prefixes(package.prefix)
    for element in package.elements:
        for attribute in _ATTRIBUTES:
            prefix, _, local = (element.get(attribute) or "").strip().rpartition(":")
            name, exact = _media.property_named(local)
            if name and (prefix in bound or (prefix or local).lower().startswith("tdm")):
                deviations = tuple(_deviations(element, attribute, prefix, bound, exact=exact))
                value = _value(element, attribute)
                yield WrittenProperty(name, value, element.line, _markup(element), deviations)
                break


def _bound_prefixes(text: str) -> dict[str, str]:
    """Return the prefixes that the package binds to TDMRep (EPUB 3.3, D.1.4: `name: IRI` pairs)."""
    words = text.split()
    pairs = zip(words[::2], words[1::2], strict=False)
    return {p.removesuffix(":"): iri for p, iri in pairs if iri in _media.NAMESPACES}


def _deviations(
    element: XmpElement, attribute: str, prefix: str, bound: dict[str, str], *, exact: bool
) -> Iterator[str]:
    """Yield what keeps an element from the strict reading."""
    if element.tag != "meta" or attribute == "rel":
        yield "epub.link"
    # Only EPUB 3 (`property`) binds prefixes. In EPUB 2 (`name`), `tdm:` is part of the name.
    elif attribute == "property" and prefix not in bound:
        yield "epub.prefix"
    elif attribute == "property" and bound[prefix] != _media.HASH_NAMESPACE:
        yield "epub.namespace"
    elif not exact or (attribute == "name" and prefix != "tdm"):
        yield "epub.name"
    if element.get("refines"):
        yield "epub.refines"


def _value(element: XmpElement, attribute: str) -> str:
    """Return the text (EPUB 3), the content (EPUB 2) or the reference of a link."""
    value = element.get({"property": "", "name": "content"}.get(attribute, "href"))
    return (element.text if value is None else value).strip()


def _markup(element: XmpElement) -> str:
    attributes = "".join(f' {key}="{value}"' for key, value in element.attributes)
    end = f">{element.text}</{element.tag}>" if element.text else "/>"
    return f"<{element.tag}{attributes}{end}"


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the package."""
    return statements_for_document(reading)
