"""From responses to readings: presence by status, documents, and a crash as an issue."""

import bz2
import gzip
import io
import lzma
import types
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Observation, Question, Target
from crawler.page import undeclared_encoding as encoding
from crawler.protocols import PROTOCOLS
from crawler.protocols import parse as steps
from crawler.protocols.context import ads_txt, llms_txt
from crawler.protocols.files import ai_txt, trust_txt
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import robots_comments
from crawler.protocols.robots import robots_txt
from crawler.protocols.rsl import rsl, rsl_link
from crawler.protocols.tdmrep import tdm_policy, tdmrep_file, tdmrep_header
from crawler.vocab import Outcome, Presence, Resource

TARGET = Target(
    resource=Resource.ROBOTS_TXT, asked="https://h/robots.txt", url="https://h/robots.txt"
)


def seen(status: int | None = 200, outcome: Outcome = Outcome.RESPONDED, **facts) -> Observation:
    return Observation(target=TARGET, outcome=outcome, status=status, **facts)


PRESENCE = [
    ("200", seen(200), Presence.PRESENT),
    ("206", seen(206), Presence.UNSEEN),
    ("204", seen(204), Presence.ABSENT),
    ("R42: 404", seen(404), Presence.ABSENT),
    ("410", seen(410), Presence.ABSENT),
    ("R43: 503", seen(503), Presence.UNSEEN),
    ("401", seen(401), Presence.UNSEEN),
    ("403", seen(403), Presence.UNSEEN),
    ("429", seen(429), Presence.UNSEEN),
    ("451", seen(451), Presence.UNSEEN),
    ("a redirect that was not followed", seen(301), Presence.UNSEEN),
    ("too large, but begun", seen(200, Outcome.TOO_LARGE), Presence.PRESENT),
    ("R43: timed out", seen(None, Outcome.TIMED_OUT), Presence.UNSEEN),
    ("withheld", seen(None, Outcome.WITHHELD), Presence.UNSEEN),
    ("redirect limit", seen(None, Outcome.REDIRECT_LIMIT), Presence.UNSEEN),
]


@pytest.mark.parametrize(
    ("observation", "expected"), [p[1:] for p in PRESENCE], ids=[p[0] for p in PRESENCE]
)
def test_presence(observation, expected):
    assert steps.presence_of(observation) is expected


def test_a_body_of_an_error_is_never_read():
    reading = steps.read(robots_txt, seen(503, body=b"User-agent: *\nDisallow: /"))
    assert (reading.presence, reading.statements) == (Presence.UNSEEN, ())


def test_a_body_is_read_with_what_the_server_said_of_it():
    observation = seen(
        headers=(("CONTENT-type", "Text/HTML; Charset='UTF-8'"),), body=b"x", truncated=True
    )
    expected = Document(body=b"x", media_type="text/html", charset="utf-8", truncated=True)
    assert steps.document(robots_txt, observation) == expected


def test_header_lines_of_a_protocol_keep_order_case_and_repetition():
    headers = (
        ("TDM-Reservation", " 1 "),
        ("Server", "x"),
        ("tdm-policy", "/p"),
        ("tdm-reservation", "0"),
    )
    document = steps.document(tdmrep_header, seen(headers=headers))
    assert document.body == b"TDM-Reservation: 1\r\ntdm-policy: /p\r\ntdm-reservation: 0\r\n"


def test_a_protocol_without_its_headers_is_absent():
    assert steps.read(tdmrep_header, seen()).presence is Presence.ABSENT


def test_a_crash_is_an_issue_and_the_run_goes_on():
    def parse(_document):
        raise RuntimeError("boom")

    broken = types.SimpleNamespace(NAME="broken", parse=parse)
    reading = steps.parse(broken, Document(body=b""))
    assert reading.presence is Presence.UNSEEN
    assert [(i.code, i.excerpt) for i in reading.issues] == [
        ("internal.crash", "broken: RuntimeError('boom')")
    ]


def test_every_protocol_reads_something_and_says_what():
    for protocol in PROTOCOLS:
        assert protocol.RESOURCES
        assert protocol.SPEC
        assert protocol.TITLE
    assert len({p.NAME for p in PROTOCOLS}) == len(PROTOCOLS)


