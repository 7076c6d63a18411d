"""TDMRep in a PDF: `tdm:reservation` and `tdm:policy` in the XMP of the document.

They cover every page of the document. TDMRep, Precedence: they supersede file and headers.
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.tdmrep import _media, _values
from crawler.protocols.tdmrep._values import WrittenProperty
from crawler.vocab import Resource

NAME = "tdmrep_pdf"
VERSION = 2
TITLE = "TDMRep in PDF"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 4
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()


def parse(document: Document, /) -> Reading:
    """Parse the properties of a PDF. XMP in another kind of file has no effect."""
    extract = media.read(document.body)
    is_pdf = extract.kind == "pdf"
    issues: list[Issue] = []
    properties = list(_properties(extract, issues)) if is_pdf else []
    return _media.build_media_reading(
        properties,
        issues,
        extract,
        carrier="pdf",
        place="XMP of the PDF, tdm:reservation",
        parts=frozenset({"pdf", "file"}) | ({"xmp"} if is_pdf else set()),
    )


def _properties(extract: Media, issues: list[Issue]) -> Iterator[WrittenProperty]:
    for one in _metadata.find_properties(extract, _media.NAMESPACES, FAMILY, issues):
        name, exact = _media.property_named(one.name)
        if name is not None:
            deviations = tuple(_deviations(one.space, exact=exact))
            yield WrittenProperty(name, one.value, one.line, f"tdm:{one.raw}", deviations)


def _deviations(space: str, *, exact: bool) -> Iterator[str]:
    """Yield what keeps a property from the strict reading."""
    if space != _media.SLASH_NAMESPACE:
        yield "pdf.namespace"
    if not exact:
        yield "pdf.name"


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the document."""
    return statements_for_document(reading)
