"""TDMRep in an EPUB: `tdm:reservation` and `tdm:policy` in the metadata of its package.

They cover every resource in the package, and supersede file and headers ("Precedence").
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Package, XmpElement
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.tdmrep import _media, _values
from crawler.protocols.tdmrep._values import Given
from crawler.vocab import Resource

NAME = "tdmrep_epub"
VERSION = 1
TITLE = "TDMRep in EPUB"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 4
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()

_ATTRIBUTES = ("property", "name", "rel")


def parse(document: Document, /) -> Reading:
    """Read the `meta` elements of the package, as EPUB 2 and as EPUB 3 write them."""
    found = media.read(document.body)
    package = found.package or Package(path="", prefix="")
    return _media.reading(
        list(_metas(package)),
        [],
        found,
        carrier="epub",
        place=f"{clean(package.path)}, tdm:reservation",
        parts=frozenset({"epub", "file"}),
    )


def _metas(package: Package) -> Iterator[Given]:
    bound = _prefixes(package.prefix)
    for element in package.elements:
        for attribute in _ATTRIBUTES:
            prefix, _, local = (element.get(attribute) or "").strip().rpartition(":")
            name, exact = _media.property_named(local)
            if name and (prefix in bound or (prefix or local).lower().startswith("tdm")):
                odd = tuple(_odd(element, attribute, prefix, bound, exact=exact))
                value = _value(element, attribute)
                yield Given(name, value, element.line, _raw(element), odd)
                break


def _prefixes(text: str) -> dict[str, str]:
    """The prefixes that the package binds to TDMRep (EPUB 3.3, D.1.4: pairs of `name: IRI`)."""
    words = text.split()
    pairs = zip(words[::2], words[1::2], strict=False)
    return {p.removesuffix(":"): iri for p, iri in pairs if iri in _media.SPACES}


def _odd(
    element: XmpElement, attribute: str, prefix: str, bound: dict[str, str], *, exact: bool
) -> Iterator[str]:
    """What keeps an element from the strict reading: EPUB 2 has no prefixes to bind."""
    if element.tag != "meta" or attribute == "rel":
        yield "epub.link"
    elif attribute == "property" and prefix not in bound:
        yield "epub.prefix"
    elif attribute == "property" and bound[prefix] != _media.HASH:
        yield "epub.namespace"
    elif not exact or (attribute == "name" and prefix != "tdm"):
        yield "epub.name"
    if element.get("refines"):
        yield "epub.refines"


def _value(element: XmpElement, attribute: str) -> str:
    """The text in EPUB 3, the content in EPUB 2, the reference of a link."""
    given = element.get({"property": "", "name": "content"}.get(attribute, "href"))
    return (element.text if given is None else given).strip()


def _raw(element: XmpElement) -> str:
    attributes = "".join(f' {key}="{value}"' for key, value in element.attributes)
    end = f">{element.text}</{element.tag}>" if element.text else "/>"
    return f"<{element.tag}{attributes}{end}"


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the file says about itself, the counting first."""
    return _values.whole(reading)
