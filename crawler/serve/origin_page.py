"""The page of one origin or URL: what `explain --json` says, in the order that readers ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crawler.commands.explain import explain
from crawler.reports.dataset_report import words
from crawler.reports.explain import Explanation, as_json
from crawler.serve.audits import Audit, PartOfAudit
from crawler.serve.cells import bytes_link
from crawler.store.derived import rule_set
from crawler.store.stored_text import size_of_origin
from crawler.urls import canonical
from crawler.vocab import Reject

#: Groups of statements that are listed, and passages and parties.
MAX_LISTED = 200
_AGENT_LINE = "user-agent:"


@dataclass(slots=True)
class StatementGroup:
    """Statements that say the same at one place, for several agents.

    `decides` are the purposes whose finding rests on it, `reasons` why it does not decide others.
    """

    statement: Mapping[str, Any]
    words: str
    link: str
    agents: list[str] = field(default_factory=list)
    decides: list[str] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)


def read_origin(audit: Audit, url: str, agent: str | None, *, whole_origin: bool) -> dict[str, Any]:
    """Return what the page of a URL, or of its whole origin, shows.

    Raise `NotAUrlError` and `NeverAskedError`.
    """
    with audit.of_url(url) as opened:
        return _read_origin(opened, url, agent, whole_origin=whole_origin)


def _read_origin(
    opened: PartOfAudit, url: str, agent: str | None, *, whole_origin: bool
) -> dict[str, Any]:
    db, linked = opened.db, _Links(opened)
    explanation = explain(db, url, rule_set(db, None), agent=agent, whole_origin=whole_origin)
    data = as_json(explanation)
    findings: Any = data["findings"]
    groups = _grouped(findings, linked)
    resources: Any = data["resources"]
    prose: Any = data["natural_language"]
    parties: Any = data["parties"]
    for entry in (*resources, *prose):
        entry["link"] = linked.observation(explanation, entry)
    for finding in findings:
        finding["link"] = linked.statement(finding["decided_by"])
        finding["name"] = words.PURPOSES[finding["purpose"]]
    rows, weight = size_of_origin(db, _key(explanation.origin))
    return {
        "explanation": data,
        "findings": findings,
        "groups": groups[:MAX_LISTED],
        "more_groups": max(0, len(groups) - MAX_LISTED),
        "resources": resources,
        "prose": prose[:MAX_LISTED],
        "parties": parties[:MAX_LISTED],
        "rows": rows,
        "weight": weight,
    }


def _key(origin_url: str) -> str:
    origin = canonical.origin_of(origin_url)
    return "" if isinstance(origin, Reject) else canonical.origin_key(origin)


class _Links:
    """Links to the bytes of observations of a part."""

    def __init__(self, opened: PartOfAudit) -> None:
        self._in_whole = opened.in_whole

    def observation(self, explanation: Explanation, entry: Mapping[str, Any]) -> str:
        """Return the page of the bytes of an observation, empty if none are kept."""
        source = explanation.sources.get(entry["observation"])
        if source is None or not source.stored:
            return ""
        number = self._in_whole(entry["observation"])
        return bytes_link(source.stored, number, entry.get("line"))

    def statement(self, statement: Mapping[str, Any] | None) -> str:
        """Return the page of the bytes of a statement, empty if none are kept."""
        if statement is None or not statement["stored"]:
            return ""
        lines = (statement["line"], statement["agent_line"])
        return bytes_link(statement["stored"], self._in_whole(statement["observation"]), *lines)


def _grouped(findings: list[dict[str, Any]], linked: _Links) -> list[StatementGroup]:
    """Return all statements of the findings, those that decide first, each group once."""
    groups: dict[tuple[object, ...], StatementGroup] = {}
    for finding in findings:
        decided = [finding["decided_by"]] if finding["decided_by"] else []
        for statement in (*decided, *finding["considered"]):
            new = StatementGroup(statement, _words(statement), linked.statement(statement))
            group = groups.setdefault(_group_key(statement), new)
            if statement["agent"] not in group.agents:
                group.agents.append(statement["agent"])
            if statement is finding["decided_by"]:
                group.decides.append(finding["purpose"])
            else:
                purposes = group.reasons.setdefault(statement["why_not"], [])
                if finding["purpose"] not in purposes:
                    purposes.append(finding["purpose"])
    return sorted(groups.values(), key=lambda group: not group.decides)


def _group_key(statement: Mapping[str, Any]) -> tuple[object, ...]:
    names = ("protocol", "place", "stance", "purpose", "path", "media", "limited_to", "observation")
    return (*(statement[name] for name in names), _words(statement))


def _words(statement: Mapping[str, Any]) -> str:
    """Return the text without the line that names the agent, which is listed by itself."""
    raw: str = statement["raw"]
    first, _, rest = raw.partition("\n")
    return rest if rest and first.lower().startswith(_AGENT_LINE) else raw
