"""TDMRep in response headers: `tdm-reservation` and `tdm-policy`, for the resource answered.

TDMRep, Precedence: a header supersedes the file of the origin, and its absence resets nothing.
Fields that resemble the two but are not in the report are lenient readings.
"""

from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import near_names
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.parsing.header_fields import HeaderLine, split_lines
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import POLICY, RESERVATION, WrittenProperty
from crawler.vocab import CONTENT, DeclaredBy

NAME = "tdmrep_header"
VERSION = 2
TITLE = "TDMRep response headers"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 2
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT

#: Not in the report: a name of before 2022, names that site operators invented, and misspellings.
#: Each with the property that it means.
NEAR_HEADERS = {
    "tdm-a": RESERVATION,
    "x-tdm-opt-out": RESERVATION,
    **{name: meant for name, meant in _values.NEAR_NAMES.items() if name.startswith("tdm")},
    **dict.fromkeys(near_names.header_spellings(RESERVATION), RESERVATION),
    **dict.fromkeys(near_names.header_spellings(POLICY), POLICY),
}
HEADERS: tuple[str, ...] = (RESERVATION, POLICY, *NEAR_HEADERS)


def parse(document: Document, /) -> Reading:
    """Parse the header lines of one response."""
    properties = [_written(line) for line in split_lines(document) if line.name in HEADERS]
    issues = [line.issue(code) for line in properties for code in line.deviations]
    reservations = [line for line in properties if line.name == RESERVATION]
    policies = [line for line in properties if line.name == POLICY]
    alone = not reservations
    policy = _values.effective_policy(policies, issues, alone=alone, kind="header")
    statements = list(_statements(reservations, policy, issues))
    return _values.build_reading(properties, statements, issues)


def _written(line: HeaderLine) -> WrittenProperty:
    meant = NEAR_HEADERS.get(line.name)
    code = "legacy_header" if line.name == "tdm-a" else "nonstandard_header"
    return WrittenProperty(
        meant or line.name,
        line.value.strip(" \t"),
        line.number,
        line.text,
        (code,) if meant else (),
    )


def _statements(
    reservations: list[WrittenProperty], policy: WrittenProperty | None, issues: list[Issue]
) -> Iterator[Statement]:
    """Yield the statement of a single value, else one lenient statement for each value."""
    # RFC 9110, 5.3: repeated fields equal one field with commas, and `1, 1` is neither 0 nor 1.
    exact = [line for line in reservations if not line.deviations]
    is_list = sum(line.value.count(",") + 1 for line in exact) > 1
    if is_list:
        issues.append(exact[-1].issue("header.repeated"))
    seen: set[int] = set()
    values = ((line, value) for line in reservations for value in line.value.split(","))
    # A misspelt field never hides the statement of one that is spelt as specified.
    for line, value in sorted(values, key=lambda pair: bool(pair[0].deviations)):
        bit = _values.parse_text_bit(value.strip(" \t"))
        if bit.code:
            issues.append(line.issue(bit.code))
        if bit.value is not None and bit.value not in seen:
            seen.add(bit.value)
            strict = not (is_list or bit.code or line.deviations)
            yield _values.statement_of(line, bit, policy, DeclaredBy.HEADER, strict=strict)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the resource."""
    return statements_for_document(reading)
