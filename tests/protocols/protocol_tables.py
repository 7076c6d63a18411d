"""Readable summaries of readings, shared by the tables of the protocol tests."""

from crawler.model import AppliedStatement, Document, Observation, Question, Reading, Target
from crawler.protocols import parse
from crawler.protocols.interface import Protocol
from crawler.protocols.robots import robots_txt
from crawler.vocab import Outcome, Resource

URL = "https://example.org/"


def lines(*texts: str) -> str:
    return "\n".join(texts) + "\n"


def read(protocol: Protocol, text: str | bytes) -> Reading:
    return protocol.parse(Document(body=text.encode() if isinstance(text, str) else text))


def allows(reading: Reading, agent: str, path: str) -> bool:
    """Return whether a robots.txt allows a path to an agent, as the planner asks it."""
    return robots_txt.refusing_rule(reading, agent, path) is None


def applicable(
    protocol: Protocol, reading: Reading, path: str | None = None, agent: str | None = None
) -> list[str]:
    """Summarise the statements that count.

    Each is `purpose stance`, then the agent unless it is `*`, then the limit in brackets, if any.
    """
    applied = protocol.statements_for(reading, Question(path=path, agent=agent))
    return [_summary(one) for one in applied if one.statement.counts]


def meant(
    protocol: Protocol, reading: Reading, path: str | None = None, agent: str | None = None
) -> list[str]:
    """Summarise the statements that are shown and do not count, as `applicable` does."""
    applied = protocol.statements_for(reading, Question(path=path, agent=agent))
    return [_summary(one) for one in applied if not one.statement.counts]


def codes(reading: Reading) -> list[str]:
    """Return the codes of the issues without the name of the family."""
    return [issue.code.partition(".")[2] for issue in reading.issues]


def answered(protocol: Protocol, *headers: tuple[str, str]) -> Reading:
    """Read the headers of a response as the crawler would."""
    observation = Observation(
        target=Target(resource=Resource.HOME, asked=URL, url=URL),
        outcome=Outcome.RESPONDED,
        status=200,
        headers=headers,
    )
    return parse.read(protocol, observation)


def _summary(applied: AppliedStatement) -> str:
    one = applied.statement
    words = [one.purpose.value, one.stance.value]
    words += [] if one.agent == "*" else [one.agent]
    return " ".join(words) + (f" ({applied.limited_to})" if applied.limited_to else "")
