"""What the carriers of TDMRep share: values, policies, and the statements made of them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from crawler.model import AppliedStatement, Issue, Reading, Statement, numbered
from crawler.protocols.parsing.json_document import capped, clean, excerpt
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Stance

FAMILY = "tdmrep"
SPEC = "https://www.w3.org/2022/tdmrep/"
CLAUSE = "TDMRep, tdm-reservation property"
RESERVATION, POLICY, LOCATION = "tdm-reservation", "tdm-policy", "location"

_RAW = 1000
_NAMES = {re.sub("[-_:]", "", name): name for name in (RESERVATION, POLICY, LOCATION)}
_LOOSE = {"1": 1, "1.0": 1, "true": 1, "?1": 1, "0": 0, "0.0": 0, "false": 0, "?0": 0}
_ABSOLUTE = re.compile(r"https?://[^\s/?#\\]\S*", re.IGNORECASE)
_RELATIVE = re.compile(r"(?![a-z][a-z0-9+.-]*:|#)\S+", re.IGNORECASE)


class Bit(NamedTuple):
    """A reservation value: 0, 1 or None, and the issue with it (empty for a valid one)."""

    value: int | None
    code: str = ""


def bit(value: object) -> Bit:
    """Read a JSON value: only the numbers 0 and 1 are valid, "1" and true are meant so.

    TDMRep, tdm-reservation: "Other values are considered protocol errors."
    """
    if type(value) is int and value in (0, 1):
        return Bit(value)
    if isinstance(value, (str, bool, float)):
        loose = _LOOSE.get(str(value).strip(" \t\r\n\"'").lower())
        if loose is not None:
            return Bit(loose, "type_mismatch")
    return Bit(None, "value.not_a_bit")


def text_bit(value: str) -> Bit:
    """Read the value of a header or an attribute, where 0 and 1 are text."""
    return bit(int(value)) if value in ("0", "1") else bit(value)


def usable(policy: object) -> str | None:
    """A policy that one can visit, an http(s) URL or a relative reference; else None."""
    if isinstance(policy, str) and (_ABSOLUTE.fullmatch(policy) or _RELATIVE.fullmatch(policy)):
        return policy
    return None


def property_named(name: str) -> str | None:
    """The property a name means, `tdm_reservation` and `TDM:Reservation` included."""
    return _NAMES.get(re.sub("[-_:]", "", name.strip()).lower())


def statement(
    carrier: str,
    value: int,
    policy: str | None,
    *,
    place: str,
    line: int | None,
    raw: str,
    declared_by: DeclaredBy,
    strict: bool,
    path: str | None = None,
    clause: str = CLAUSE,
) -> Statement:
    """Make the statement of one valid value; a lenient reading is shown and does not count."""
    offered = Stance.RESERVED if policy is None else Stance.CONDITIONAL
    return Statement(
        rule=f"tdmrep.{carrier}.{value}",
        stance=offered if value else Stance.PERMITTED,
        purpose=Purpose.TDM,
        tier=1,
        place=place,
        raw=clean(raw[:_RAW]),
        clause=clause,
        declared_by=declared_by,
        line=line,
        path=path if path is None else clean(path),
        policy=policy if policy is None else clean(policy),
        reads=Reads.BOTH if strict else Reads.LENIENT,
        counts=strict,
    )


class Given(NamedTuple):
    """A header line or a meta element of the protocol, and what is odd about it."""

    name: str
    value: str
    line: int
    raw: str
    odd: tuple[str, ...] = ()

    def issue(self, code: str) -> Issue:
        """An issue that quotes it."""
        return Issue(code=f"tdmrep.{code}", line=self.line, excerpt=excerpt(self.raw))


def terms(policies: list[Given], alone: bool, kind: str, issues: list[Issue]) -> Given | None:
    """The policy that terms are offered under: the first that is a URL, odd ones last.

    TDMRep, tdm-policy: `alone`, without a reservation beside it, it says nothing.
    """
    found = None
    for policy in sorted(policies, key=lambda given: bool(given.odd)):
        if alone:
            issues.append(policy.issue("policy_alone"))
        if usable(policy.value) is None:
            issues.append(policy.issue("policy.not_a_url"))
        elif found is None:
            found = policy
        else:
            issues.append(policy.issue(f"{kind}.repeated"))
    return found


def stated(
    given: Given, bit: Bit, policy: Given | None, declared_by: DeclaredBy, *, strict: bool
) -> Statement:
    """Make the statement of a header line or a meta element; a strict one has strict terms."""
    kind = "header" if declared_by is DeclaredBy.HEADER else "meta"
    offered = policy if policy and not (strict and policy.odd) else None
    return statement(
        "header" if kind == "header" else "html",
        bit.value or 0,
        offered.value if offered else None,
        place=f"{kind} {RESERVATION}",
        line=given.line,
        raw=given.raw,
        declared_by=declared_by,
        strict=strict,
    )


def resource(given: list[Given], statements: list[Statement], issues: list[Issue]) -> Reading:
    """The reading of what one resource says about itself; nothing valid is malformed."""
    bad = any(g.name == RESERVATION for g in given) and not any(s.counts for s in statements)
    presence = Presence.PRESENT if given else Presence.ABSENT
    return Reading(
        presence=Presence.MALFORMED if bad else presence,
        statements=numbered(statements),
        issues=capped(issues, FAMILY),
        names=names(statements),
    )


def names(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The policies of reserving statements as written, each once.

    TDMRep, tdm-policy: with a reservation of 0 it should not be processed.
    """
    found = (s.policy for s in statements if s.stance is Stance.CONDITIONAL)
    return tuple(dict.fromkeys(policy for policy in found if policy is not None))


def whole(reading: Reading) -> tuple[AppliedStatement, ...]:
    """Every statement of a reading about one resource, the counting first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
