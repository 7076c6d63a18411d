"""The extract of a page: positions, encodings, hostile markup, and size limits."""

import bz2
import codecs
import encodings.aliases
import gzip
import hashlib
import json
import lzma
import os
import time
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import page
from crawler.page import _attributes, _tags

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[1].parent / "shared" / "corpus")
)


def extracted_json(markup: str | bytes, charset: str = "") -> dict[str, object]:
    body = markup.encode() if isinstance(markup, str) else markup
    return json.loads(page.extract(body, charset))


def positions(markup: str) -> list[tuple[str, int, str]]:
    """Return tag, line and `where` of every element."""
    return [(e.tag, e.line, e.where) for e in page.read_elements(page.extract(markup.encode()))]


def test_an_extract_has_its_elements_in_order_with_their_lines():
    markup = (
        "<!DOCTYPE html>\r\n<html lang='de'>\r\n<head><title>A &amp; B <i>\n c</title>\n"
        '<META CONTENT="a &gt; b"\n NAME=x name=y>\n'
        '<link rel="license nofollow" href=/l>\n'
        "<script>'<meta>'</script>\n"
        '<script type="application/ld+json">\n{"a": "<b>"}</script>\n'
        "</head><body><a rel='license' href='/cc'>x</a><a href='/y' rel=me>tdm-</a>\n<meta>"
    )
    extracted = page.extract(markup.encode())
    found = json.loads(extracted)
    assert (found["lang"], found["title"], found["charset"]) == ("de", "A & B <i> c", "utf-8")
    assert (found["version"], found["truncated"]) == (page.VERSION, False)
    meta, link, script, anchor, last = page.read_elements(extracted)
    assert (meta.tag, meta.line, meta.where) == ("meta", 5, "head")
    assert meta.attributes == (("content", "a > b"), ("name", "x"))
    assert meta.raw == '<META CONTENT="a &gt; b"\n NAME=x name=y>'
    assert (meta.get("name"), meta.get("property")) == ("x", None)
    assert (link.line, link.get("rel")) == (7, "license nofollow")
    assert (script.line, script.text) == (9, '\n{"a": "<b>"}')
    assert (anchor.tag, anchor.line, anchor.where) == ("a", 11, "body")
    assert (last.tag, last.line, last.attributes) == ("meta", 12, ())


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<meta><p><link>", [("meta", 1, "head"), ("link", 1, "body")], id="implied"),
        pytest.param("<head><div><meta></head>", [("meta", 1, "head")], id="a head as written"),
        pytest.param("<head></head><meta><body>", [("meta", 1, "head")], id="after the head"),
        pytest.param("<head></head><p><meta>", [("meta", 1, "body")], id="no body tag"),
        pytest.param("<body><meta>", [], id="nothing of interest in the body"),
        pytest.param("<body>NOAI<meta>", [("meta", 1, "body")], id="something of interest"),
        pytest.param(
            "<noscript><meta></noscript><meta>",
            [("meta", 1, "noscript"), ("meta", 1, "head")],
            id="noscript",
        ),
        pytest.param("<noscript><body>tdm-<meta>", [("meta", 1, "body")], id="noscript left open"),
        pytest.param("<template><noscript><meta>", [("meta", 1, "template")], id="nested"),
        pytest.param("</template><meta>", [("meta", 1, "head")], id="an end without a start"),
        pytest.param("<p><iframe><meta></iframe>", [("meta", 1, "iframe")], id="iframe"),
        pytest.param("<!-- <meta> --><meta>", [("meta", 1, "head")], id="comment"),
        pytest.param("<!--><meta>", [("meta", 1, "head")], id="empty comment"),
        pytest.param("<!--> --!><meta>", [("meta", 1, "head")], id="comment closed badly"),
        pytest.param("<!-- <meta>", [], id="comment to the end"),
        pytest.param("<![CDATA[<meta>]]>\n<meta>", [("meta", 2, "head")], id="bogus comment"),
        pytest.param("<?xml version='1'?><meta>", [("meta", 1, "head")], id="XML declaration"),
        pytest.param("</3><meta>", [("meta", 1, "head")], id="bogus end tag"),
        pytest.param("<script>//<meta>", [], id="script to the end"),
        pytest.param(
            "<script>'<script>'</scripty></SCRIPT ><meta>", [("meta", 1, "head")], id="script"
        ),
        pytest.param("<title><meta></title><meta>", [("meta", 1, "head")], id="title is text"),
        pytest.param("<textarea><meta></textarea>", [], id="textarea is text"),
        pytest.param("<meta content='>'><meta", [("meta", 1, "head")], id="tag to the end"),
        pytest.param(
            '<meta content="x><link>',
            [("meta", 1, "head"), ("link", 1, "head")],
            id="a quote left open",
        ),
        pytest.param(
            "<meta\n\n><link\n>\r<link>",
            [("meta", 1, "head"), ("link", 3, "head"), ("link", 5, "head")],
            id="lines",
        ),
        pytest.param("<a rel=me><a rel=nolicense><a href='/license'>", [], id="other anchors"),
        pytest.param("<script type=application/rsl+xml>", [("script", 1, "head")], id="RSL"),
        pytest.param("plain text", [], id="no markup"),
        pytest.param("", [], id="empty"),
        pytest.param("\x00\x01<meta>", [], id="binary"),
    ],
)
def test_positions(markup, expected):
    assert positions(markup) == expected


