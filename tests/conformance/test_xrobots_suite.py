"""Cases of other projects about X-Robots-Tag and robots meta elements, and the server
configurations of the corpus.

Some cases ask whether a page may be indexed; this program does not ask that, and they are listed.
"""

import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from crawler import page
from crawler.model import Document, Question, Reading
from crawler.protocols.robots_directives import meta_robots, x_robots_tag
from crawler.vocab import Stance

DATA = tomllib.loads(
    (Path(__file__).parent / "xrobots_disagreements.toml").read_text(encoding="utf-8")
)
HEADER = re.compile(r"""(?:X-Robots-Tag:|"X-Robots-Tag",\s*"value":)[ "]*([^"\r\n]*)""", re.I)

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def cases(corpus) -> dict[str, dict]:
    path = corpus / "conformance" / "xrobots.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(found) >= 31
    named = {named_uniquely(case): case for case in found}
    assert len(named) == len(found)
    return named


def named_uniquely(case: dict) -> str:
    return " | ".join(text for text in (case["name"], case.get("note")) if text)


def read_headers(*lines: tuple[str, str]) -> Reading:
    body = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return x_robots_tag.parse(Document(body=body.encode()))


def allowed(reading: Reading, agent: str | None) -> bool:
    """Return whether no counting statement reserves anything for the agent, or for all."""
    applicable = x_robots_tag.statements_for(reading, Question(path="/", agent=agent))
    return not any(
        applied.statement.counts
        and applied.statement.stance is Stance.RESERVED
        and applied.limited_to != "agents"
        for applied in applicable
    )


def content(markup: str) -> str | None:
    """Return the content of the first robots meta element."""
    found = page.read_elements(page.extract(markup.encode()))
    return next((e.get("content") for e in found if e.get("name") == "robots"), None)


def answer(case: dict) -> object:
    """Our answer, under the name that the case gives to it; None if it is not ours to give."""
    if "ai_use_allowed" in case["expected"]:
        return allowed(read_headers(*case["headers"]), case["user_agent"])
    return content(case["html"]) if "content" in case["expected"] else None


def asked(case: dict) -> bool:
    return not case["expected"].keys() & {"may_index", "may_follow"}


def test_every_case_is_agreed_with_or_listed(cases):
    differing = {
        name: answer(case)
        for name, case in cases.items()
        if asked(case) and answer(case) != next(iter(case["expected"].values()))
    }
    assert differing == {
        case: group["ours"] for group in DATA["xrobots"] for case in group["cases"]
    }


def test_cases_about_indexing_are_listed_and_say_nothing_about_training(cases):
    others = {name: case for name, case in cases.items() if not asked(case)}
    assert set(others) == set(DATA["unasked"]["cases"])
    for case in others.values():
        extract = page.extract(case.get("html", "").encode())
        readings = (
            read_headers(*case.get("headers", ())),
            meta_robots.parse(Document(body=extract)),
        )
        assert [reading.statements for reading in readings] == [(), ()]


def test_every_entry_gives_its_reason():
    assert all(group["because"] for group in [*DATA["xrobots"], DATA["unasked"]])


def test_server_configurations(corpus):
    files = sorted((corpus / "xrobots").glob("*"))
    if not files:
        pytest.skip("the corpus has no server configurations")
    values = [v for file in files for v in HEADER.findall(file.read_text(encoding="utf-8"))]
    readings = [read_headers(("X-Robots-Tag", value)) for value in values]
    rules = Counter(s.rule for reading in readings for s in reading.statements if s.counts)
    assert rules == {"directives.header.noai": 6, "directives.header.noimageai": 6}
    assert not any(reading.issues for reading in readings)
