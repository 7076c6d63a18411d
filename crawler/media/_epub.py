"""The package document of an EPUB (EPUB 3.3, 5): its `meta` and `link` elements with lines."""

import io
import zipfile
from xml.parsers import expat

from crawler.media._model import ELEMENTS, TEXT_CAP, Package, UnreadableError, XmpElement

_ZIP = b"PK\x03\x04"
_MIMETYPE = b"mimetypeapplication/epub+zip"
_CONTAINER = "META-INF/container.xml"
_DOCUMENT_CAP = 4 * 1024 * 1024  # bytes of a member after inflation
_MAX_DEPTH = 60  # nested elements


def is_epub(body: bytes) -> bool:
    """Return whether an archive declares that it is an EPUB (EPUB 3.3, 4.3).

    An archive that names the container file is accepted without the declaration.
    """
    return body.startswith(_ZIP) and (body[30:58] == _MIMETYPE or _CONTAINER.encode() in body)


def package(body: bytes) -> Package:
    """Return the package document of the default rendition, the first that the container names.

    Raise `UnreadableError`, and the exceptions of zipfile and expat.
    """
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        roots = _elements(_member(archive, _CONTAINER), frozenset({"rootfile"}))
        path = next((root.get("full-path") for root in roots), None)
        if not path:
            raise UnreadableError(f"{_CONTAINER} names no package document")
        document = _member(archive, path)
    read = _elements(document, frozenset({"package", "meta", "link"}))
    prefix = next((e.get("prefix") for e in read if e.tag == "package"), None)
    elements = tuple(e for e in read if e.tag != "package")
    return Package(path=path[:TEXT_CAP], prefix=prefix or "", elements=elements)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file of the archive. Raise `UnreadableError` if it inflates to more than 4 MiB."""
    with archive.open(name) as file:
        content = file.read(_DOCUMENT_CAP + 1)
    if len(content) > _DOCUMENT_CAP:
        raise UnreadableError(f"{name[:200]} is larger than {_DOCUMENT_CAP} octets")
    return content


class _Scan:
    """Expat handlers that collect the elements with some local names.

    Namespaces are not checked: examples in the TDMRep report leave their declarations out.
    Entities are refused, so that no document expands.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self.elements: list[XmpElement] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self._wanted = wanted
        self._open: list[tuple[XmpElement, list[str]] | None] = []

    def _entity(self, name: str, *_declaration: object) -> None:
        raise UnreadableError(f"the document declares an entity, {name[:50]}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _MAX_DEPTH:
            raise UnreadableError(f"elements are nested deeper than {_MAX_DEPTH}")
        tag = name.rpartition(":")[2]
        # `None` keeps the depth of elements that are not collected.
        if tag not in self._wanted or len(self.elements) + len(self._open) > ELEMENTS:
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
            self.elements.append(
                XmpElement(
                    tag=element.tag, line=element.line, attributes=element.attributes, text=text
                )
            )


def _elements(document: bytes, wanted: frozenset[str]) -> list[XmpElement]:
    scan = _Scan(wanted)
    scan.parser.Parse(document, True)
    return sorted(scan.elements, key=lambda element: element.line)
