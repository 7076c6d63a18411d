"""What an extract keeps of names of parties: copyright lines and microdata."""

# ruff: noqa: E501 - markup is easier to read in whole lines

import json
import time

import pytest

from crawler import page


def parts(markup: str, tag: str) -> list[tuple[int, str, str]]:
    """Return line, `where` and text of the parts of the text that stand as elements."""
    elements = page.read_elements(page.extract(markup.encode()))
    return [(e.line, e.where, e.text) for e in elements if e.tag == tag]


LINES = {
    "in a footer": ("<p>x\n<footer>© 2024 A</footer>", [(2, "footer", "© 2024 A")]),
    "in an element called foot": ('<div class="site-foot">\n© A</div>', [(2, "footer", "© A")]),
    "in the element around it": (
        f"<div id=footer><ul><li>{'<a href=/x>x</a>' * 40}</li>\n<li>© A</li></ul></div>",
        [(2, "footer", "© A")],
    ),
    "at the end": ("<p>x</p><p>© A", [(1, "tail", "© A")]),
    "above the end": ("<p>© A</p>" + "<p>word</p>" * 60, []),
    "far from the end": ("<p>© A</p>" + " " * 7000, []),
    "entities": (
        "<footer>&copy; A<br>&#169; B</footer>",
        [(1, "footer", "© A"), (1, "footer", "© B")],
    ),
    "words": (
        "<footer>Copyright A<br>COPYRIGHT B<br>(c) C</footer>",
        [(1, "footer", t) for t in ("Copyright A", "COPYRIGHT B", "(c) C")],
    ),
    "inline tags": (
        "<footer>© <!-- -->2024 <a href=/>A <b>B</b></a></footer>",
        [(1, "footer", "© 2024 A B")],
    ),
    "elements without a blank between": (
        "<footer><small>© A</small><small>Powered</small></footer>",
        [(1, "footer", "© A Powered")],
    ),
    "an equal line once": ("<footer>© A<p>\n© A</footer>", [(2, "footer", "© A")]),
    "a script inside": ("<footer>© A <script>x('©')</script></footer>", [(1, "footer", "© A")]),
    "in a script": ("<footer><script>'© A'</script></footer>", []),
    "in a style": ("<footer><style>/* © A */</style></footer>", []),
    "in a comment": ("<footer><!-- <p> © A --></footer>", []),
    "in an attribute": ('<footer><img alt="© A"></footer>', []),
    "a credit": ('<footer class=x></footer><figure><p class="caption">© A</p></figure>', []),
    "the last six": (
        f"<footer>{''.join(f'<p>© A{n}</p>' for n in range(50))}</footer>",
        [(1, "footer", f"© A{n}") for n in range(44, 50)],
    ),
}


@pytest.mark.parametrize(("markup", "expected"), LINES.values(), ids=LINES)
def test_copyright_lines(markup, expected):
    assert parts(f"<body>{markup}", page.NOTICE) == expected


def test_a_copyright_line_is_cut():
    ((_, _, text),) = parts("<footer>© " + "word " * 500, page.NOTICE)
    assert len(text) <= 400