PAGE = "<title>é</title>"


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        pytest.param(PAGE.encode(), "", ("utf-8", "é"), id="UTF-8"),
        pytest.param(PAGE.encode("cp1252"), "", ("cp1252", "é"), id="a guess"),
        pytest.param(PAGE.encode("cp1252"), "ISO-8859-1", ("cp1252", "é"), id="server"),
        pytest.param(PAGE.encode("utf-16"), "latin1", ("utf-16-le", "é"), id="mark before server"),
        pytest.param(codecs.BOM_UTF8 + PAGE.encode(), "cp1252", ("utf-8", "é"), id="UTF-8 mark"),
        pytest.param(PAGE.encode("utf-16-be"), "utf-16be", ("utf-16-be", "é"), id="UTF-16BE"),
        pytest.param(PAGE.encode("utf-16-le"), "utf-16", ("utf-16-le", "é"), id="UTF-16"),
        pytest.param(PAGE.encode(), "hex", ("utf-8", "é"), id="no text codec"),
        pytest.param(PAGE.encode(), "utf-7", ("utf-8", "é"), id="not of the web"),
        pytest.param(PAGE.encode(), "x\x00y", ("utf-8", "é"), id="no name at all"),
        pytest.param(b"<title>\xe9\xff", "utf-8", ("utf-8", "\ufffd\ufffd"), id="server is wrong"),
    ],
)
def test_encodings(body, charset, expected):
    found = extracted_json(body, charset)
    assert (found["charset"], found["title"]) == expected


@pytest.mark.parametrize(
    ("declared", "server", "expected"),
    [
        pytest.param("iso-8859-2", "", "iso8859-2", id="declared"),
        pytest.param("iso-8859-2", "utf-8", "utf-8", id="server before page"),
        pytest.param("utf-16", "", "utf-8", id="declared UTF-16 cannot be"),
        pytest.param("klingon", "", "utf-8", id="unknown"),
    ],
)
def test_declared_encodings(declared, server, expected):
    assert extracted_json(f"<meta charset={declared}>", server)["charset"] == expected


def test_every_codec_of_python_gives_an_extract():
    body = b"<meta charset=x>" + bytes(range(256))
    for name in sorted({*encodings.aliases.aliases.values(), "idna", "undefined", "punycode"}):
        assert page.extract(body, name).startswith(b'{"charset":')


def test_the_size_that_is_parsed_is_bounded():
    long = b"<meta>" + b" " * page.CAP + b"<meta>"
    assert (extracted_json(long)["truncated"], len(extracted_json(long)["elements"])) == (True, 1)
    many = extracted_json("<link>" * (page.ELEMENTS_CAP + 1))
    assert (many["truncated"], len(many["elements"])) == (True, page.ELEMENTS_CAP)
    cut = "<title>" + "é" * page.CAP
    assert extracted_json(cut)["charset"] == "utf-8"


def test_the_size_that_is_kept_is_bounded():
    long = "x" * 100_000
    script = f'<script type="application/ld+json">{long}</script><meta name="{long}">'
    one, two = page.read_elements(page.extract(f"<title>{long}</title>{script}".encode()))
    assert (len(one.text), len(two.raw)) == (page.TEXT_CAP, page.RAW_CAP)
    assert len(extracted_json(f"<title>{long}</title>")["title"]) == page.TITLE_CAP


