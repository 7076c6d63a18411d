"""Report of `tdm-audit explain`: each finding with its statement, line, response and digest."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from crawler.evaluate.records import ApplicableStatement, Finding, ResourceEvidence
from crawler.plurals import counted
from crawler.reports import as_of
from crawler.reports.as_of import AsOf
from crawler.reports.findings_text import ANSWERED, answers_once, grouped
from crawler.reports.parties import parties_of, party_lines
from crawler.reports.reasons import why_not
from crawler.reports.sentences import prose_lines, prose_of
from crawler.reports.visible import source_lines
from crawler.rulesets import RuleSet
from crawler.urls import canonical
from crawler.vocab import SAMPLED, Reads, State

CAVEAT = (
    "Record of machine-readable signals observed by software. Not legal advice. Signals are "
    "statements by servers, not verified declarations of rights holders."
)
_MEANING = {
    State.RESERVED: "a structured statement covers everything asked about, for every agent",
    State.CONDITIONAL: "reserved, and terms are named on which use is offered",
    State.PARTIAL: "reserved for part of it",
    State.REFUSED: "access is refused to all robots, with no statement about mining",
    State.PERMITTED: "an explicit positive statement, and nothing against it",
    State.SILENT: "everything planned was read, and nothing speaks to this purpose",
    State.UNKNOWN: "could not be determined",
}
# Other statements that the text lists for a finding; JSON has all.
_SHOWN = 10
# Sampled pages of an origin that the text lists, besides the one asked about.
_READS = {
    Reads.BOTH: "by the letter and by tolerant readers",
    Reads.STRICT: "by the letter alone",
    Reads.LENIENT: "by tolerant readers alone",
}
_PAGES_SHOWN = 20
_MEANING_WITH_EXCEPTIONS = {
    State.RESERVED: "a structured statement covers everything asked about, for every agent except "
    "those named",
    State.CONDITIONAL: "reserved for every agent except those named, and terms are named on which "
    "use is offered",
    State.REFUSED: "access is refused to all robots except those named, with no statement about "
    "mining",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The response that contains a statement: digests of its body, status, address, TLS."""

    digest: str
    stored: str
    status: int | None
    address: str
    tls_version: str
    tls_certificate: str
    tls_verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The findings for one URL with their evidence. `sources` are keyed by observation.

    With `as_of` the findings and the resources are those of the last looks before that time.
    `withheld` says of observations when and why what was kept of them was erased.
    """

    url: str
    origin: str
    site: str
    whole_origin: bool
    agent: str | None
    rules: RuleSet
    findings: tuple[Finding, ...]
    resources: tuple[ResourceEvidence, ...]
    sources: dict[int, Source]
    as_of: AsOf | None = None
    withheld: dict[int, tuple[str, str]] = field(default_factory=dict)


def meaning(finding: Finding, agent: str | None = None) -> str:
    """Return what the state of a finding claims, in a sentence that is true of this finding.

    `agent` is the one that the finding is about, None for everybody.
    """
    if finding.exceptions:
        return _MEANING_WITH_EXCEPTIONS[finding.state]
    if finding.malformed and finding.state is State.PERMITTED:
        return "an explicit positive statement; a reservation was attempted, and it is malformed"
    if finding.malformed and finding.state is State.SILENT:
        return "everything planned was read; a reservation was attempted, and it is malformed"
    told = _MEANING[finding.state]
    if agent is None:
        return told
    told = told.replace("for every agent", f"for {agent}")
    return told.replace("to all robots", f"to {agent}")


def as_text(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation as lines of text."""
    yield from body_lines(explanation)
    yield ""
    yield CAVEAT


def body_lines(explanation: Explanation) -> Iterator[str]:
    """Yield the lines of the explanation without the caveat at its end."""
    scope = "the whole origin" if explanation.whole_origin else "this URL"
    yield explanation.url
    yield f"  origin {explanation.origin}, site {explanation.site}; about {scope}"
    audience = f"agent {explanation.agent}" if explanation.agent else "every agent"
    yield f"  rules {explanation.rules.label}, {audience}"
    if explanation.as_of:
        yield as_of.scope_line(explanation.as_of)
    blocks = ((f.purpose, _finding(n, f, explanation)) for n, f in enumerate(explanation.findings))
    yield from answers_once(grouped(blocks))
    yield from prose_lines(explanation.resources, explanation.rules)
    yield from party_lines(explanation.resources)
    yield ""
    yield "Looked at:"
    yield from _looked_at(explanation)


