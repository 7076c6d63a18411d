"""AIPREF, content signals and dictionaries: examples of the drafts, and others' tests.

The answer is the finding for a named agent and a path, as the evaluator decides it: of equal
statements the one that reserves decides.
"""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import http_sf
import pytest

from crawler.model import Document, Question
from crawler.protocols.aipref import _vocabulary, aipref_header, aipref_robots
from crawler.protocols.content_signals import content_signal_robots
from crawler.protocols.robots import ai_control, robots_txt
from crawler.vocab import Presence, Purpose, Stance
from tests.protocols.protocol_tables import allows

LISTED = tomllib.loads(
    (Path(__file__).parent / "aipref_disagreements.toml").read_text(encoding="utf-8")
)
LABELS = {"train-ai": Purpose.GENAI_TRAIN, "search": Purpose.SEARCH}
KEYS = {"ai-train": Purpose.AI_TRAIN, "search": Purpose.SEARCH, "ai-input": Purpose.AI_INPUT}
WORDS = {Stance.RESERVED: "disallowed", Stance.PERMITTED: "allowed", None: "unknown"}
SIGNALS = {Stance.RESERVED: "no", Stance.PERMITTED: "yes", None: None}

pytestmark = pytest.mark.corpus


def cases(corpus: Path, name: str, kind: str, at_least: int) -> list[dict]:
    path = corpus / "conformance" / name
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    every = [json.loads(line) for line in path.read_bytes().splitlines()]
    found = [case for case in every if case["kind"] == kind]
    assert len(found) >= at_least
    return found


def reading(protocol, text: str):
    return protocol.parse(Document(body=text.encode()))


def header(value: str):
    return reading(aipref_header, f"Content-Usage: {value}\r\n")


def stances(applicable) -> dict[Purpose, Stance]:
    """Return the stricter stance of each purpose, from what counts."""
    counting = [applied.statement for applied in applicable if applied.statement.counts]
    counting.sort(key=lambda statement: statement.stance is Stance.RESERVED)
    return {statement.purpose: statement.stance for statement in counting}


def usage(found: dict[Purpose, Stance]) -> dict[str, str]:
    return {label: WORDS[found.get(purpose)] for label, purpose in LABELS.items()}


def effective(given: dict) -> dict[Purpose, Stance]:
    """Return the stances that apply, from statements, header lines or a robots.txt."""
    if "robots_txt" in given:
        text = given["robots_txt"]
        question = Question(path=given["path"], agent=given.get("user_agent"))
        return stances(aipref_robots.statements_for(reading(aipref_robots, text), question))
    values = given.get("statements") or [given.get("value", "")]
    if "headers" in given:
        values = [value for name, value in given["headers"] if name.lower() == "content-usage"]
    return stances(
        applied
        for value in values
        for applied in aipref_header.statements_for(header(value), Question())
    )


def preferred(case: dict) -> dict:
    """Return our answer, with the keys that the case expects."""
    given, expected = case["input"], case["expected"]
    found = effective(given)
    answer = {}
    if "crawl" in expected:
        rules = reading(robots_txt, given["robots_txt"])
        answer["crawl"] = allows(rules, given["user_agent"], given["path"])
    if "usage_effective" in expected:
        answer["usage_effective"] = usage(found)
    elif "usage" in expected:
        value = {Stance.RESERVED: "n", Stance.PERMITTED: "y"}.get(found.get(Purpose.GENAI_TRAIN))
        answer["usage"] = value and f"train-ai={value}"
    else:
        answer |= usage(found)
    if "unreadable" in expected:
        answer["unreadable"] = [issue.excerpt for issue in header(given["value"]).issues]
    return answer


def signalled(case: dict) -> dict | None:
    question = Question(path="/", agent=case["user_agent"])
    read = reading(content_signal_robots, case["robots_txt"])
    if read.presence is Presence.ABSENT:
        return None
    found = stances(content_signal_robots.statements_for(read, question))
    return {key: SIGNALS[found.get(purpose)] for key, purpose in KEYS.items()}


def listed(kind: str) -> dict[str, object]:
    return {entry["case"]: entry.get("ours") for entry in LISTED[kind]}


def test_every_preference_is_agreed_with_or_listed(corpus):
    found = cases(corpus, "aipref.jsonl", "aipref", 23)
    differing = {c["name"]: preferred(c) for c in found if preferred(c) != c["expected"]}
    assert differing == listed("aipref")


def test_no_example_or_rule_of_the_drafts_is_disagreed_with(corpus):
    found = cases(corpus, "aipref.jsonl", "aipref", 23)
    normative = {c["name"] for c in found if c["authority"].startswith("normative")}
    assert len(normative) >= 10
    assert normative.isdisjoint(listed("aipref"))


def test_every_signal_is_agreed_with_or_listed(corpus):
    found = cases(corpus, "contentsignal_rsl.jsonl", "content-signal", 8)
    differing = {c["name"]: signalled(c) for c in found if signalled(c) != c["expected"]}
    # TOML has no null: a key that says nothing is listed as empty text.
    written = {
        name: {k: v or "" for k, v in (ours or {}).items()} for name, ours in differing.items()
    }
    assert written == listed("content_signal")


def plain(thing: object) -> object:
    """Return a parsed value as the suite writes it: members as pairs, special types as objects."""
    if isinstance(thing, dict):
        return [[key, plain(value)] for key, value in thing.items()]
    if isinstance(thing, (tuple, list)):
        return [plain(value) for value in thing]
    if isinstance(thing, http_sf.Token):
        return {"__type": "token", "value": str(thing)}
    if isinstance(thing, bytes):
        return json.loads(http_sf.to_json(thing))
    return float(thing) if isinstance(thing, Decimal) else thing


def test_every_dictionary_of_the_suite_is_read(corpus):
    found = cases(corpus, "structured_fields.jsonl", "structured-field", 33)
    found = [case for case in found if case["header_type"] == "dictionary"]
    assert len(found) >= 25
    read = {
        case["name"]: plain(_vocabulary.parse_dictionary(", ".join(case["raw"]))) for case in found
    }
    due = {case["name"]: None if case["must_fail"] else case["expected"] for case in found}
    assert read == due


def files(corpus: Path, name: str) -> list[bytes]:
    if not (corpus / name).is_dir():
        pytest.skip(f"the corpus has no {name}")
    return [path.read_bytes() for path in sorted((corpus / name).rglob("*.txt"))]


def found_in(protocol, bodies: list[bytes]) -> set[str]:
    readings = [protocol.parse(Document(body=body)) for body in bodies]
    return {statement.rule for one in readings for statement in one.statements}


def test_real_files_with_content_signals(corpus):
    bodies = files(corpus, "contentsignals")
    presences = [content_signal_robots.parse(Document(body=body)).presence for body in bodies]
    assert len(presences) >= 18
    assert Presence.ABSENT not in presences
    assert found_in(content_signal_robots, bodies) >= {
        "content_signal.ai-train.no",
        "content_signal.ai-train.yes",
        "content_signal.ai-input.no",
        "content_signal.search.yes",
        "content_signal.search.no",
    }


def test_real_files_with_preferences(corpus):
    bodies = files(corpus, "aipref")
    assert len(bodies) >= 2
    assert found_in(aipref_robots, bodies) == {
        "aipref.train-ai.n",
        "aipref.search.y",
        "aipref.legacy.ai.n",
    }
    assert found_in(ai_control, bodies) == {"ai_control.disallowaitraining"}