@pytest.mark.parametrize(
    "unit",
    [
        "<a ",
        "<!--",
        "<!--a>",
        "<![x>",
        "<meta \"'>'\"",
        "<meta x='",
        "<noscript><meta>",
        "</a ",
        "<meta x=\"'>'\"",
        "<template></iframe>",
        "<a rel = ",
        " rel=",
        "<script ",
        "<title>&",
    ],
)
def test_hostile_pages_are_read_in_linear_time(unit):
    body = (unit * (page.CAP // len(unit)) + ">tdm-").encode()
    started = time.process_time()  # CPU time: other work on the machine does not count
    page.extract(body)
    assert time.process_time() - started < 10  # quadratic readers need minutes


@pytest.mark.parametrize(
    "extracted",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"elements": 1}',
        b'{"elements": [1]}',
        b'{"elements": [{"attributes": 1}]}',
        b'{"elements": [{"attributes": [1], "line": 1}]}',
        b'{"elements": [{"attributes": [[1]], "line": 1, "tag": 1, "where": 1}]}',
        b'{"elements": ' + b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_extract_have_no_elements(extracted):
    assert page.read_elements(extracted) == ()


def test_a_line_that_is_no_number_is_zero():
    given = {"attributes": [], "line": "x", "tag": "meta", "where": "head", "raw": "", "text": ""}
    assert page.read_elements(json.dumps({"elements": [given]}).encode())[0].line == 0


PIECES = st.sampled_from(
    [
        "<meta ",
        "name=",
        "content",
        "'",
        '"',
        ">",
        "<!--",
        "-->",
        "<body",
        "tdm-",
        "<script>",
        "</",
        "&#xD800;",
        "&amp;",
        "\x00",
        "\n",
        "é",
        "=",
        "<template>",
        "rel=license",
        "<a ",
        "<title>",
        "/",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=400),
        st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode()),
    ),
    charset=st.text(max_size=12),
)
def test_any_bytes_give_one_extract(body, charset):
    extracted = page.extract(body, charset)
    assert page.extract(body, charset) == extracted
    assert len(page.read_elements(extracted)) == len(json.loads(extracted)["elements"])


@pytest.mark.corpus
def test_real_pages():
    files = sorted(CORPUS.glob("html/*"))
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = {file.name: extracted_json(file.read_bytes()) for file in files}
    assert all(extract["elements"] for extract in found.values())
    charsets = {str(extract["charset"]) for extract in found.values()}
    assert charsets == {"utf-8", "cp1252", "cp1250", "gb2312"}


def passages(markup: str) -> list[tuple[int, str, str]]:
    return [tuple(p) for p in page.read_prose(page.extract(markup.encode())).passages]


LONG = "Words and words. " * 60


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<p>Nothing here", [], id="nothing"),
        pytest.param(
            "<p>x\n<p>\nData <b>mining</b> &amp;\nmore</p>y",
            [(3, "text", "Data mining & more")],
            id="inline tags and references",
        ),
        pytest.param(
            "<footer><p>mining</footer>tdm",
            [(1, "footer", "mining"), (1, "text", "tdm")],
            id="footer",
        ),
        pytest.param("<script>mining</script><p title=mining>x<!-- tdm -->", [], id="unseen"),
        pytest.param("<style>\n</style>\n<p>tdm<script>tdm", [(3, "text", "tdm")], id="lines"),
        pytest.param(
            f"<p>{LONG}No data mining. {LONG}", [(1, "text", "No data mining.")], id="a long block"
        ),
        pytest.param(f"<p>tdm {'x' * 900}", [(1, "text", "tdm " + "x" * 596)], id="no sentence"),
        pytest.param("<html lang=fr><p>La fouille", [(1, "text", "La fouille")], id="French"),
        pytest.param("<html lang=en><p>La fouille", [], id="not English"),
        pytest.param("<html lang=xx><p>MINING", [(1, "text", "MINING")], id="any language"),
    ],
)
def test_passages(markup, expected):
    assert passages(markup) == expected


def test_passages_and_links_are_bounded():
    many = page.read_prose(
        page.extract(b"<p>mining" * 99 + b"".join(b"<a href=/terms%d>x</a>" % n for n in range(99)))
    )
    assert (len(many.passages), len(many.links)) == (40, 20)
    assert many.links[0].url == "/terms49"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<h1>A <b>b</b> &amp; c</h1>", "A b & c", id="heading"),
        pytest.param("<h1 class=x>open", "open", id="never closed"),
        pytest.param("<h10>x</h10>", "", id="another tag"),
    ],
)
def test_heading(markup, expected):
    assert page.read_prose(page.extract(markup.encode())).heading == expected