ORGANISATION = "<b itemprop=name>A</b></div>"
SCOPE = "itemscope itemtype=https://schema.org/"
ITEMS = {
    "a publisher": (
        f"<div {SCOPE}Article>\n<div itemprop=publisher {SCOPE}Organization>{ORGANISATION}",
        [{"@type": ["https://schema.org/Article"], "publisher": [{"@type": ["https://schema.org/Organization"], "name": ["A"]}]}],
    ),
    "values of attributes": (
        f"<div {SCOPE}Article itemid=' #a '><link itemprop=license href=/l><meta itemprop=publisher content=A>"
        "<data itemprop=name value=N>x</data><a itemprop=acquireLicensePage href=/q>x</a></div>",
        [{"@type": ["https://schema.org/Article"], "@id": "#a", "license": ["/l"], "publisher": ["A"], "name": ["N"], "acquireLicensePage": ["/q"]}],
    ),
    "text with markup": (
        f"<div {SCOPE}Article><p itemprop='copyrightHolder x'>A <i>&amp;</i> B</p><p itemprop=publisher> </p></div>",
        [{"@type": ["https://schema.org/Article"], "copyrightHolder": ["A & B"]}],
    ),
    "a property of nothing": ("<p itemprop=publisher>A</p>", []),
    "an item that names no party": (f"<div {SCOPE}Product><p itemprop=name>publisher</p></div>", []),
    "an item in an item": (
        f"<div {SCOPE}WebPage><div itemprop=mainEntity {SCOPE}Article><p itemprop=publisher>A</p></div></div>",
        [{"@type": ["https://schema.org/WebPage"], "mainEntity": [{"@type": ["https://schema.org/Article"], "publisher": ["A"]}]}],
    ),
    "an item without a property in an item": (
        f"<div {SCOPE}WebPage><div {SCOPE}Article><p itemprop=publisher>A</p></div></div>",
        [{"@type": ["https://schema.org/Article"], "publisher": ["A"]}],
    ),
    "elements left open, and ends without a start": (
        "</p><DIV ITEMSCOPE ITEMTYPE=https://schema.org/Article></b><P ITEMPROP=publisher>A<br></div><p>B",
        [{"@type": ["https://schema.org/Article"], "publisher": ["A"]}],
    ),
    "no type": ("<div itemscope><p itemprop=publisher>A</p></div>", [{"@type": [], "publisher": ["A"]}]),
    "comments and scripts are passed over": (
        f"<div {SCOPE}Article><!-- </div> --><script>'</div>'</script><p itemprop=publisher>A</p></div><!-- ",
        [{"@type": ["https://schema.org/Article"], "publisher": ["A"]}],
    ),
    "other words of interest": ("<p>itemprop publisher item</p>", []),
    "no microdata": ("<p>publisher</p>", []),
}  # fmt: skip


@pytest.mark.parametrize(("markup", "expected"), ITEMS.values(), ids=ITEMS)
def test_microdata(markup, expected):
    found = [json.loads(text) for _, _, text in parts(f"<body>{markup}", page.MICRODATA)]
    assert found == [{"@context": "https://schema.org"} | node for node in expected]


def test_microdata_has_its_line():
    markup = f"<body>\n<p>\n<div {SCOPE}Article><p itemprop=publisher>A</div>"
    assert [line for line, _, _ in parts(markup, page.MICRODATA)] == [3]


def test_microdata_is_bounded():
    deep = (
        f"<div {SCOPE}A><p itemprop=publisher>x"
        + "<b>" * 5000
        + f"<i {SCOPE}B><u itemprop=publisher>y"
    )
    assert len(parts(deep, page.MICRODATA)) == 1
    many = f"<div {SCOPE}A><p itemprop=publisher>{'x' * 3000}</p></div>" * 1000
    found = parts(many, page.MICRODATA)
    assert len(found) == 100
    assert max(len(text) for _, _, text in found) < 1000


@pytest.mark.parametrize(
    "unit",
    [
        "© ", "&copy;<", "<footer>©<a", "opyright<!--", "(c) <script>", "<b>©", "©<svg>", " class=foot ©",
        "<p itemscope>", "<p itemprop=publisher ", "<p itemscope itemprop=publisher>x", "<!--itemprop publisher",
        "itemprop publisher </p>", "<title>impressum</title><h1>x Ltd<p>", "impressum<style",
    ],
)  # fmt: skip
def test_hostile_names_are_read_in_linear_time(unit):
    body = ("<title>Impressum</title>" + unit * (page.CAP // len(unit))).encode()
    started = time.process_time()
    page.extract(body)
    assert time.process_time() - started < 10


def test_microdata_far_behind_other_tags_is_not_read():
    before = "<p itemscope></p>" + "<i>" * 20_000
    after = f"<div {SCOPE}Article><p itemprop=publisher>A</p></div>"
    assert parts(before + after, page.MICRODATA) == []
