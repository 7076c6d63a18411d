"""How the tests of protocols in robots.txt and in headers show what they heard."""

from crawler.model import Document, Observation, Question, Target
from crawler.protocols import parse
from crawler.vocab import Outcome, Resource

URL = "https://example.org/"


def lines(*texts: str) -> str:
    return "\n".join(texts) + "\n"


def read(protocol, text: str | bytes):
    return protocol.parse(Document(body=text.encode() if isinstance(text, str) else text))


def applicable(protocol, reading, path: str | None = None, agent: str | None = None) -> list[str]:
    """`purpose stance`, then the agent unless it is `*`, then the part in brackets, if any."""
    return [_shown(v) for v in _voices(protocol, reading, path, agent) if v.statement.counts]


def meant(protocol, reading, path: str | None = None, agent: str | None = None) -> list[str]:
    """The same for readings that are shown and do not count."""
    return [_shown(v) for v in _voices(protocol, reading, path, agent) if not v.statement.counts]


def codes(reading) -> list[str]:
    return [issue.code.partition(".")[2] for issue in reading.issues]


def answered(protocol, *headers: tuple[str, str]):
    """What a header protocol reads in a response."""
    observation = Observation(
        target=Target(resource=Resource.HOME, asked=URL, url=URL),
        outcome=Outcome.RESPONDED,
        status=200,
        headers=headers,
    )
    return parse.read(protocol, observation)


def _voices(protocol, reading, path, agent):
    return protocol.statements_for(reading, Question(path=path, agent=agent))


def _shown(applied) -> str:
    one = applied.statement
    words = [one.purpose.value, one.stance.value]
    words += [] if one.agent == "*" else [one.agent]
    return " ".join(words) + (f" ({applied.limited_to})" if applied.limited_to else "")
