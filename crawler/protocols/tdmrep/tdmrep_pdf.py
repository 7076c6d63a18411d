"""TDMRep in a PDF: `tdm:reservation` and `tdm:policy` in the XMP of the document.

They cover every page of it, and supersede file and headers ("Precedence").
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Media
from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.tdmrep import _media, _values
from crawler.protocols.tdmrep._values import Given
from crawler.vocab import Resource

NAME = "tdmrep_pdf"
VERSION = 1
TITLE = "TDMRep in PDF"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 4
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()


def parse(document: Document, /) -> Reading:
    """Read the properties of the document; those of another kind of file say nothing."""
    found = media.read(document.body)
    issues: list[Issue] = []
    metas = list(_metas(found, issues)) if found.kind == "pdf" else []
    return _media.reading(
        metas,
        issues,
        found,
        carrier="pdf",
        place="XMP of the PDF, tdm:reservation",
        parts=frozenset({"pdf", "file"}) | ({"xmp"} if found.kind == "pdf" else set()),
    )


def _metas(found: Media, issues: list[Issue]) -> Iterator[Given]:
    spaces = _media.SPACES
    for given in _metadata.properties(found, spaces, FAMILY, issues):
        name, exact = _media.property_named(given.name)
        if name is not None:
            odd = tuple(_odd(given.space, exact=exact))
            yield Given(name, given.value, given.line, f"tdm:{given.raw}", odd)


def _odd(space: str, *, exact: bool) -> Iterator[str]:
    """What keeps a property from the strict reading."""
    if space != _media.SLASH:
        yield "pdf.namespace"
    if not exact:
        yield "pdf.name"


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the file says about itself, the counting first."""
    return _values.whole(reading)