def _looked_at(explanation: Explanation) -> Iterator[str]:
    """Yield the resources, of sampled pages besides the one asked about the first ones only."""
    path = canonical.path_of(explanation.url)
    others = 0
    for evidence in explanation.resources:
        if evidence.resource in SAMPLED and evidence.path != path:
            others += 1
            if others > _PAGES_SHOWN:
                continue
        place = f"{_presence(evidence):<9} {evidence.resource:<17} {evidence.url}"
        yield f"  {place}  ({evidence.observed_at}{_failed(evidence)})"
        if evidence.observation in explanation.withheld:
            at, why = explanation.withheld[evidence.observation]
            yield f"            what was kept of it was erased on {at}: {why}"
    if others > _PAGES_SHOWN:
        yield f"  {counted(others - _PAGES_SHOWN, 'more page')} of this origin, see --json"


def _presence(evidence: ResourceEvidence) -> str:
    return evidence.presence if evidence.is_final else "headers"


def _failed(evidence: ResourceEvidence) -> str:
    """Return that the last attempt failed, and why."""
    failure = evidence.last_failure
    if failure is None:
        return ""
    if not evidence.is_stale:
        return f", {failure.why}"
    return f"; stale: {failure.days:.0f} days later {failure.why}"


def _finding(n: int, finding: Finding, explanation: Explanation) -> Iterator[str]:
    if explanation.as_of:
        yield from _as_of_head(explanation.as_of, n, finding, explanation)
    else:
        extra = f" ({finding.detail})" if finding.detail else ""
        yield f"{finding.purpose:<12} {finding.state.upper()}{extra}"
        yield f"  {meaning(finding, explanation.agent)}"
    if finding.stale:
        yield "  stale: the last attempt failed, so this rests on older evidence"
    if finding.conflict:
        yield "  conflict: statements disagree; the stricter decides"
    if finding.deciding is not None:
        yield from _decided(
            finding.deciding, explanation.sources[finding.deciding.evidence.observation]
        )
    others = _grouped_by_agent(finding, explanation)
    for line, why in others[:_SHOWN]:
        yield f"  also: {line}"
        yield f"    {why}"
    if len(others) > _SHOWN:
        yield f"  also: {len(others) - _SHOWN} more, see --json"


def _as_of_head(told: AsOf, n: int, finding: Finding, explanation: Explanation) -> Iterator[str]:
    """Yield the state at a time, what it rests on, and what was decided later by another look."""
    yield as_of.headline(told, n, finding)
    yield from as_of.basis_lines(told, n)
    later = told.later_differs(n)
    if later is not None and later.deciding is not None:
        yield "  the look after it:"
        source = explanation.sources[later.deciding.evidence.observation]
        yield from _decided(later.deciding, source)
    if told.answers[n].state_before:
        yield f"  the look before it: {meaning(finding, explanation.agent)}"


