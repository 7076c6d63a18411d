"""The package document of an EPUB: its `meta` and `link` elements with their lines."""

import io
import zipfile
from xml.parsers import expat

from crawler.media._model import ELEMENTS, TEXT_CAP, Package, UnreadableError, XmpElement

_ZIP = b"PK\x03\x04"
_MIMETYPE = b"mimetypeapplication/epub+zip"
_CONTAINER = "META-INF/container.xml"
_DOCUMENT_CAP = 4 * 1024 * 1024
_DEPTH = 60


def is_epub(body: bytes) -> bool:
    """Whether an archive says that it is one (EPUB OCF, 4.3), or names its container file."""
    return body.startswith(_ZIP) and (body[30:58] == _MIMETYPE or _CONTAINER.encode() in body)


def package(body: bytes) -> Package:
    """The package document of the default rendition; raises what zipfile and expat raise."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        roots = _elements(_member(archive, _CONTAINER), frozenset({"rootfile"}))
        path = next((root.get("full-path") for root in roots), None)
        if not path:
            raise UnreadableError(f"{_CONTAINER} names no package document")
        document = _member(archive, path)
    found = _elements(document, frozenset({"package", "meta", "link"}))
    prefix = next((e.get("prefix") for e in found if e.tag == "package"), None)
    elements = tuple(e for e in found if e.tag != "package")
    return Package(path=path[:TEXT_CAP], prefix=prefix or "", elements=elements)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the archive; one that inflates to more than any honest one is refused."""
    with archive.open(name) as file:
        content = file.read(_DOCUMENT_CAP + 1)
    if len(content) > _DOCUMENT_CAP:
        raise UnreadableError(f"{name[:200]} is larger than {_DOCUMENT_CAP} octets")
    return content


class _Scan:
    """Collects elements of some names. Prefixes need no namespace: reports print them without."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.found: list[XmpElement] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self._wanted = wanted
        self._open: list[tuple[XmpElement, list[str]] | None] = []

    def _entity(self, name: str, *_rest: object) -> None:
        raise UnreadableError(f"the document declares an entity, {name[:50]}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _DEPTH:
            raise UnreadableError(f"elements are nested deeper than {_DEPTH}")
        tag = name.rpartition(":")[2]
        if tag not in self._wanted or len(self.found) + len(self._open) > ELEMENTS:
            self._open.append(None)
            return
        pairs = tuple((key[:TEXT_CAP], value[:TEXT_CAP]) for key, value in attributes.items())
        line = self.parser.CurrentLineNumber
        self._open.append((XmpElement(tag=tag, line=line, attributes=pairs[:20]), []))

    def _text(self, text: str) -> None:
        if self._open[-1] is not None:
            self._open[-1][1].append(text)

    def _end(self, _name: str) -> None:
        closed = self._open.pop()
        if closed is not None:
            element, pieces = closed
            text = " ".join("".join(pieces).split())[:TEXT_CAP]
            self.found.append(
                XmpElement(
                    tag=element.tag, line=element.line, attributes=element.attributes, text=text
                )
            )


def _elements(document: bytes, wanted: frozenset[str]) -> list[XmpElement]:
    scan = _Scan(wanted)
    scan.parser.Parse(document, True)
    return sorted(scan.found, key=lambda element: element.line)
