"""Header lines of a response, and the statements made of them.

Repeated fields are kept apart: each protocol decides whether they join (RFC 9110, 5.3).
"""

from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Document, Issue, Statement
from crawler.protocols.parsing import json_document
from crawler.protocols.robots.extension_lines import ParsedDirective
from crawler.vocab import DeclaredBy, Reads

_MAX_RAW = 500


class HeaderLine(NamedTuple):
    """A header line of a response.

    `number` is 1-based among the lines that the protocol reads. `name` is in lower case. `value`
    is as received, with white space around it. `text` is the whole line.
    """

    number: int
    name: str
    value: str
    text: str

    def issue(self, code: str, excerpt: str = "") -> Issue:
        """Make an issue that quotes the line, or the given part of it."""
        return Issue(
            code=code, line=self.number, excerpt=json_document.excerpt(excerpt or self.text)
        )

    def statement(self, directive: ParsedDirective, clause: str) -> Statement:
        """Make the statement of a directive; a lenient one is shown and does not count."""
        return Statement(
            rule=directive.rule,
            stance=directive.stance,
            purpose=directive.purpose,
            tier=directive.tier,
            place=f"header {self.name}",
            raw=json_document.clean(self.text[:_MAX_RAW]),
            clause=clause,
            declared_by=DeclaredBy.HEADER,
            line=self.number,
            policy=directive.policy,
            reads=Reads.BOTH if directive.strict else Reads.LENIENT,
            counts=directive.strict,
        )


def split_lines(document: Document) -> Iterator[HeaderLine]:
    """Yield every line that has a colon. Octets that are not UTF-8 become U+FFFD."""
    text = document.body.decode("utf-8", "replace")
    for number, line in enumerate(text.split("\r\n"), start=1):
        name, colon, value = line.partition(":")
        if colon:
            yield HeaderLine(number, name.strip().lower(), value, line)


def header_lines(document: Document, name: str) -> list[HeaderLine]:
    """Return the lines of one field in order, with their values stripped (RFC 9110, 5.5)."""
    return [
        line._replace(value=line.value.strip(" \t"))
        for line in split_lines(document)
        if line.name == name
    ]
