"""Report of `tdm-audit check` for one URL, as text and as JSON: verdicts, agents, lint."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from crawler.plurals import counted
from crawler.reports.advice import advice_for
from crawler.reports.explain import CAVEAT, Explanation, as_json, body_lines
from crawler.vocab import Purpose

#: Purposes that are reported for well-known agents.
ASKED = (Purpose.GENAI_TRAIN, Purpose.SEARCH, Purpose.AI_INPUT)
# Places of one issue that the text lists; JSON has all.
_PLACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One problem: `code` selects the advice, `excerpt` is the text or what is wrong with it."""

    code: str
    protocol: str
    url: str
    line: int | None
    excerpt: str

    @property
    def place(self) -> str:
        """Return the URL, with the line if it is known."""
        return self.url + (f", line {self.line}" if self.line else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """The states for one agent, by purpose."""

    token: str
    operator: str
    agent_class: str
    states: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A planned resource that could not be seen, with the outcome of the last attempt."""

    resource: str
    path: str
    outcome: str
    status: int | None
    note: str

    @property
    def why(self) -> str:
        """Return the outcome in a few words."""
        answered = f"answered {self.status}" if self.status else self.outcome
        return answered + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result of a check of one URL; `notes` are sorted by code."""

    explanation: Explanation
    agents: tuple[AgentRow, ...]
    notes: tuple[Note, ...]
    unseen: tuple[Unseen, ...]


def check_text(checked: Checked) -> Iterator[str]:
    """Yield the check as lines of text."""
    yield from body_lines(checked.explanation)
    if checked.unseen:
        yield ""
        yield "Not seen:"
        yield from (f"  {u.resource:<17} {u.path}  {u.why}" for u in checked.unseen)
    yield ""
    yield from _agents(checked.agents)
    yield ""
    yield from _lint(checked.notes)
    yield ""
    yield CAVEAT


def _agents(rows: tuple[AgentRow, ...]) -> Iterator[str]:
    yield "What well-known agents are told:"
    yield f"  {'agent':<22} {'class':<8} " + " ".join(f"{p:<12}" for p in ASKED).rstrip()
    for row in rows:
        states = " ".join(f"{row.states[p]:<12}" for p in ASKED).rstrip()
        yield f"  {row.token:<22} {row.agent_class:<8} {states}"


def _lint(notes: tuple[Note, ...]) -> Iterator[str]:
    if not notes:
        yield "Lint: nothing to mend was found."
        return
    yield f"Lint: {counted(len(notes), 'place')}"
    for code, found in groupby(notes, attrgetter("code")):
        places = list(found)
        yield f"  {code}: {advice_for(code)}"
        for note in places[:_PLACES]:
            yield f"    {note.place}" + (f" | {_one_line(note.excerpt)}" if note.excerpt else "")
        if len(places) > _PLACES:
            yield f"    {len(places) - _PLACES} more, see --json"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def check_json(checked: Checked) -> dict[str, object]:
    """Return the check as data: the explanation, the states for well-known agents, and the lint."""
    return as_json(checked.explanation) | {
        "agents": [
            {"agent": a.token, "operator": a.operator, "class": a.agent_class, **a.states}
            for a in checked.agents
        ],
        "lint": [
            {
                "code": n.code,
                "protocol": n.protocol,
                "url": n.url,
                "line": n.line,
                "excerpt": n.excerpt,
                "advice": advice_for(n.code),
            }
            for n in checked.notes
        ],
        "unseen": [
            {"resource": u.resource, "path": u.path, "outcome": u.outcome, "status": u.status}
            | {"note": u.note}
            for u in checked.unseen
        ],
    }
