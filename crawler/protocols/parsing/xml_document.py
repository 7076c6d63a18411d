"""XML as a tree with lines: no document type, no entities of its own, nothing fetched.

A document type declaration ends the reading, so there is nothing that could expand or point
elsewhere; depth and number of elements are bounded. No input raises.
"""

from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

_DEPTH, _NODES = 40, 20_000


@dataclass(slots=True)
class Node:
    """An element: `name` without prefix, `space` its namespace, `pieces` its own text."""

    name: str
    space: str
    line: int
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text directly inside, on one line."""
        return " ".join("".join(self.pieces).split())

    def each(self, name: str) -> list["Node"]:
        """The children of a name, in this element's own namespace."""
        return [c for c in self.children if c.name == name and c.space == self.space]


class Xml(NamedTuple):
    """A document: its root, or the fault that ended the reading and the line of it.

    `fault` is empty, `dtd`, `html`, `too_large` or `xml`; `message` says it in words.
    """

    root: Node | None
    fault: str = ""
    message: str = ""
    line: int = 1


class _RefusedError(Exception):
    """What is not read on purpose."""


class _Tree:
    """Builds the tree; refuses what could grow or reach out."""

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
        if len(self._open) == _DEPTH or self._nodes > _NODES:
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
    """Read a whole document; `encoding` overrides what it says about itself."""
    tree = _Tree(encoding)
    try:
        tree.parser.Parse(body, True)
    except _RefusedError as refused:
        return Xml(None, str(refused), str(refused), tree.parser.CurrentLineNumber)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return Xml(None, "xml", str(error), tree.parser.ErrorLineNumber)
    return Xml(tree.root)
