"""Counts agree with their nouns: `plurals` makes both, and no sentence makes its own plural."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from crawler.plurals import agreeing, counted
from tests.conftest import ROOT

PACKAGE = ROOT / "crawler"
PRINTING = ("cli", "commands", "reports", "serve")
# A plural right behind a number that is printed.
NOUNS = re.compile(
    r" (?:rows|origins|sites|runs|observations|bodies|requests|documents|URLs|files|pages|"
    r"places|lines|hosts|datasets|attempts|octets|changes|differences|manifests|statements)\b"
)


@pytest.mark.parametrize(
    ("number", "nouns", "text"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (1261, ("planned place",), "1,261 planned places"),
        (1, ("body", "bodies"), "1 body"),
        (2, ("body", "bodies"), "2 bodies"),
    ],
)
def test_a_count_agrees_with_its_noun(number, nouns, text):
    assert counted(number, *nouns) == text


def test_a_verb_agrees_with_a_count():
    assert [agreeing(n, "was", "were") for n in (0, 1, 2)] == ["were", "was", "were"]


def own_plurals(path: Path) -> list[str]:
    """Return f-strings in which a plural follows a number that may be one."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for number, text in pairwise(parts):
            is_number = isinstance(number, ast.FormattedValue) and isinstance(text, ast.Constant)
            if is_number and NOUNS.match(str(text.value)):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_no_sentence_makes_its_own_plural():
    paths = [path for folder in PRINTING for path in (PACKAGE / folder).rglob("*.py")]
    assert len(paths) > 50
    assert [place for path in paths for place in own_plurals(path)] == []
