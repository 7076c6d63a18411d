"""Media files end to end: asked for, opened, kept as extracts, judged and explained."""

import json
import shutil
import sqlite3
import subprocess
import sys

import pytest

from crawler import media
from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import Plain, html, text
from crawler.demo.site import everywhere
from crawler.vocab import State
from tests.c2pa_signing import signed
from tests.conftest import ROOT
from tests.media_files import VOCABULARY, epub, jpeg, opf, pdf, plus, tdm

PROHIBITED = jpeg(plus(f"{VOCABULARY}DMI-PROHIBITED"))
POLICY = json.dumps({"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Offer"})
LARGE = PROHIBITED + b"\0" * (2 * 1024 * 1024)


def served(body, kind, *headers):
    return Plain(body=body, headers=(("Content-Type", kind), *headers))


SITE = Site(
    host="media.test",
    about="",
    expect=everywhere(State.SILENT),
    pages={
        "/": html(in_body="<p>hello</p>"),
        "/robots.txt": text("User-agent: *\nDisallow:"),
        "/photo.jpg": served(PROHIBITED, "text/plain"),
        "/large.jpg": served(LARGE, "image/jpeg"),
        "/doc.pdf": served(
            pdf(tdm(reservation="0"), flate=True), "application/pdf", ("tdm-reservation", "1")
        ),
        "/book.epub": served(
            epub(
                opf(
                    '<meta property="tdm:reservation">1</meta>',
                    '<meta property="tdm:policy">/policy.json</meta>',
                )
            ),
            "application/epub+zip",
        ),
        "/policy.json": text(POLICY, "application/json"),
        "/signed.jpg": served(
            signed(
                "image/jpeg",
                jpeg(),
                (
                    "cawg.training-mining",
                    {"entries": {"cawg.ai_training": {"use": "notAllowed"}}},
                ),
            ),
            "image/jpeg",
        ),
        "/locked.pdf": served(b"%PDF-1.7 and then nothing", "application/pdf"),
    },
)
FILES = [path for path in SITE.pages if path.count(".") and not path.endswith((".txt", ".json"))]


@pytest.fixture(scope="module")
def crawled(tdm_audit, tmp_path_factory):
    """Return the database of one crawl of all files, the requested paths, and the dataset."""
    folder = tmp_path_factory.mktemp("media")
    dataset, db = folder / "urls.txt", folder / "audit.db"
    dataset.write_text("".join(f"http://media.test{path}\n" for path in FILES))
    with LoopbackWeb([SITE]) as web:
        done = tdm_audit(
            "crawl", dataset, "--db", db, "--delay", "0", "--media", len(FILES), "--json",
            "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
        )  # fmt: skip
        asked = [request.path for request in web.log]
    assert (done.returncode, done.stderr) == (0, "")
    return db, asked, dataset


@pytest.fixture
def explained(crawled, tdm_audit):
    def explain(path):
        done = tdm_audit("explain", f"http://media.test{path}", "--db", crawled[0], "--json")
        return {f["purpose"]: f for f in json.loads(done.stdout)["findings"]}

    return explain


def rows(db, query):
    connection = sqlite3.connect(db)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_every_file_is_requested_once_and_then_the_policy(crawled):
    _, asked, _ = crawled
    assert sorted(path for path in asked if path in FILES) == sorted(FILES)
    assert asked[-1] == "/policy.json"


@pytest.mark.parametrize(
    ("path", "tdm_state", "ai_train"),
    [
        pytest.param("/photo.jpg", "reserved", "reserved", id="PLUS, whatever Content-Type says"),
        pytest.param("/large.jpg", "reserved", "reserved", id="larger than a page may be"),
        pytest.param("/doc.pdf", "permitted", "silent", id="M11"),
        pytest.param("/book.epub", "conditional", "conditional", id="EPUB with a policy"),
        pytest.param("/signed.jpg", "silent", "partial", id="CAWG, training only"),
        pytest.param("/locked.pdf", "unknown", "unknown", id="a PDF that cannot be opened"),
    ],
)
def test_a_file_answers_for_its_own_url(path, tdm_state, ai_train, explained):
    found = explained(path)
    assert (found["tdm"]["state"], found["ai_train"]["state"]) == (tdm_state, ai_train)


def test_m11_the_header_is_superseded_and_shown(explained):
    found = explained("/doc.pdf")["tdm"]
    (header,) = found["considered"]
    assert (found["decided_by"]["protocol"], header["protocol"]) == ("tdmrep_pdf", "tdmrep_header")
    assert "superseded" in header["fate"]


def test_the_origin_is_reserved_in_part(crawled):
    db, _, _ = crawled
    (found,) = rows(db, "SELECT tdm, ai_train, complete FROM reservations")
    assert found == ("partial", "partial", 0)


def test_extracts_are_kept_and_files_are_not(crawled):
    db, _, _ = crawled
    query = "SELECT max(length(content)) FROM body"
    assert rows(db, query)[0][0] < 10_000
    by = rows(db, "SELECT DISTINCT declared_by FROM statements WHERE protocol = 'plus_xmp'")
    assert by == [("media_file",)]


def test_judging_needs_no_media_library(crawled, tmp_path):
    db, _, _ = crawled
    copy = tmp_path / "audit.db"
    shutil.copy(db, copy)
    query = "SELECT purpose, state, conflict, detail FROM findings ORDER BY 1"
    script = (
        "import sys; sys.modules.update(pikepdf=None, c2pa=None)\n"
        f"from crawler.cli import main; main(['judge', '--quiet', '--db', {str(copy)!r}])"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert rows(copy, query) == rows(db, query)


def test_the_flag_of_a_row_is_that_of_its_file(crawled, tdm_audit, tmp_path):
    db, _, dataset = crawled
    out = tmp_path / "flags.jsonl"
    done = tdm_audit("flag", dataset, "-o", out, "--purpose", "tdm", "--db", db)
    assert done.returncode == 0, done.stderr
    flags = [json.loads(line) for line in out.read_text().splitlines()]
    states = dict(zip(FILES, (flag["tdm_state"] for flag in flags), strict=True))
    assert states["/photo.jpg"] == "reserved"
    assert states["/doc.pdf"] == "permitted"


def test_check_detects_a_media_file(tdm_audit, tmp_path):
    with LoopbackWeb([SITE]) as web:
        done = tdm_audit(
            "check", "http://media.test/photo.jpg", "--json", "--delay", "0",
            "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
            cwd=tmp_path,
        )  # fmt: skip
    (check,) = json.loads(done.stdout)["checks"]
    assert {f["purpose"]: f["state"] for f in check["findings"]}["tdm"] == "reserved"


def test_without_the_extra_the_crawl_ends_with_one_message(tmp_path):
    dataset = tmp_path / "urls.txt"
    dataset.write_text("http://media.test/photo.jpg\n")
    script = (
        "import sys, crawler.media; crawler.media.missing_packages = lambda: ('pikepdf',)\n"
        f"from crawler.cli import main; main(['crawl', {str(dataset)!r}, '--media', '1'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: media files are read with pikepdf; "
        "install them with: .venv/bin/pip install -e '.[media]'\n"
    )
    assert media.missing_packages() == ()
