"""RSL in response headers: `Link` with `rel=license` and RSL's media type (RSL 1.0, RFC 8288).

The field names a licence document and states nothing itself. Without the media type it is
metadata about a licence in general, and is not read here.
"""

import re
from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.rsl import _statements
from crawler.vocab import CONTENT

NAME = "rsl_link"
VERSION = 1
TITLE = "RSL in Link headers"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = ("link",)

# RFC 8288, 3: `<target>; name=value; name="quoted value"`. Quantifiers are possessive, so that
# a hostile field is read in linear time.
_VALUE = r"""\s*+(?:=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*+)))?+"""
_PARAMETER = re.compile(rf"\s*+;\s*+([^\s;,=\"<>]*+){_VALUE}")
_TARGET = re.compile(r"<([^<>]*+)>")


def parse(document: Document, /) -> Reading:
    """Return a reading that names the RSL documents of all links in all `Link` fields."""
    text = document.body.decode("utf-8", "replace")
    lines = enumerate(text.split("\r\n"), start=1)
    return _statements.read_links(
        (url, number, line)
        for number, line in lines
        for url, parameters in _links(line)
        if _is_rsl(parameters)
    )


def _links(line: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield targets with their parameters; the first of equal names counts (RFC 8288, 3.3)."""
    for target in _TARGET.finditer(line):
        parameters: dict[str, str] = {}
        end = target.end()
        while match := _PARAMETER.match(line, end):
            end = match.end()
            parameters.setdefault(match[1].lower(), (match[2] or match[3] or "").lower())
        yield target[1].strip(), parameters


def _is_rsl(parameters: dict[str, str]) -> bool:
    media_type = parameters.get("type", "").partition(";")[0].strip()
    return "license" in parameters.get("rel", "").split() and media_type == _statements.MEDIA_TYPE


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: the named document makes the statements."""
    return ()
