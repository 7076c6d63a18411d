"""XML 1.0 parser for untrusted documents: a tree of elements with line numbers.

Rules for editors: no input may raise, expand or cause a request. A document type declaration
stops the parser, so no entity can be declared. Depth and number of elements are bounded.
"""

from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

_MAX_DEPTH, _MAX_NODES = 40, 20_000


@dataclass(slots=True)
class Node:
    """An element.

    `name` is without prefix, `space` is the namespace IRI. `pieces` are the texts directly
    inside. `attributes` with a namespace have it in front of the name, with a space between.
    """

    name: str
    space: str
    line: int
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text directly inside, on one line."""
        return " ".join("".join(self.pieces).split())

    def each(self, name: str) -> list["Node"]:
        """Return the children with a name and the namespace of this element."""
        return [c for c in self.children if c.name == name and c.space == self.space]


class Xml(NamedTuple):
    """A parsed document: its root, or the fault that stopped the parser.

    `fault` is empty, `dtd`, `html`, `too_large` or `xml`. `message` describes it for people.
    `line` is the 1-based line of the fault.
    """

    root: Node | None
    fault: str = ""
    message: str = ""
    line: int = 1


class _RefusedError(Exception):
    """Stop the parser at input that is refused on purpose; the text is the fault."""


class _Tree:
    """Handlers for expat that build the tree and refuse dangerous input."""

    def __init__(self, encoding: str | None) -> None:
        self.parser = expat.ParserCreate(encoding, " ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.root: Node | None = None
        self._open: list[Node] = []
        self._nodes = 0

    def _doctype(self, name: str, *_ids: object) -> None:
        raise _RefusedError("html" if name.lower() == "html" else "dtd")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._nodes += 1
        if len(self._open) == _MAX_DEPTH or self._nodes > _MAX_NODES:
            raise _RefusedError("too_large")
        space, _, local = name.rpartition(" ")
        node = Node(local, space, self.parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        self._open[-1].pieces.append(text)


def read_xml(body: bytes, encoding: str | None = None) -> Xml:
    """Parse a whole document; `encoding` overrides the encoding that it declares."""
    tree = _Tree(encoding)
    try:
        tree.parser.Parse(body, True)
    except _RefusedError as refused:
        return Xml(None, str(refused), str(refused), tree.parser.CurrentLineNumber)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return Xml(None, "xml", str(error), tree.parser.ErrorLineNumber)
    return Xml(tree.root)