def _grouped_by_agent(finding: Finding, explanation: Explanation) -> list[tuple[str, str]]:
    """Return the other statements, each with its reason; one line for all agents of a group."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for applicable in finding.considered:
        if applicable is not finding.deciding:
            why = why_not(applicable, finding, explanation.rules)
            before, behind = _around_agent(applicable)
            groups.setdefault((before, behind, why), []).append(applicable.statement.agent)
    return [
        (f"{before}{_audience(agents)} {behind}", why)
        for (before, behind, why), agents in groups.items()
    ]


def _audience(agents: list[str]) -> str:
    named = [agent for agent in dict.fromkeys(agents) if agent != "*"]
    return f" for {', '.join(named)}" if named else ""


def _decided(applicable: ApplicableStatement, source: Source) -> Iterator[str]:
    statement = applicable.statement
    named = f", its agent on line {statement.agent_line}" if statement.agent_line else ""
    yield f"  decided by {_place(applicable)}{named} (tier {statement.tier})"
    for line in source_lines(statement.raw):
        yield f"    | {line}"
    yield f"    {statement.clause}; rule {statement.rule}, {_READS[statement.reads]}"
    if statement.policy:
        yield f"    terms: {statement.policy}"
    evidence = applicable.evidence
    yield f"    {evidence.url} {ANSWERED} {source.status} on {evidence.observed_at}"
    if source.tls_version:
        yield f"    by {_tls(source)}"
    yield f"    body sha256 {source.digest}"
    if source.stored and source.stored != source.digest:
        yield f"    kept of it sha256 {source.stored}"


def _tls(source: Source) -> str:
    """Return how the server was authenticated."""
    verified = "verified" if source.tls_verified == "ok" else f"not verified: {source.tls_verified}"
    return f"{source.tls_version}, certificate sha256 {source.tls_certificate}, {verified}"


def _place(applicable: ApplicableStatement) -> str:
    """Return protocol and place; a place that begins with the title stands for both."""
    title, place = applicable.protocol.TITLE, applicable.statement.place
    return place if place.startswith(f"{title} ") else f"{title}, {place}"


def _around_agent(applicable: ApplicableStatement) -> tuple[str, str]:
    """Return what is said of a statement, before its agent and behind it."""
    statement = applicable.statement
    stance = (
        statement.stance if statement.purpose is None else f"{statement.stance} {statement.purpose}"
    )
    limit = f", only {applicable.applied.limited_to}" if applicable.applied.limited_to else ""
    return stance, f"by {_place(applicable)}{limit}"


def as_json(explanation: Explanation) -> dict[str, object]:
    """Return the explanation as data for JSON, with every statement that was considered."""
    return {
        "url": explanation.url,
        "origin": explanation.origin,
        "site": explanation.site,
        "about": "origin" if explanation.whole_origin else "url",
        "agent": explanation.agent,
        "rules": explanation.rules.label,
        **({"as_of": str(explanation.as_of.instant)} if explanation.as_of else {}),
        "findings": [_finding_json(n, f, explanation) for n, f in enumerate(explanation.findings)],
        "natural_language": prose_of(explanation.resources),
        "parties": parties_of(explanation.resources),
        "resources": [_resource_json(s, explanation) for s in explanation.resources],
        "caveat": CAVEAT,
    }


def _finding_json(n: int, finding: Finding, explanation: Explanation) -> dict[str, object]:
    told = explanation.as_of
    return {
        **({"as_of": as_of.as_json(told, n)} if told else {}),
        "purpose": finding.purpose,
        "state": finding.state,
        "meaning": meaning(finding, explanation.agent),
        "detail": finding.detail,
        "exceptions": list(finding.exceptions),
        "conflict": finding.conflict,
        "complete": finding.complete,
        "malformed": finding.malformed,
        "stale": finding.stale,
        "decided_by": _statement_json(finding.deciding, explanation) if finding.deciding else None,
        "considered": [
            _statement_json(h, explanation) | {"why_not": why_not(h, finding, explanation.rules)}
            for h in finding.considered
            if h is not finding.deciding
        ],
        "missing": [s.resource for s in finding.missing],
    }


def _statement_json(applicable: ApplicableStatement, explanation: Explanation) -> dict[str, object]:
    statement = applicable.statement
    source = explanation.sources[applicable.evidence.observation]
    return {
        "statement": f"{applicable.reading_key}.{statement.n}" if statement.n else None,
        "protocol": applicable.protocol.NAME,
        "rule": statement.rule,
        "clause": statement.clause,
        "stance": statement.stance,
        "purpose": statement.purpose,
        "tier": statement.tier,
        "agent": statement.agent,
        "path": statement.path,
        "media": statement.media,
        "policy": statement.policy,
        "limited_to": applicable.applied.limited_to,
        "fate": applicable.excluded_because,
        "reads": statement.reads,
        "declared_by": statement.declared_by,
        "place": statement.place,
        "line": statement.line,
        "agent_line": statement.agent_line,
        "raw": statement.raw,
        "url": applicable.evidence.url,
        "status": source.status,
        "observed_at": applicable.evidence.observed_at,
        "address": source.address,
        "tls_version": source.tls_version,
        "tls_certificate": source.tls_certificate,
        "tls_verified": source.tls_verified,
        "observation": applicable.evidence.observation,
        "digest": source.digest,
        "stored": source.stored,
    }


def _resource_json(evidence: ResourceEvidence, explanation: Explanation) -> dict[str, object]:
    at, why = explanation.withheld.get(evidence.observation, (None, None))
    return {
        "resource": evidence.resource,
        "path": evidence.path,
        "url": evidence.url,
        "presence": evidence.presence,
        "observed_at": evidence.observed_at,
        "observation": evidence.observation,
        "since": evidence.since,
        "headers_only": not evidence.is_final,
        "stale": evidence.is_stale,
        "last_failure": evidence.last_failure and evidence.last_failure._asdict(),
        "erased_at": at,
        "erased_because": why,
    }
