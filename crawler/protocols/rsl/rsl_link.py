"""RSL in response headers: `Link` with `rel=license` and RSL's media type (RSL 1.0, RFC 8288).

The field names a licence document and states nothing itself, except on an answer 402: there it
is an offer. Without the media type it is metadata about a licence in general, and is not read
here.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from crawler.model import AppliedStatement, Document, Question, Reading, Statement, numbered
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.rsl import _statements
from crawler.protocols.rsl._licence import EVERY_PURPOSE, is_http_url
from crawler.vocab import CONTENT, DeclaredBy, Stance

NAME = "rsl_link"
VERSION = 3
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
# RFC 9110, 15.5.3: 402 Payment Required. A site answers it where a licence is to be bought.
_PAYMENT_REQUIRED = 402


def parse(document: Document, /) -> Reading:
    """Return a reading that names the RSL documents of all links in all `Link` fields."""
    text = document.body.decode("utf-8", "replace")
    lines = enumerate(text.split("\r\n"), start=1)
    links = [
        (url, number, line)
        for number, line in lines
        for url, parameters in _links(line)
        if _is_rsl(parameters)
    ]
    reading = _statements.read_links(links)
    if document.status != _PAYMENT_REQUIRED or not reading.names:
        return reading
    url, number, line = next(link for link in links if is_http_url(link[0]))
    return replace(reading, statements=numbered(_offer(url, number, line)))


def _offer(url: str, number: int, line: str) -> list[Statement]:
    """Return the statements that every use is offered on the terms of a licence.

    RSL 1.0, 3.7: no use is singled out, so the payment is for every use. 4.9: the channel
    nearest to the asset speaks for it, hence for the one URL that answered.
    """
    return [
        Statement(
            rule=f"{FAMILY}.payment_required",
            stance=Stance.CONDITIONAL,
            purpose=purpose,
            tier=4,
            place=f"Link, line {number}",
            raw=clean(line[:1000]),
            clause="RSL 1.0, Link header (4.9) and payment (3.7); RFC 9110, 15.5.3",
            declared_by=DeclaredBy.HEADER,
            line=number,
            policy=clean(url),
        )
        for purpose in EVERY_PURPOSE
    ]


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


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the offer of an answer 402; otherwise the named document makes the statements."""
    return tuple(AppliedStatement(statement=statement) for statement in reading.statements)
