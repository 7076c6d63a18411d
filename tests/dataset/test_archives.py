import bz2
import gzip
import io
import json

import duckdb
import pytest
import zstandard

from crawler.dataset.files import DatasetError, locate
from crawler.dataset.inventory import inventory
from crawler.dataset.readers import relation

PAYLOAD = b"hello" * 3000
INDEX = {
    "urlkey": "com,example)/",
    "timestamp": "20200101000000",
    "url": "https://example.com/",
    "status": "200",
}
LINE = 'com,example)/ 20200101000000 {"url": "https://example.com/", "status": "200"}\n'


def one(kind, url, payload, content_type, *, number=0):
    """A record as it stands in an archive that is not compressed."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: 2026-11-22T00:00:00Z\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"


def archive(*records, gz=True):
    """An archive of a head and records: type, URL, payload and its type."""
    head = ("warcinfo", "", b"software: test\r\n", "application/warc-fields")
    made = [one(*record, number=n) for n, record in enumerate((head, *records))]
    return b"".join(map(gzip.compress, made) if gz else made)


def pages(number=3, gz=True, kind="conversion"):
    made = [(kind, f"http://a.example/{n}", PAYLOAD, "text/plain") for n in range(number)]
    return archive(*made, gz=gz)


def read(folder, name, data, damaged=None):
    path = folder / name
    path.write_bytes(data)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    files, form = locate(path)
    rows = relation(
        duckdb.connect(), files, form, scratch=scratch, damaged={} if damaged is None else damaged
    )
    return form, [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]


def urls(rows):
    return [row["url"] for row in rows]


WHOLE = {
    "a.warc": pages(gz=False),
    "a.warc.gz": pages(),
    "compressed as one.warc.gz": gzip.compress(pages(gz=False)),
    "a.warc.zst": zstandard.compress(pages(gz=False)),
    "a.warc.wet.gz": pages(),
    "a.wet": pages(gz=False),
    "responses.warc": pages(gz=False, kind="resource"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_archives_give_a_row_for_each_page(tmp_path, name):
    form, rows = read(tmp_path, name, WHOLE[name])
    assert form.name == "warc"
    assert urls(rows) == [f"http://a.example/{n}" for n in range(3)]
    assert {row["warc_file"] for row in rows} == {name}
    assert all(row["warc_record_id"].startswith("<urn:uuid:") for row in rows)


def test_offsets_are_those_of_the_records_in_the_file(tmp_path):
    _, rows = read(tmp_path, "a.warc.gz", data := pages())
    for row in rows:
        with gzip.open(io.BytesIO(data[row["warc_offset"] :])) as stream:
            assert f"WARC-Target-URI: {row['url']}\r\n".encode() in stream.read(400)


def metadata(kind):
    told = {"Envelope": {"Payload-Metadata": {}, "WARC-Header-Metadata": {"WARC-Type": kind}}}
    return json.dumps(told).encode()


def test_of_other_records_only_those_count_that_stand_for_a_page(tmp_path):
    data = archive(
        ("request", "http://asked.example/", b"GET / HTTP/1.1\r\n\r\n", "application/http"),
        ("metadata", "http://of-request.example/", metadata("request"), "application/json"),
        ("metadata", "http://of-page.example/", metadata("response"), "application/json"),
        ("metadata", "http://words.example/", b"fetchTimeMs: 5", "application/warc-fields"),
        ("metadata", "http://list.example/", b"[1]", "application/json"),
        ("conversion", "", b"", "text/plain"),
    )
    assert urls(read(tmp_path, "a.warc.wat.gz", data)[1]) == ["http://of-page.example/", ""]


GZ = pages()
# Each has three pages, of which so many are whole.
CUT_OFF = {
    "cut in a record.warc.gz": (GZ[:-150], 2),
    "cut in the first octets of a record.warc.gz": (GZ[:-210], 2),
    "cut in a record.warc": (pages(gz=False)[:-9000], 2),
    "cut in the head of a record.warc": (pages(gz=False)[:-15100], 2),
    "cut in the end of a record.warc": (pages(gz=False)[:-15200], 1),
    "compressed as one and cut.warc.gz": (gzip.compress(pages(gz=False))[:-40], 1),
    "a wrong length.warc": (
        pages(gz=False).replace(b"Content-Length: 15000", b"Content-Length: 9"),
        0,
    ),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_the_whole_records_of_an_archive_that_is_cut_off(tmp_path, name, capfd):
    data, whole = CUT_OFF[name]
    damaged = {}
    _, rows = read(tmp_path, name, data, damaged)
    assert urls(rows) == [f"http://a.example/{n}" for n in range(whole)]
    assert [path.name for path in damaged] == [name]
    assert damaged[tmp_path / name].startswith("octet ")
    assert capfd.readouterr() == ("", "")


NO_ARCHIVES = {
    "no archive.warc": b"words\n\n",
    "no archive.warc.gz": gzip.compress(b"words\n\n"),
    "cut in the first block.warc.bz2": bz2.compress(pages(gz=False))[:-40],
    "not compressed.warc.zst": b"words",
    "without a length.warc": b"WARC/1.0\r\nWARC-Type: response\r\n\r\nabc\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_ARCHIVES)
def test_what_is_no_archive_is_told_in_one_sentence(tmp_path, name, capfd):
    with pytest.raises(DatasetError) as raised:
        read(tmp_path, name, NO_ARCHIVES[name])
    assert str(raised.value).startswith(f"{tmp_path / name} cannot be read as warc (")
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


INDEXES = {
    "a.cdxj": LINE.encode(),
    "a.cdx.gz": gzip.compress(LINE.encode()),
    "cdx-00000.gz": gzip.compress(LINE.encode()),
    "old.cdx": b" CDX N b a m s k r M S V g\n"
    b"com,example)/ 20200101000000 https://example.com/ text/html 200 ABC - - 1 2 x.warc.gz\n",
    "nine.cdx": b"com,example)/ 20200101000000 https://example.com/ text/html 200 ABC 1 2 x.gz\n",
}


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_give_a_row_for_each_line(tmp_path, name):
    form, rows = read(tmp_path, name, INDEXES[name])
    assert form.name == "cdx"
    assert [{key: row[key] for key in INDEX} for row in rows] == [INDEX]


BROKEN_LINES = [
    "words",
    "com 2 {",
    'com 2 {"url": 5}',
    "com 2 []",
    "com 2 " + "[" * 100_000,
    'com 2 {"url": "\\ud800"}',
    "com 2 a b c",
]


def test_lines_that_are_no_records_are_counted(tmp_path):
    path = tmp_path / "a.cdxj"
    path.write_text(LINE + "\n".join(BROKEN_LINES) + "\n\n" + LINE)
    with inventory(path) as found:
        assert found.rows == 2 + len(BROKEN_LINES)
        assert [(o.origin.host, o.rows) for o in found.origins()] == [("example.com", 2)]


def test_the_whole_lines_of_an_index_that_is_cut_off(tmp_path):
    lines = [LINE.replace("com/", f"com/{n}") for n in range(4000)]
    damaged = {}
    data = gzip.compress("".join(lines).encode())
    _, rows = read(tmp_path, "a.cdx.gz", data[: len(data) * 2 // 3], damaged)
    assert urls(rows) == [f"https://example.com/{n}" for n in range(len(rows))]
    assert 1000 < len(rows) < 4000
    assert "of what it decompresses to" in damaged[tmp_path / "a.cdx.gz"]


def test_many_archives_are_one_dataset(tmp_path):
    for name in ("1.warc.gz", "2.warc.gz"):
        (tmp_path / name).write_bytes(pages(2))
    with inventory(tmp_path) as found:
        assert (found.format, found.rows, found.url_column) == ("warc", 4, "url")
        assert [(o.origin.host, o.rows, o.samples) for o in found.origins()] == [
            ("a.example", 4, ("http://a.example/1", "http://a.example/0"))
        ]
