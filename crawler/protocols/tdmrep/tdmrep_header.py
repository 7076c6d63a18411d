"""TDMRep in response headers: `tdm-reservation` and `tdm-policy`, for the resource answered.

A header supersedes the file of the origin, and its absence resets nothing. Fields that
resemble it but are not in the report are recorded and say nothing.
"""

from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement
from crawler.protocols.interface import Carrier
from crawler.protocols.tdmrep import _values
from crawler.protocols.tdmrep._values import POLICY, RESERVATION, Given
from crawler.vocab import CONTENT, DeclaredBy

NAME = "tdmrep_header"
VERSION = 1
TITLE = "TDMRep response headers"
SPEC = _values.SPEC
FAMILY = _values.FAMILY
RANK = 2
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT

#: Not in the report: a name of before 2022, and two that the field made up.
_OTHERS = {
    "tdm-a": "legacy_header",
    "x-tdm-reservation": "nonstandard_header",
    "x-tdm-opt-out": "nonstandard_header",
}
HEADERS: tuple[str, ...] = (RESERVATION, POLICY, *_OTHERS)


def parse(document: Document, /) -> Reading:
    """Read the header lines; several values in one field are no value (RFC 9110, 5.3)."""
    lines = list(_lines(document))
    issues = [line.issue(code) for line in lines if (code := _OTHERS.get(line.name))]
    known = [line for line in lines if line.name in (RESERVATION, POLICY)]
    given = [line for line in known if line.name == RESERVATION]
    policies = [line for line in known if line.name == POLICY]
    policy = _values.terms(policies, not given, "header", issues)
    return _values.resource(known, list(_statements(given, policy, issues)), issues)


def _lines(document: Document) -> Iterator[Given]:
    text = document.body.decode("utf-8", "replace")
    for number, line in enumerate(text.split("\r\n"), start=1):
        name, colon, value = line.partition(":")
        if colon:
            yield Given(name.strip().lower(), value.strip(" \t"), number, line)


def _statements(
    given: list[Given], policy: Given | None, issues: list[Issue]
) -> Iterator[Statement]:
    """The statement of a field with one value, else one lenient statement for each value."""
    values = [(line, value) for line in given for value in line.value.split(",")]
    if len(values) > 1:
        issues.append(given[-1].issue("header.repeated"))
    seen: set[int] = set()
    for line, value in values:
        bit = _values.text_bit(value.strip(" \t"))
        if bit.code:
            issues.append(line.issue(bit.code))
        if bit.value is not None and bit.value not in seen:
            seen.add(bit.value)
            strict = len(values) == 1 and not bit.code
            yield _values.stated(line, bit, policy, DeclaredBy.HEADER, strict=strict)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the headers say about their own resource, the counting first."""
    return _values.whole(reading)
