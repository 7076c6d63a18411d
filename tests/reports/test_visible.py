"""Text for terminals: nothing of strangers acts on one, and no word is broken."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.reports.visible import fit, json_text, source_lines, visible

HIDDEN = [
    ("ESC", "\x1b[31mred", "\\x1b[31mred"),
    ("C1 CSI", "\x9b31m", "\\x9b31m"),
    ("bidi override", "a\u202egpj.exe", "a\\u202egpj.exe"),
    ("bidi isolate", "\u2066a\u2069", "\\u2066a\\u2069"),
    ("bell and backspace", "\x07\x08", "\\x07\\x08"),
    ("NUL", "a\0b", "a\\x00b"),
    ("DEL", "\x7f", "\\x7f"),
    ("title of a window", "\x1b]0;x\x07", "\\x1b]0;x\\x07"),
    ("carriage return", "good\rbad", "good\\rbad"),
    ("line ends", "a\nb\u2028c\x85d", "a\\nb\\u2028c\\x85d"),
    ("tab", "a\tb", "a\\tb"),
    ("zero width", "pay\u200bpal", "pay\\u200bpal"),
    ("soft hyphen", "a\xadb", "a\\xadb"),
    ("byte order mark", "\ufeffUser-agent", "\\ufeffUser-agent"),
    ("tags", "\U000e0041", "\\U000e0041"),
    ("half a pair", "\udce9", "\\udce9"),
    ("plain", "Übermäßig größer 日本語 [/x] :smile:", "Übermäßig größer 日本語 [/x] :smile:"),
    ("no-break space", "a\xa0b", "a\xa0b"),
]


@pytest.mark.parametrize(("text", "shown"), [h[1:] for h in HIDDEN], ids=[h[0] for h in HIDDEN])
def test_hidden_characters_are_shown(text, shown):
    assert visible(text) == shown
    assert list(fit([text], None)) == [shown]


@given(st.text())
def test_nothing_acts_on_a_terminal(text):
    shown = visible(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not set(map(ord, shown)) & {*range(32), *range(0x7F, 0xA0)}


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_json_for_a_terminal_is_the_same_data(data):
    text = json_text(data)
    assert json.loads(text) == data
    assert not set(map(ord, text)) & {*range(10), *range(11, 32), *range(0x7F, 0xA0)}
    text.encode("utf-8")


WORDS = st.text(st.sampled_from("ab/:"), min_size=1, max_size=40)


@given(st.lists(WORDS), st.sampled_from(["", "  ", "    | "]), st.integers(20, 60))
def test_words_are_never_broken_and_never_lost(words, indent, width):
    line = indent + " ".join(words)
    lines = list(fit([line], width))
    bars = "|" if indent.endswith("| ") else ""
    got = [w for part in lines for w in part.split() if w != bars]
    assert got == words
    for part in lines:
        assert len(part) <= width or len(part.removeprefix("    | ").split()) == 1


WRAPPED = [
    ("short", "a b", 20, ["a b"]),
    ("sentence", "  one two three four five", 20, ["  one two three four", "    five"]),
    ("URL", "  at https://h.example/a/long/path", 20, ["  at", "    https://h.example/a/long/path"]),
    ("evidence", "    | one two three four", 20, ["    | one two three", "    |   four"]),
    ("columns", "absent    ai_txt     x", 20, ["absent    ai_txt", "  x"]),
    ("narrow", "one two three four five", 5, ["one two three four five"]),
    ("no end", "one two three four five", None, ["one two three four five"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "width", "lines"), [w[1:] for w in WRAPPED], ids=[w[0] for w in WRAPPED]
)
def test_lines_are_wrapped_between_words(line, width, lines):
    assert list(fit([line], width)) == lines


def test_lines_of_a_document_keep_their_control_characters():
    assert source_lines("a\r\nb\rc\nd\x0be\x85f\u2028g") == ["a", "b", "c", "d\x0be\x85f\u2028g"]
    assert source_lines("") == []