RSL = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    '<prohibits type="usage">ai-all</prohibits></license></content></rsl>'
)
FILES = [
    (robots_txt, "User-agent: GPTBot\nDisallow: /\n"),
    (ai_txt, "User-Agent: *\nDisallow: /\n"),
    (tdmrep_file, '[{"location": "/", "tdm-reservation": 1}]'),
    (trust_txt, "datatrainingallowed=no\n"),
    (rsl, RSL),
]
PACKED = [
    ("gzip", gzip.compress),
    ("gzip, two members", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    ("zlib", zlib.compress),
    ("zlib, best", lambda body: zlib.compress(body, 9)),
    ("zlib, fast", lambda body: zlib.compress(body, 1)),
    ("zstd", zstandard.ZstdCompressor().compress),
    ("bzip2", bz2.compress),
    ("xz", lzma.compress),
]


@pytest.mark.parametrize("pack", [p[1] for p in PACKED], ids=[p[0] for p in PACKED])
@pytest.mark.parametrize(("protocol", "text"), FILES, ids=[f[0].NAME for f in FILES])
def test_d4_an_undeclared_encoding_is_undone_and_nothing_in_it_counts(protocol, text, pack):
    plain = steps.parse(protocol, Document(body=text.encode()))
    packed = steps.parse(protocol, Document(body=pack(text.encode())))
    assert packed.presence is plain.presence is Presence.PRESENT
    assert packed.issues[0].code == f"{protocol.FAMILY}.undeclared_encoding"
    assert packed.issues[1:] == plain.issues
    expected = [(s.rule, s.stance, s.n) for s in plain.statements]
    assert [(s.rule, s.stance, s.n) for s in packed.statements] == expected
    for reading, counts in ((plain, True), (packed, False)):
        applied = steps.applied_statements(protocol, reading, Question())
        assert applied
        assert {one.statement.counts for one in applied} == {counts}
        assert {one.statement.reads.value for one in applied} == {"both" if counts else "lenient"}


@pytest.mark.parametrize("name", ["utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_d4_robots_txt_in_utf16_and_utf32(name):
    mark = b"" if name in ("utf-16", "utf-32") else "\ufeff".encode(name)
    body = mark + "User-agent: GPTBot\nDisallow: /\n".encode(name)
    reading = steps.parse(robots_txt, Document(body=body))
    assert (reading.presence, reading.is_lenient) == (Presence.PRESENT, True)
    assert [s.counts for s in reading.statements] == [False]
    assert reading.issues[0].code == "robots_txt.undeclared_encoding"


def test_d4_utf16_of_other_files_is_left_to_their_protocols():
    reading = steps.parse(rsl, Document(body=RSL.encode("utf-16")))
    assert (reading.presence, reading.is_lenient) == (Presence.PRESENT, False)
    bare = "User-Agent: *\nDisallow: /\n".encode("utf-16-le")
    assert steps.parse(ai_txt, Document(body=bare)).presence is Presence.PRESENT


# The compressed form of a robots.txt by brotli 1.1, which names no format in its first octets.
BROTLI = bytes.fromhex("8b0e805573657220061a0be5f3c0ffee11021c0f0a07")
UNREADABLE = [
    ("brotli", BROTLI),
    (
        "gzip that is damaged",
        gzip.compress(b"User-agent: *\nDisallow: /\n" * 9)[:12] + b"\x07\xff" * 9,
    ),
    ("zstd that is damaged", b"\x28\xb5\x2f\xfd\x00\x01\xff\xfe" * 3),
    ("bzip2 that is damaged", b"BZh9\x00\x01\xff\xfe" * 3),
    ("xz that is damaged", b"\xfd7zXZ\x00\x00\x01\xff\xfe" * 3),
    ("a ZIP archive", b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xfe"),
    ("a PNG image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    ("octets of zero", b"\x00" * 40),
    ("compressed twice", gzip.compress(gzip.compress(b"User-agent: *\n"))),
    ("an image, compressed", gzip.compress(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")),
]


@pytest.mark.parametrize("body", [u[1] for u in UNREADABLE], ids=[u[0] for u in UNREADABLE])
@pytest.mark.parametrize(
    "protocol",
    [robots_txt, ai_txt, tdmrep_file, tdm_policy, trust_txt, rsl, llms_txt, ads_txt],
    ids=lambda protocol: protocol.NAME,
)
def test_d4_bytes_that_nothing_decodes_are_unseen(protocol, body):
    reading = steps.parse(protocol, Document(body=body))
    assert (reading.presence, reading.statements) == (Presence.UNSEEN, ())
    assert f"{protocol.FAMILY}.undecodable" in [issue.code for issue in reading.issues]


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        pytest.param(ai_txt, b"User-Agent: *\nDisallow: /\n\x00", id="one octet of zero"),
        pytest.param(tdmrep_file, b'[{"location": "/"}]\x00', id="at the end of JSON"),
    ],
)
def test_d4_a_file_that_its_protocol_calls_binary_is_unseen(protocol, body):
    reading = steps.parse(protocol, Document(body=body))
    assert reading.presence is Presence.UNSEEN
    assert [issue.code for issue in reading.issues] == [f"{protocol.FAMILY}.binary"]


@pytest.mark.parametrize(
    "body",
    [
        "User-agent: *\nDisallow: /é\n".encode("latin-1"),
        "User-agent: *\nDisallow: /ж\n".encode("koi8-r"),
        "User-agent: *\nDisallow: /日本\n".encode("shift-jis"),
        "User-agent: *\nDisallow: /日本\n".encode("iso-2022-jp"),
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /\n",
        b"User-agent: *\nDisallow: /\x01\n",
        b"x\x9c this is no zlib, but an old character set\nUser-agent: *\nDisallow: /\n",
        b"x^ no zlib\nUser-agent: *\nDisallow: /\n",
        b"BZh is a name\nUser-agent: *\nDisallow: /\n",
        "é".encode() * 4000 + b"\x01\nUser-agent: *\nDisallow: /\n",
    ],
)
def test_d4_text_in_any_character_set_is_read_as_before(body):
    reading = steps.parse(robots_txt, Document(body=body))
    assert (reading.presence, reading.is_lenient) == (Presence.PRESENT, False)
    assert reading == robots_txt.parse(Document(body=body))


def test_d4_a_page_where_text_is_due_stays_absent():
    body = gzip.compress(b"<!doctype html><p>Not found")
    assert steps.parse(ai_txt, Document(body=body)).presence is Presence.ABSENT


def test_d4_guests_of_robots_txt_repeat_no_issue():
    body = gzip.compress(b"# Text and data mining is prohibited")
    reading = steps.parse(robots_comments, Document(body=body))
    assert (len(reading.candidates), reading.issues, reading.is_lenient) == (1, (), True)
    assert steps.parse(robots_comments, Document(body=BROTLI)).issues == ()


@pytest.mark.parametrize("pack", [p[1] for p in PACKED], ids=[p[0] for p in PACKED])
def test_d4_bombs_stop(pack):
    body = b"User-agent: *\nDisallow: /\n" + b"\n" * (3 * encoding.MAX_DECODED)
    decoded = encoding.decompress(pack(body))
    assert decoded is not None
    assert (len(decoded.body), decoded.truncated) == (encoding.MAX_DECODED, True)


def test_d4_a_decoder_that_wants_much_memory_is_refused():
    out = io.BytesIO()
    wide = zstandard.ZstdCompressionParameters(window_log=27)
    with zstandard.ZstdCompressor(compression_params=wide).stream_writer(out, closefd=False) as w:
        w.write(b"x" * 100)
        w.flush()
        w.write(b"y" * 100)
    assert encoding.decompress(out.getvalue()) is None


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"x\x9c", b"\x28\xb5\x2f\xfd", b"BZh9", b"\xff\xfe"]),
    st.sampled_from([robots_txt, ai_txt, tdmrep_file, rsl, trust_txt]),
)
def test_d4_any_bytes_give_a_reading_and_never_a_crash(body, mark, protocol):
    reading = steps.parse(protocol, Document(body=mark + body))
    assert "internal.crash" not in [issue.code for issue in reading.issues]


def test_d2_header_documents_have_the_status_of_errors():
    fields = (("Link", '<https://a.example/l>; rel="license"; type="application/rsl+xml"'),)
    statuses = {
        status: getattr(steps.document_of_headers(rsl_link, fields, status), "status", "none")
        for status in (None, 200, 302, 402, 503)
    }
    assert statuses == {None: None, 200: None, 302: None, 402: 402, 503: 503}
    assert steps.document_of_headers(rsl_link, (), 402) is None


META = b'<meta name="tdm-reservation" content="1"><footer>Text and data mining is prohibited.'
PAGE_PROTOCOLS = [protocol for protocol in PROTOCOLS if protocol.CARRIER is Carrier.PAGE]


@pytest.mark.parametrize("protocol", PAGE_PROTOCOLS, ids=lambda protocol: protocol.NAME)
def test_d4_pages_are_read_as_their_marks_say(protocol):
    plain, packed, cut, nothing = (
        steps.parse(protocol, Document(body=page.extract(body)))
        for body in (META, gzip.compress(META), gzip.compress(META)[:-12], b"%PDF-1.4")
    )
    assert (packed.presence, packed.is_lenient) == (plain.presence, True)
    assert [s.counts for s in packed.statements] == [False] * len(plain.statements)
    assert (cut.presence, cut.is_lenient) == (Presence.UNSEEN, True)
    assert (nothing.presence, nothing.statements) == (Presence.UNSEEN, ())
    issues = [[i.code for i in r.issues if i.code.startswith("page.")] for r in (packed, cut)]
    reads_every_page = protocol.NAME == "page_text"
    expected = [["page.undeclared_encoding"], ["page.undeclared_encoding", "page.undecodable"]]
    assert issues == (expected if reads_every_page else [[], []])
    assert [i.code for i in nothing.issues] == ["page.undecodable"] * reads_every_page
