"""Header lines of a document, the statements made of them, and how those speak."""

from typing import NamedTuple

from crawler.model import AppliedStatement, Document, Issue, Reading, Statement
from crawler.protocols.parsing import json_document
from crawler.protocols.robots.extension_lines import ParsedDirective
from crawler.vocab import DeclaredBy, Reads

_RAW = 500


class Field(NamedTuple):
    """A header line: its number, its name in lower case, its value, and the whole of it."""

    number: int
    name: str
    value: str
    text: str

    def issue(self, code: str, excerpt: str = "") -> Issue:
        """An issue that quotes the line, or something of it."""
        return Issue(
            code=code, line=self.number, excerpt=json_document.excerpt(excerpt or self.text)
        )

    def statement(self, said: ParsedDirective, clause: str) -> Statement:
        """What the line says; what is not strict is shown and does not count."""
        return Statement(
            rule=said.rule,
            stance=said.stance,
            purpose=said.purpose,
            tier=said.tier,
            place=f"header {self.name}",
            raw=json_document.clean(self.text[:_RAW]),
            clause=clause,
            declared_by=DeclaredBy.HEADER,
            line=self.number,
            policy=said.policy,
            reads=Reads.BOTH if said.strict else Reads.LENIENT,
            counts=said.strict,
        )


def fields(document: Document, name: str) -> list[Field]:
    """The lines of a field, in order; octets that are no UTF-8 become U+FFFD."""
    found = []
    text = document.body.decode("utf-8", "replace")
    for number, line in enumerate(text.split("\r\n"), start=1):
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() == name:
            found.append(Field(number, name, value.strip(" \t"), line))
    return found


def whole(reading: Reading) -> tuple[AppliedStatement, ...]:
    """Every statement of a reading about one resource, the counting first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