@pytest.mark.parametrize(
    "extracted",
    [b"", b"[]", b'{"passages": [[Infinity, 1, 1]]}', b'{"links": [1]}', b"[" * 100_000],
)
def test_bytes_that_are_no_extract_have_no_text(extracted):
    assert page.read_prose(extracted) == page.Prose()


TAG_PIECES = st.sampled_from(
    [
        "<link ",
        "<meta",
        " a=b",
        ' c="d"',
        " e='&amp;'",
        "&copy=1",
        "&#x27;",
        " /",
        ">",
        "\n",
        "=",
        "'",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TAG_PIECES, max_size=20).map("".join))
def test_usual_tags_are_read_as_beautifulsoup_reads_them(markup):
    tags = _tags.read_tags(markup, _tags.lowercased_bytes(markup))
    kept = [t for t in tags if t.name in ("link", "meta") and not t.closing]
    assert list(_attributes.attributes_of(kept)) == list(_attributes.soup_attributes_of(kept))


MARKUP = b'<title>T</title><meta name="tdm-reservation" content="1">'
# As brotli 1.1 compresses it; brotli names no format in its first bytes.
BROTLI = bytes.fromhex("8b0e805573657220061a0be5f3c0ffee11021c0f0a07")
UNDONE = [
    ("gzip", gzip.compress(MARKUP)),
    ("gzip", gzip.compress(MARKUP[:9]) + gzip.compress(MARKUP[9:])),
    ("zlib", zlib.compress(MARKUP)),
    ("zlib", zlib.compress(MARKUP, 9)),
    ("zlib", zlib.compress(MARKUP, 1)),
    ("zstd", zstandard.ZstdCompressor().compress(MARKUP)),
    ("bzip2", bz2.compress(MARKUP)),
    ("xz", lzma.compress(MARKUP)),
    ("utf-32-le", codecs.BOM_UTF32_LE + MARKUP.decode().encode("utf-32-le")),
    ("utf-32-be", codecs.BOM_UTF32_BE + MARKUP.decode().encode("utf-32-be")),
    ("gzip", gzip.compress(MARKUP.decode().encode("utf-16"))),
]


@pytest.mark.parametrize("charset", ["", "utf-8", "latin-1"])
@pytest.mark.parametrize(
    ("name", "body"),
    UNDONE,
    # gzip writes the time into its bytes: as a part of the id they would differ between workers.
    ids=[f"{number} {name}" for number, (name, _) in enumerate(UNDONE)],
)
def test_d4_an_undeclared_encoding_is_undone_and_marked(name, body, charset):
    extracted = page.extract(body, charset)
    assert page.read_marks(extracted) == (name, False)
    assert [e.get("content") for e in page.read_elements(extracted)] == ["1"]
    assert json.loads(extracted)["encoding"] == name
    assert page.split_raw_elements(extracted) is None
    assert not page.is_other_file(body)


def test_d4_utf32_is_not_what_the_server_says():
    extracted = page.extract(codecs.BOM_UTF32_LE + MARKUP.decode().encode("utf-32-le"), "utf-16")
    assert page.read_marks(extracted) == ("utf-32-le", False)
    assert len(page.read_elements(extracted)) == 1


MARKUP_16 = MARKUP.decode().encode("utf-16")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
OTHER_FILES = {
    "PDF": b"%PDF-1.4\n1 0 obj\n",
    "PNG": PNG,
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF": b"GIF89a\1\0\1\0",
    "WebP": b"RIFF\x24\1\0\0WEBPVP8 ",
    "MP4": b"\0\0\0\x20ftypisom",
    "MP3": b"ID3\4\0\0",
    "Ogg": b"OggS\0\2",
    "WOFF2": b"wOF2\0\1",
    "TrueType": b"\0\1\0\0\0\x0f",
    "ZIP": b"PK\3\4\x14\0",
    "tar": b"name" + b"\0" * 253 + b"ustar\x0000",
    "tar, compressed": gzip.compress(b"name" + b"\0" * 253 + b"ustar\x0000"),
    "PNG, compressed": gzip.compress(PNG),
    "gzip, damaged": gzip.compress(MARKUP)[:10] + b"\x07\xff" * 9,
    "compressed twice": gzip.compress(gzip.compress(MARKUP)),
}
NO_TEXT = {
    "UTF-16LE": MARKUP.decode().encode("utf-16-le"),
    "UTF-16BE": MARKUP.decode().encode("utf-16-be"),
    "UTF-32LE": MARKUP.decode().encode("utf-32-le"),
    "UTF-32BE": MARKUP.decode().encode("utf-32-be"),
    "zeros": b"\0" * 40,
    "a zero in markup": b"<p>\0" + MARKUP,
    "brotli": BROTLI,
    "other bytes": bytes(range(1, 256)) * 9,
}


