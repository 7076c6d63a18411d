"""Parse every real file of the corpus, and compare the counts with expected.toml.

A change in answers shows as a difference of expected.toml. To write the file again:
`TDM_AUDIT_REWRITE=1 python -m pytest tests/corpus`; then look at the difference and commit it.
Where the file is missing it is written, and the test fails: the numbers are not checked yet.
"""

import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from crawler import agents, page
from crawler.model import Document, Question, Reading, Statement
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.files import ai_txt, trust_txt
from crawler.protocols.interface import Carrier, Protocol
from crawler.protocols.rsl import rsl
from crawler.protocols.tdmrep import tdm_policy, tdmrep_file, tdmrep_header
from crawler.vocab import Resource

EXPECTED = Path(__file__).parent / "expected.toml"
REWRITE = os.environ.get("TDM_AUDIT_REWRITE") == "1"
#: Folders of the corpus and the least number of files each must hold to mean anything.
FOLDERS = {"robots": 1192, "contentsignals": 18, "aipref": 2, "tdmrep": 43, "aitxt": 20, "html": 48}
FOLDERS |= {"trusttxt": 5, "rsl": 5}
ONE = {"aitxt": ai_txt, "trusttxt": trust_txt, "rsl": rsl}
ON_PAGES = tuple(p for p in PROTOCOLS if p.CARRIER is Carrier.PAGE)
IN_ROBOTS = tuple(p for p in PROTOCOLS if Resource.ROBOTS_TXT in p.RESOURCES)
QUESTIONS = (
    Question(),
    Question(path="/"),
    Question(path="/a/b.html?q=%C3%A9*$"),
    Question(agent="GPTBot"),
    Question(agent="CCBot", path="/images/1.jpg"),
)

pytestmark = pytest.mark.corpus
Counts = dict[str, dict[str, int]]


class Read(NamedTuple):
    """A real file with the group in which it is counted, and one protocol's reading of it."""

    file: Path
    group: str
    protocol: Protocol
    reading: Reading


def protocols_of(file: Path, folder: str) -> tuple[Protocol, ...]:
    """Return the protocols that read a file of a folder."""
    if folder in ONE:
        return (ONE[folder],)
    if file.suffix == ".http":
        return (tdmrep_header,)
    if folder == "tdmrep" and ("policy" in file.name or _is_policy_example(file)):
        return (tdm_policy,)
    if folder == "tdmrep" and file.suffix == ".json":
        return (tdmrep_file,)
    return ON_PAGES if folder in ("html", "tdmrep") else IN_ROBOTS


def _is_policy_example(file: Path) -> bool:
    return file.name.startswith("spec_example") and b"odrl" in file.read_bytes()


def document_of(file: Path, protocol: Protocol) -> Document:
    """Return a file as a server would send it: the body, the extract of a page, or headers."""
    body = file.read_bytes()
    if protocol.CARRIER is Carrier.PAGE:
        return Document(body=page.extract(body))
    if protocol is tdmrep_header:
        known = [n for n in body.splitlines() if n.lower().startswith(b"tdm-")]
        return Document(body=b"\r\n".join(known))
    kinds = {".json": "application/json", ".html": "text/html"}
    return Document(body=body, media_type=kinds.get(file.suffix, "text/plain"))


def group_of(file: Path, folder: Path, protocol: Protocol) -> str:
    inner = file.relative_to(folder).parts[:-1]
    return "/".join((folder.name, *inner[:1], protocol.NAME))


@pytest.fixture(scope="module")
def readings(corpus) -> list[Read]:
    found = []
    for name, least in FOLDERS.items():
        files = sorted(file for file in (corpus / name).rglob("*") if file.is_file())
        assert len(files) >= least, f"{name} holds too few files"
        for file in files:
            for protocol in protocols_of(file, name):
                reading = parse.parse(protocol, document_of(file, protocol))
                group = group_of(file, corpus / name, protocol)
                found.append(Read(file, group, protocol, reading))
    return found


def kind_of(statement: Statement) -> str:
    agent = agents.find(statement.agent)
    return agent.agent_class.value if agent else "everybody" if statement.agent == "*" else "other"


def counted(found: list[Read]) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the counts that are pinned for the files of a group, each with its title."""
    statements = [s for read in found for s in read.reading.statements]
    yield "presence", Counter(read.reading.presence.value for read in found)
    yield "files", {"with statements": sum(bool(r.reading.statements) for r in found)}
    yield "rules", Counter(s.rule for s in statements)
    yield "stances", Counter(s.stance.value for s in statements)
    yield "agents", Counter(kind_of(s) for s in statements)
    yield "reads", Counter(f"{s.reads}{'' if s.counts else ', not counted'}" for s in statements)
    yield "issues", Counter(i.code for read in found for i in read.reading.issues)
    passages = [c for read in found for c in read.reading.candidates]
    yield "candidates", Counter(f"{c.strength}, {c.location}, {c.pattern}" for c in passages)


def summary(found: list[Read]) -> dict[str, Counts]:
    groups = sorted({read.group for read in found})
    return {
        group: {
            title: dict(sorted(counts.items()))
            for title, counts in counted([read for read in found if read.group == group])
            if counts
        }
        for group in groups
    }


def as_toml(pinned: dict[str, Counts]) -> str:
    lines = ["# Written by tests/corpus/test_real_files.py; it says how to write it again."]
    for group, counts in pinned.items():
        for title, numbers in counts.items():
            lines += ["", f'["{group}".{title}]', *(f'"{k}" = {n}' for k, n in numbers.items())]
    return "\n".join(lines) + "\n"


def test_nothing_crashes(readings):
    crashed = [
        (str(read.file), issue.excerpt)
        for read in readings
        for issue in read.reading.issues
        if issue.code == "internal.crash"
    ]
    assert crashed == []


def test_what_was_found_is_what_is_pinned(readings):
    found = summary(readings)
    missing = not EXPECTED.exists()
    if missing or REWRITE:
        EXPECTED.write_text(as_toml(found), encoding="utf-8")
    assert not missing, f"{EXPECTED} was written; look at it and commit it"
    assert found == tomllib.loads(EXPECTED.read_text(encoding="utf-8"))


def test_every_statement_can_be_stored_and_stands_in_its_file(readings):
    for read in readings:
        found = read.reading.statements
        assert [s.n for s in found] == list(range(1, len(found) + 1)), read.file
        for statement in found:
            "".join((statement.raw, statement.path or "", statement.policy or "")).encode()
        last = read.file.read_bytes().count(b"\n") + read.file.read_bytes().count(b"\r") + 1
        assert all(s.line is None or 1 <= s.line <= last for s in found), read.file


def test_every_file_answers_questions(readings):
    for read in readings:
        for question in QUESTIONS:
            for applied in read.protocol.statements_for(read.reading, question):
                numbers = {0, *(s.n for s in read.reading.statements)}
                assert applied.statement.n in numbers, (read.file, question)


def test_reading_again_gives_the_same(readings):
    for read in readings[::7]:
        again = parse.parse(read.protocol, document_of(read.file, read.protocol))
        assert again == read.reading, read.file
