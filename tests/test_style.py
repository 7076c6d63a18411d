"""Docstrings, help texts and Markdown read as docs/development/style.md asks."""

import ast
import re
from collections import defaultdict

import click
import pytest

from crawler.cli import main
from tests.conftest import ROOT

PACKAGE = ROOT / "crawler"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("[bo]*/README.md")},
)
STYLE = ROOT / "docs/development/style.md"
LONGEST = 140

OPENING = re.compile(r"(?:What|Whether|Who|Whom|Why|Which|Where|How|Of|Nothing)\b")
PHRASES = (
    "beside",
    "nobody",
    "somebody",
    "but for",
    "in force",
    "stands in",
    "mend",
    "of ours",
    "of its own",
    "told apart",
    "as it stands",
    "at hand",
    "anew",
    "so many",
    "alike",
    "come to the same",
)
HABIT = re.compile("|".join(rf"\b{p}\b".replace(" ", r"\s+") for p in PHRASES), re.IGNORECASE)
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\([^)]*\)|https?://\S+")
#: The end of a sentence in the middle of a line. "Art. 4" and "e.g. this" are none.
SENTENCE_END = re.compile(
    r"(?<![A-Z])(?<!e\.g)(?<!i\.e)(?<!\bcf)[.!?][)\"”*]*\s+(?=[*_(“\"]*[A-Z])"
)
LIST_MARK = re.compile(r"\s*(?:[-*+]|\d+\.)\s+")


def relative(path):
    return str(path.relative_to(ROOT))


def habits(text):
    """Return the phrases of a text that the style page rejects, code left out."""
    return [f"{match[0]!r}" for match in HABIT.finditer(CODE.sub("x", text))]


def docstrings(tree):
    """Yield line number and docstring of a module and of all that is defined in it."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text


def prose(text):
    """Yield number and line of what is written by hand, without fences and cog blocks.

    The sources of generated parts are held to the style themselves: help texts and views here.
    """
    fence = generated = False
    for number, line in enumerate(text.splitlines(), 1):
        if generated or "[[[cog" in line:
            generated = "[[[end]]]" not in line
        elif line.lstrip().startswith("```"):
            fence = not fence
        elif not fence:
            yield number, line


def is_table(line):
    return line.lstrip().startswith("|")


def test_the_heuristics_find_what_they_should_and_nothing_else():
    assert habits("Held beside it, and mended `beside`.") == ["'beside'"]
    assert habits("So\nmany, besides; nobody's.") == ["'So\\nmany'", "'nobody'"]
    assert SENTENCE_END.search("One ends. Another begins.")
    assert SENTENCE_END.search("One (ends.) **Another** begins.")
    assert not SENTENCE_END.search("See Art. 4(3), e.g. CCBot, i.e. TDM, by J. Smith.")
    assert OPENING.match("Whether it rains.")
    assert not OPENING.match("Whatever it is.")


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_docstrings(path):
    found = []
    for line, text in docstrings(ast.parse(path.read_text("utf-8"))):
        if opening := OPENING.match(text):
            found.append(f"{relative(path)}:{line}: begins with {opening[0]!r}")
        found += [f"{relative(path)}:{line}: {phrase}" for phrase in habits(text)]
    assert not found, "\n" + "\n".join(found)


# Migrations are history: a database has run them as they were.
@pytest.mark.parametrize(
    "path", sorted({*PACKAGE.rglob("*.sql")} - {*PACKAGE.rglob("migrations/*.sql")}), ids=relative
)
def test_comments_of_sql(path):
    comments = " ".join(re.findall(r"--(.*)", path.read_text("utf-8")))
    found = [f"{relative(path)}: {phrase}" for phrase in habits(comments)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_words_of_documents(path):
    # The style page quotes what it rejects.
    lines = prose(path.read_text("utf-8")) if path != STYLE else ()
    found = [f"{relative(path)}:{n}: {phrase}" for n, line in lines for phrase in habits(line)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_lines_of_documents_hold_one_sentence_each(path):
    found = []
    for number, line in prose(path.read_text("utf-8")):
        text = LINK.sub("]", CODE.sub("x", LIST_MARK.sub("", line, count=1)))
        if is_table(line) or line.startswith("#"):
            continue
        if len(text) > LONGEST:
            found.append(f"{relative(path)}:{number}: {len(text)} characters")
        if end := SENTENCE_END.search(text):
            found.append(f"{relative(path)}:{number}: a second sentence after {end.start()}")
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("command", [main, *main.commands.values()], ids=lambda c: c.name)
def test_help(command):
    texts = [command.help, *(p.help for p in command.params if isinstance(p, click.Option))]
    found = [f"{command.name} --help: {phrase}" for t in texts if t for phrase in habits(t)]
    assert not found, "\n" + "\n".join(found)


def test_no_two_classes_of_the_package_have_one_name():
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(relative(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_style_page_lists_what_is_rejected():
    page = STYLE.read_text("utf-8")
    assert len(page.splitlines()) <= 60
    assert [phrase for phrase in PHRASES if f"*{phrase}*" not in page] == []
