"""Values, policies and statements that all carriers of TDMRep share.

Rules for editors: the report calls any value except 0 and 1 a protocol error, which leaves the
property unset. Such values are lenient readings: shown, never counted. A policy alone never
makes a reservation.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from crawler.model import Issue, Reading, Statement, numbered
from crawler.protocols.parsing import near_names
from crawler.protocols.parsing.json_document import clean, excerpt, limit_issues
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Stance

FAMILY = "tdmrep"
SPEC = "https://www.w3.org/2022/tdmrep/"
CLAUSE = "TDMRep, tdm-reservation property"
RESERVATION, POLICY, LOCATION = "tdm-reservation", "tdm-policy", "location"

_MAX_RAW, _MAX_VALUE = 1000, 100
#: Names that authors write instead, for all carriers.
NEAR_NAMES = {
    **dict.fromkeys(
        ("tdm-reserve", "tdm-reserved", "tdm-reserves", "tdm-opt-out", "tdm-rights-reserved"),
        RESERVATION,
    ),
    "tdmrep-reservation": RESERVATION,
    "tdm-policies": POLICY,
    "tdm-policy-url": POLICY,
    **dict.fromkeys(("path", "url", "uri", "pattern"), LOCATION),
}
_SPELLINGS = near_names.NearNames((RESERVATION, POLICY, LOCATION), NEAR_NAMES)
#: Values that authors write for 1 and 0, among them the booleans of JSON and of RFC 9651.
NEAR_BITS = {
    **dict.fromkeys("1 1.0 01 true ?1 yes y on reserved all opt-out optout".split(), 1),
    **dict.fromkeys("0 0.0 00 false ?0 no n off permitted allowed".split(), 0),
}
_EDGE = " \t\r\n\"'`.,;\u00a0\u201c\u201d\u2018\u2019"
_NUMBER = re.compile(r"[+-]?\d{1,50}(?:\.\d{0,40})?")
_ABSOLUTE = re.compile(r"https?://[^\s/?#\\]\S*", re.IGNORECASE)
_RELATIVE = re.compile(r"(?![a-z][a-z0-9+.-]*:|#)\S+", re.IGNORECASE)


class Bit(NamedTuple):
    """A reservation value: 0, 1 or None, and the code of the issue with it, empty if valid."""

    value: int | None
    code: str = ""


def parse_bit(value: object) -> Bit:
    """Parse a JSON value. Only the numbers 0 and 1 are valid; "1" and true are lenient.

    TDMRep, tdm-reservation: "Other values are considered protocol errors."
    """
    # `type`, not `isinstance`: True is an int in Python, and no number in JSON.
    if type(value) is int and value in (0, 1):
        return Bit(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, (str, int, float)):
        # A parameter behind a semicolon is no part of the value (RFC 9651, 3.1.2).
        text = str(value)[:_MAX_VALUE].partition(";")[0].strip(_EDGE).lower()
        if text in NEAR_BITS:
            return Bit(NEAR_BITS[text], "type_mismatch")
        # Another number is no value, but its author wrote a reservation and no permission.
        if _NUMBER.fullmatch(text):
            return Bit(1, "value.not_a_bit")
    return Bit(None, "value.not_a_bit")


def parse_text_bit(value: str) -> Bit:
    """Parse the value of a header or an attribute, where 0 and 1 are text."""
    return parse_bit(int(value)) if value in ("0", "1") else parse_bit(value)


def visitable_policy(policy: object) -> str | None:
    """Return a policy that is an http(s) URL or a relative reference, None for anything else."""
    if isinstance(policy, str) and (_ABSOLUTE.fullmatch(policy) or _RELATIVE.fullmatch(policy)):
        return policy
    return None


def property_named(name: str) -> str | None:
    """Return the property that a name means, None if it resembles none.

    `tdm_reservation`, `TDM:Reservation` and `tdm-reservaton` count too, as lenient readings.
    """
    return _SPELLINGS.meant(name)


def make_statement(
    *,
    carrier: str,
    value: int,
    policy: str | None,
    place: str,
    line: int | None,
    raw: str,
    declared_by: DeclaredBy,
    strict: bool,
    path: str | None = None,
    clause: str = CLAUSE,
    n: int = 0,
) -> Statement:
    """Make the statement of a reservation value, 0 or 1.

    `carrier` is the middle of the rule's name. A statement that is not `strict` is shown and
    does not count. TDMRep, tdm-policy: with a policy, a reservation is offered under terms.
    """
    reserved = Stance.RESERVED if policy is None else Stance.CONDITIONAL
    return Statement(
        rule=f"tdmrep.{carrier}.{value}",
        stance=reserved if value else Stance.PERMITTED,
        purpose=Purpose.TDM,
        tier=1,
        place=place,
        raw=clean(raw[:_MAX_RAW]),
        clause=clause,
        declared_by=declared_by,
        line=line,
        path=path if path is None else clean(path),
        policy=policy if policy is None else clean(policy),
        reads=Reads.BOTH if strict else Reads.LENIENT,
        counts=strict,
        n=n,
    )


class WrittenProperty(NamedTuple):
    """A property as written in a header line, a meta element or metadata.

    `name` is `RESERVATION` or `POLICY`, or another header name in lower case. `line` is 1-based.
    `deviations` are the issue codes that keep it from the strict reading.
    """

    name: str
    value: str
    line: int
    raw: str
    deviations: tuple[str, ...] = ()

    def issue(self, code: str) -> Issue:
        """Make an issue that quotes the property."""
        return Issue(code=f"tdmrep.{code}", line=self.line, excerpt=excerpt(self.raw))


def effective_policy(
    policies: list[WrittenProperty], issues: list[Issue], *, alone: bool, kind: str
) -> WrittenProperty | None:
    """Return the policy that terms are offered under: the first that is a URL.

    A policy without deviations comes before one with. `alone` says that there is no reservation:
    then the policy has no effect (TDMRep, tdm-policy). `kind` prefixes the code for repeats.
    """
    effective = None
    for policy in sorted(policies, key=lambda one: bool(one.deviations)):
        if alone:
            issues.append(policy.issue("policy_alone"))
        if visitable_policy(policy.value) is None:
            issues.append(policy.issue("policy.not_a_url"))
        elif effective is None:
            effective = policy
        else:
            issues.append(policy.issue(f"{kind}.repeated"))
    return effective


def statement_of(
    reservation: WrittenProperty,
    bit: Bit,
    policy: WrittenProperty | None,
    declared_by: DeclaredBy,
    *,
    strict: bool,
) -> Statement:
    """Make the statement of a header line or a meta element."""
    kind = "header" if declared_by is DeclaredBy.HEADER else "meta"
    return make_statement(
        carrier="header" if kind == "header" else "html",
        value=bit.value or 0,
        policy=policy_for(policy, strict=strict),
        place=f"{kind} {RESERVATION}",
        line=reservation.line,
        raw=reservation.raw,
        declared_by=declared_by,
        strict=strict,
    )


def policy_for(policy: WrittenProperty | None, *, strict: bool) -> str | None:
    """Return the URL of a policy. A strict statement takes no policy with deviations."""
    return policy.value if policy and not (strict and policy.deviations) else None


def build_reading(
    properties: list[WrittenProperty], statements: list[Statement], issues: list[Issue]
) -> Reading:
    """Build the reading of one resource. It is malformed if no reservation in it counts."""
    has_reservation = any(one.name == RESERVATION for one in properties)
    bad = has_reservation and not any(s.counts for s in statements)
    presence = Presence.PRESENT if properties else Presence.ABSENT
    return Reading(
        presence=Presence.MALFORMED if bad else presence,
        statements=numbered(statements),
        issues=limit_issues(issues, FAMILY),
        names=policy_urls(statements),
    )


def policy_urls(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Return the policies of reserving statements as written, each once.

    TDMRep, tdm-policy: with a reservation of 0, the policy should not be processed.
    """
    policies = (s.policy for s in statements if s.stance is Stance.CONDITIONAL)
    return tuple(dict.fromkeys(policy for policy in policies if policy is not None))
