"""TDMRep in response headers: `tdm-reservation` and `tdm-policy`, for the resource answered.

TDMRep, Precedence: a header supersedes the file of the origin, and its absence resets nothing.
Fields that resemble the two but are not in the report are recorded and have no effect.
"""

from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.parsing.header_fields import HeaderLine, split_lines
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import POLICY, RESERVATION, WrittenProperty
from crawler.vocab import CONTENT, DeclaredBy

NAME = "tdmrep_header"
VERSION = 1
TITLE = "TDMRep response headers"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 2
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT

#: Not in the report: a name of before 2022, and two that site operators invented.
_UNSPECIFIED = {
    "tdm-a": "legacy_header",
    "x-tdm-reservation": "nonstandard_header",
    "x-tdm-opt-out": "nonstandard_header",
}
HEADERS: tuple[str, ...] = (RESERVATION, POLICY, *_UNSPECIFIED)


def parse(document: Document, /) -> Reading:
    """Parse the header lines of one response."""
    lines = [_written(line) for line in split_lines(document)]
    issues = [line.issue(code) for line in lines if (code := _UNSPECIFIED.get(line.name))]
    properties = [line for line in lines if line.name in (RESERVATION, POLICY)]
    reservations = [line for line in properties if line.name == RESERVATION]
    policies = [line for line in properties if line.name == POLICY]
    alone = not reservations
    policy = _values.effective_policy(policies, issues, alone=alone, kind="header")
    statements = list(_statements(reservations, policy, issues))
    return _values.build_reading(properties, statements, issues)


def _written(line: HeaderLine) -> WrittenProperty:
    return WrittenProperty(line.name, line.value.strip(" \t"), line.number, line.text)


def _statements(
    reservations: list[WrittenProperty], policy: WrittenProperty | None, issues: list[Issue]
) -> Iterator[Statement]:
    """Yield the statement of a single value, else one lenient statement for each value."""
    # RFC 9110, 5.3: repeated fields equal one field with commas, and `1, 1` is neither 0 nor 1.
    values = [(line, value) for line in reservations for value in line.value.split(",")]
    if len(values) > 1:
        issues.append(reservations[-1].issue("header.repeated"))
    seen: set[int] = set()
    for line, value in values:
        bit = _values.parse_text_bit(value.strip(" \t"))
        if bit.code:
            issues.append(line.issue(bit.code))
        if bit.value is not None and bit.value not in seen:
            seen.add(bit.value)
            strict = len(values) == 1 and not bit.code
            yield _values.statement_of(line, bit, policy, DeclaredBy.HEADER, strict=strict)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the resource."""
    return statements_for_document(reading)
