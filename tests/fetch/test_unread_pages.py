"""A crawl of pages in encodings that no header declares, of pages that are no text, and files."""

import gzip
import sqlite3
from contextlib import closing

import pytest

from crawler import page
from crawler.demo.answers import Plain
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.store.bodies import load_body
from tests.crawl_helpers import crawl, rows

MARKUP = b'<!doctype html><meta name="tdm-reservation" content="1"><p>words'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
HTML = (("Content-Type", "text/html"),)
OCTETS = (("Content-Type", "application/octet-stream"),)
# By host: header fields and body of its page; its state and whether that is malformed; the marks
# of its extract, None for a page without one.
SITES = {
    "packed.test": (HTML, gzip.compress(MARKUP), "silent", 1, ("gzip", False)),
    "no-type.test": ((), gzip.compress(MARKUP), "silent", 1, ("gzip", False)),
    "bare-utf16.test": (HTML, MARKUP.decode().encode("utf-16-le"), "unknown", 0, ("", True)),
    "pdf-as-html.test": (HTML, b"%PDF-1.4", "unknown", 0, ("", True)),
    "binary.test": (OCTETS, bytes(range(256)) * 9, "unknown", 0, ("", True)),
    "pdf.test": ((("Content-Type", "application/pdf"),), b"%PDF-1.4", "silent", 0, None),
    "image.test": ((("Content-Type", "image/png"),), PNG, "silent", 0, None),
    "image-no-type.test": ((), PNG, "silent", 0, None),
    "archive.test": (OCTETS, b"PK\3\4\x14\0", "silent", 0, None),
    "plain.test": (HTML, MARKUP, "partial", 0, ("", False)),
}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unread")
    sites = [
        Site(
            host=host,
            about="",
            expect={},
            pages={"/": Plain(headers=headers, body=body)},
        )
        for host, (headers, body, *_) in SITES.items()
    ]
    with LoopbackWeb(sites) as web:
        done = crawl(folder, web, [f"http://{host}/" for host in SITES], "--media", "0")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("host", SITES)
def test_d4_bytes_of_pages_are_undone_or_unread_and_files_are_neither(crawled, host):
    _, _, state, malformed, marks = SITES[host]
    origin = f"http://{host}"
    found = "SELECT state, malformed FROM findings WHERE origin = ? AND purpose = 'tdm'"
    signals = f"{found} AND rules LIKE 'signals/%'"
    assert rows(crawled, signals, origin) == [(state, malformed)]
    kept = "SELECT stored FROM observations WHERE origin = ? AND resource = 'home'"
    [(stored,)] = rows(crawled, kept, origin)
    with closing(sqlite3.connect(crawled / "audit.db")) as db:
        extract = load_body(db, stored) if stored else None
    assert (page.read_marks(extract) if extract else None) == marks


def test_d4_the_issue_of_a_page_is_stored_once(crawled):
    issues = "SELECT origin, code FROM issues WHERE code LIKE 'page.%' ORDER BY 1"
    assert rows(crawled, issues) == [
        ("http://bare-utf16.test", "page.undecodable"),
        ("http://binary.test", "page.undecodable"),
        ("http://no-type.test", "page.undeclared_encoding"),
        ("http://packed.test", "page.undeclared_encoding"),
        ("http://pdf-as-html.test", "page.undecodable"),
    ]