@pytest.mark.parametrize("charset", ["", "utf-8", "latin-1"])
@pytest.mark.parametrize("body", (OTHER_FILES | NO_TEXT).values(), ids=OTHER_FILES | NO_TEXT)
def test_d4_bytes_that_are_no_text_are_marked(body, charset):
    extracted = page.extract(body, charset)
    assert page.read_marks(extracted).unreadable
    assert page.read_elements(extracted) == ()
    assert page.split_raw_elements(extracted) is None


@pytest.mark.parametrize("body", OTHER_FILES.values(), ids=OTHER_FILES)
def test_d4_other_files_are_known_by_their_first_bytes(body):
    assert page.is_other_file(body)


@pytest.mark.parametrize("body", [*NO_TEXT.values(), b"", b"BM", b"OTTO", b"ID3 tags", b"GIF"])
def test_d4_other_bytes_are_no_other_file(body):
    assert not page.is_other_file(body)


def test_d4_what_follows_a_cut_is_not_read():
    words = "".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(99))
    body = gzip.compress(MARKUP + words.encode())
    extracted = page.extract(body[: len(body) // 2])
    assert page.read_marks(extracted) == ("gzip", True)
    assert len(page.read_elements(extracted)) == 1
    assert json.loads(extracted)["truncated"] is True


def test_d4_a_long_page_is_read_to_the_same_limit():
    extracted = page.extract(gzip.compress(MARKUP + b" " * 4 * page.CAP))
    assert page.read_marks(extracted) == ("gzip", False)
    assert json.loads(extracted)["truncated"] is True


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        pytest.param(MARKUP, "", id="plain"),
        pytest.param(b"", "", id="empty"),
        pytest.param(MARKUP_16, "", id="UTF-16 with a mark"),
        pytest.param(MARKUP.decode().encode("utf-16-le"), "utf-16", id="UTF-16 by the server"),
        pytest.param("<p>日本".encode("shift-jis") + MARKUP, "", id="Shift JIS"),
        pytest.param("<p>日本".encode("iso-2022-jp") + MARKUP, "iso-2022-jp", id="ISO 2022"),
        pytest.param("<p>ж".encode("koi8-r") + MARKUP, "utf-8", id="server is wrong"),
        pytest.param(b"<p>\x01\xe9" + MARKUP, "", id="one control character"),
        pytest.param(b"x^ is no zlib" + MARKUP, "", id="text with the mark of zlib"),
        pytest.param(b"BZh is a name" + MARKUP, "", id="text with the mark of bzip2"),
        pytest.param(b"nameftyp" + MARKUP, "", id="text with the mark of MP4"),
        pytest.param(b"<p>" + b"x" * 2000 + b"\0", "", id="a zero far behind"),
    ],
)
def test_d4_text_has_no_marks(body, charset):
    assert page.read_marks(page.extract(body, charset)) == ("", False)
    assert "encoding" not in extracted_json(body, charset)


@pytest.mark.parametrize(
    ("extracted", "expected"),
    [
        (b"", ("", False)),
        (b"\xff", ("", False)),
        (b'{"elements":[],"version":1}', ("", False)),
        (b'{"elements":[],"encoding":"', ("", False)),
        (b'[[],"encoding":"x"]', ("", False)),
        (b'{"elements":[],"encoding":"x","unreadable":1}', ("x", False)),
    ],
)
def test_marks_of_older_extracts_and_any_bytes(extracted, expected):
    assert page.read_marks(extracted) == expected


def test_extracts_of_the_version_before_are_split():
    extracted = page.extract(MARKUP)
    old = extracted.replace(f'"version":{page.VERSION}}}'.encode(), b'"version":2}')
    assert old != extracted
    assert page.split_raw_elements(old) == page.split_raw_elements(extracted) is not None
