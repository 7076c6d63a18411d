import csv
import gzip
import hashlib
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.dataset.duck import connect
from crawler.dataset.files import DatasetError, DatasetFile
from crawler.dataset.inventory import OriginRows, inventory
from crawler.model import Origin
from crawler.urls.canonical import make_origin, origin_key, origin_of, page_url
from crawler.vocab import Reject


def listed(path, **options):
    with inventory(path, **options) as got:
        return list(got.origins())


def table(folder, urls, name="a.csv"):
    path = folder / name
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["url"])
        writer.writerows([url] for url in urls)
    return path


def test_what_an_inventory_says(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id,url,tokens\n"
        "1,https://a.example/x,10\n"
        "2,http://A.example:80/y#z,2.5\n"
        "3,https://a.example/,1\n"
        "4,mailto:me@a.example,7\n"
        "5,,1\n"
        "6,b.example,\n"
    )
    with inventory(path, weight_column="tokens") as got:
        assert (got.rows, got.format, got.url_column, got.weight_column) == (
            *(6, "csv"),
            *("url", "tokens"),
        )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert got.files == (DatasetFile(str(path), path.stat().st_size, digest),)
        assert got.rejects == (
            (Reject.EMPTY, 1, ""),
            (Reject.NOT_HTTP, 1, "mailto:me@a.example"),
        )
        origins = list(got.origins())
        assert origins == list(got.origins())
    a, b = origins
    assert (a.origin, a.rows, a.weight) == (make_origin("https", "a.example"), 3, 13.5)
    assert sorted(a.samples) == ["http://a.example/y", "https://a.example/x"]
    assert b == OriginRows(
        origin=make_origin("https", "b.example", assumed=True), rows=1, weight=0.0, samples=()
    )


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        pytest.param(
            ["http://e.org", "http://e.org/2", "https://e.org"], "http://e.org", id="most"
        ),
        pytest.param(["http://e.org", "https://e.org"], "https://e.org", id="a tie is https"),
        pytest.param(["e.org", "e.org/2", "http://e.org"], "http://e.org", id="bare do not vote"),
        pytest.param(["http://e.org:443/"], "http://e.org:443", id="443 under http"),
        pytest.param(["http://e.org:8080", "e.org:8080"], "http://e.org:8080", id="a port"),
        pytest.param(["HTTP://E.ORG.:80/", "http://me@e.org"], "http://e.org", id="other writings"),
        pytest.param(["https://[::1]/", "https://[0:0::1]"], "https://[::1]", id="IPv6"),
    ],
)
def test_an_origin_has_the_scheme_of_most_of_its_rows(tmp_path, urls, expected):
    [got] = listed(table(tmp_path, urls))
    assert (got.origin.url, got.origin.assumed, got.rows) == (expected, False, len(urls))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("3", 3.0, id="whole"),
        pytest.param("0.1", 0.1, id="fraction"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("", 0.0, id="missing"),
        pytest.param("-5", 0.0, id="negative"),
        pytest.param("nan", 0.0, id="not a number"),
        pytest.param("inf", 0.0, id="infinite"),
    ],
)
def test_weights(tmp_path, cell, expected):
    path = tmp_path / "a.csv"
    path.write_text(f"url,w\nhttp://a.example/,{cell}\nhttp://a.example/,0\n")
    [got] = listed(path, weight_column="w")
    assert got.weight == expected


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        pytest.param("2::INTEGER", 2.0, id="integer"),
        pytest.param("2.5::DECIMAL(5,1)", 2.5, id="decimal"),
        pytest.param("'nan'::DOUBLE", 0.0, id="NaN"),
        pytest.param("NULL::BIGINT", 0.0, id="NULL"),
    ],
)
def test_weights_that_have_a_type(tmp_path, select, expected):
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT 'http://a.example/' AS url, {select} AS w) TO '{path}'")
    [got] = listed(path, weight_column="w")
    assert got.weight == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"weight_column": "label"}, "column label holds 'many'", id="words"),
        pytest.param({"weight_column": "w"}, "no column w; the columns are: url, label", id="none"),
        pytest.param({"url_column": "link"}, "no column link", id="no such column"),
    ],
)
def test_errors_say_what_to_do(tmp_path, options, message):
    path = tmp_path / "a.csv"
    path.write_text("url,label\nhttp://a.example/,1\nhttp://a.example/,many\n")
    with pytest.raises(DatasetError) as caught:
        inventory(path, **options)
    assert message in str(caught.value)


def test_a_broken_file_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT 'http://a.example/' || i AS url FROM range(9) t(i)) TO '{path}'")
    octets = bytearray(path.read_bytes())
    octets[4:40] = b"\xff" * 36
    path.write_bytes(octets)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(DatasetError, match="cannot be read"):
        inventory(path, temp_dir=scratch)
    assert list(scratch.iterdir()) == []


def test_the_scratch_directory_is_removed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"url\nhttp://a.example/\xe9\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with inventory(path, temp_dir=scratch) as got:
        [row] = got.origins()
        assert row.samples == ("http://a.example/%C3%A9",)
        assert list(scratch.iterdir()) != []
    assert list(scratch.iterdir()) == []


def test_a_dataset_without_rows_has_no_origins(tmp_path):
    with inventory(table(tmp_path, [])) as got:
        assert (got.rows, got.rejects, list(got.origins())) == (0, (), [])


def test_samples_do_not_depend_on_the_order_of_rows(tmp_path):
    urls = [f"https://a.example/{n % 40}?q={n % 3}#{n}" for n in range(500)]
    urls += ["https://a.example", "https://a.example/", "https://a.example/#x"] * 5
    shuffled = sorted(urls, key=lambda url: url[::-1])
    (row,) = listed(table(tmp_path, urls), samples=4)
    (again,) = listed(table(tmp_path, shuffled, "b.csv"), samples=4)
    assert row == again
    pages = {url.partition("#")[0] for url in urls}
    assert len(set(row.samples)) == 4
    assert set(row.samples) < pages - {"https://a.example", "https://a.example/"}


@pytest.mark.parametrize("threads", [1, 4])
def test_samples_do_not_depend_on_the_number_of_threads(tmp_path, monkeypatch, threads):
    path, back = tmp_path / "a.parquet", tmp_path / "b.parquet"
    url = "'http://h' || i % 900 || '.example/' || i * i % 7919 AS url"
    rows = f"SELECT {url}, i FROM range(200000) t(i)"
    duckdb.execute(f"COPY ({rows}) TO '{path}' (ROW_GROUP_SIZE 10000)")
    duckdb.execute(f"COPY ({rows} ORDER BY i DESC) TO '{back}' (ROW_GROUP_SIZE 3000)")
    module = sys.modules["crawler.dataset.inventory"]
    usual = listed(path)

    def with_threads(*given):
        connection = connect(*given)
        connection.execute(f"SET threads = {threads}")
        return connection

    monkeypatch.setattr(module, "connect", with_threads)
    assert listed(back) == usual


@pytest.mark.parametrize("at_once", [10, 99])
def test_pages_that_are_found_in_several_passes_are_the_same(tmp_path, monkeypatch, at_once):
    urls = [f"https://h{n % 30}.example/{n // 30}?{n % 7}" for n in range(900)]
    path = table(tmp_path, [*urls, "HTTPS://H1.EXAMPLE/x", "h2.example/y"])
    usual = listed(path)
    assert sum(len(row.samples) for row in usual) == 90
    monkeypatch.setattr(sys.modules["crawler.dataset.counting"], "_HASHES_PER_PASS", at_once)
    assert listed(path) == usual


def test_pages_are_drawn_from_all_over(tmp_path):
    path = table(tmp_path, [f"https://h{n % 300}.example/{n // 300}" for n in range(30_000)])
    drawn = [int(url.rpartition("/")[2]) for row in listed(path) for url in row.samples]
    assert len(drawn) == 900
    assert 45 < sum(drawn) / len(drawn) < 54


@pytest.mark.parametrize("count", [1, 3, 12])
def test_of_few_pages_nearly_none_is_lost(tmp_path, count):
    urls = [f"https://h{n % 200}.example/{n // 200}" for n in range(200 * count)]
    drawn = sum(len(row.samples) for row in listed(table(tmp_path, urls), samples=count))
    assert 0.93 * len(urls) < drawn <= len(urls)


@pytest.mark.parametrize(
    "text",
    [
        *("http://a.example/x?", "http://a.example/?", "http://a.example/%2E%2e/x"),
        *("http://a.example/x/../y", "http://a.1e/x", "http://a.0x1/x", "http://xn--a.example/x"),
        *("http://a.example/%zz", "http://a.example/a b", "https://a.example:443/x"),
        *("http://a.example/x?a=1&b=%20", "http://A.example/x", "http://a.example/é"),
        *("http://a.example//x", "http://a.example/x'", "http://a.example/x\n", "http://a..e/x"),
        "http://a.example/" + "x" * 9000,
    ],
)
def test_a_page_is_what_a_browser_makes_of_its_text(tmp_path, text):
    assert [page for row in listed(table(tmp_path, [text])) for page in row.samples] == pages(
        [text]
    )


def pages(texts):
    """The pages of texts without their fragments, home pages left out, by `page_url` alone."""
    found = {page_url(text.partition("#")[0]) for text in texts}
    return sorted(page for page in found if page.count("/") > 3 or page[-1:] not in ("/", ""))


paths = st.text(st.sampled_from("ab./%2eE?=#-~'é \t"), max_size=7)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["https://", "http://", "", "HTTP://"]), st.lists(paths, max_size=3))
def test_pages_are_what_a_browser_makes_of_them(tmp_path, head, tails):
    texts = [f"{head}a.example/{tail}" for tail in tails]
    drawn = [page for row in listed(table(tmp_path, texts), samples=9) for page in row.samples]
    assert sorted(drawn) == pages(texts)


def test_a_page_in_many_rows_does_not_push_others_out(tmp_path):
    urls = ["https://a.example/often"] * 3000 + ["https://a.example/1", "https://a.example/2"]
    (row,) = listed(table(tmp_path, urls), samples=3)
    assert sorted(row.samples) == [
        "https://a.example/1",
        "https://a.example/2",
        "https://a.example/often",
    ]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_more_samples_than_asked_for(tmp_path, count):
    (row,) = listed(table(tmp_path, [f"http://a.example/{n}" for n in range(9)]), samples=count)
    assert len(row.samples) == count


def test_a_memory_limit_that_is_too_small_is_not_blamed_on_the_file(tmp_path):
    path = table(tmp_path, [f"h{n}.example" for n in range(100_000)])
    with (
        pytest.raises(DatasetError, match=r"needs more memory than --memory-limit .* give more"),
        inventory(path, memory_limit="1MB", temp_dir=tmp_path),
    ):
        pass


def test_a_memory_limit_that_is_none(tmp_path):
    with pytest.raises(DatasetError, match="'much' is no size of memory; write 512MB"):
        inventory(table(tmp_path, ["a.example"]), memory_limit="much")


def test_memory_is_bounded_and_keys_are_unique(tmp_path):
    path = tmp_path / "a.parquet"
    duckdb.execute(
        f"COPY (SELECT 'https://h' || (i % 101000) || '.example/' || i AS url "
        f"FROM range(120000) t(i)) TO '{path}'"
    )
    with inventory(path, memory_limit="150MB", temp_dir=tmp_path) as got:
        keys = [origin_key(row.origin) for row in got.origins()]
        assert got.rows == 120_000
    assert len(keys) == 101_000
    assert keys == sorted(set(keys))


def test_many_compressed_text_files(tmp_path):
    for n in range(3):
        text = f"# list {n}\nhost{n}.example\nshared.example/{n}\n\n"
        (tmp_path / f"{n}.txt.gz").write_bytes(gzip.compress(text.encode()))
    with inventory(f"{tmp_path}/*.gz") as got:
        assert (got.rows, got.rejects) == (9, ((Reject.EMPTY, 3, ""),))
        rows = {row.origin.host: row.rows for row in got.origins()}
    assert rows == {"host0.example": 1, "host1.example": 1, "host2.example": 1, "shared.example": 3}


def expected_counts(urls):
    """What an inventory must say, by `origin_of` alone."""
    schemes, rejects = defaultdict(Counter), Counter()
    for url in urls:
        origin = origin_of(url)
        if isinstance(origin, Reject):
            rejects[origin] += 1
        else:
            schemes[origin_key(origin)]["bare" if origin.assumed else origin.scheme] += 1
    origins = {}
    for key, votes in schemes.items():
        scheme = "http" if votes["http"] > votes["https"] else "https"
        origins[key] = (scheme, not (votes["http"] or votes["https"]), votes.total())
    return origins, dict(rejects)


def counts(path):
    with inventory(path, samples=1) as got:
        origins = {}
        for row in got.origins():
            key = origin_key(row.origin)
            assert key not in origins
            origins[key] = (row.origin.scheme, row.origin.assumed, row.rows)
        rejects = {why: rows for why, rows, _ in got.rejects}
        assert got.rows == sum(rejects.values()) + sum(rows for _, _, rows in origins.values())
        return origins, rejects


heads = st.sampled_from(
    [
        *("https://", "http://", "HTTP://", "https:/", "http:///", "http:\\\\", "//", "", "ftp://"),
        *(" https://", "http://\t", "https:", "http://\\", "https://me@", "\ufeffhttp://"),
    ]
)
hosts = st.sampled_from(
    [
        *("a.example", "b.example", "A.example", "a.example.", "a..example", "a_b.example", "a"),
        *("localhost", "xn--mnchen-3ya.example", "münchen.example", "192.0.2.1", "0x7f.1", "1.5"),
        *("[::1]", "[::1", "a b.example", "a.example ", "a.example\u00a0", "a.example\t", "", "."),
        *("a.1e", "a.0x1", "%61.example", "a,b.example", "\\", "?", "me@a.example", "-a.example"),
        *("a" * 64 + ".example", "a." * 124 + "example", "xn--a.example", "a.example\\x:y"),
    ]
)
ports = st.sampled_from(["", "", "", ":80", ":443", ":8080", ":0", ":00080", ":99999", ":", ":x"])
tails = st.sampled_from(
    ["", "", "/", "/x", "/x y", "?q", "#f", "/?q", " ", "/ ", "\n", "\u00a0", "//", "/x" * 4090]
)
urls = st.one_of(
    st.builds("".join, st.tuples(heads, hosts, ports, tails)),
    st.builds("".join, st.tuples(heads, hosts, ports, tails)),
    st.text(st.characters(codec="utf-8"), max_size=20),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(urls, min_size=1, max_size=60))
def test_counting_in_sql_agrees_with_naming_in_python(tmp_path, texts):
    path = tmp_path / "a.parquet"
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?::VARCHAR[]) AS url", [texts])
    connection.execute(f"COPY t TO '{path}'")
    connection.close()
    assert counts(path) == expected_counts(texts)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.sampled_from('abc.:/",;\n\r\t #é'), max_size=80), st.sampled_from(["", "\xe9"]))
def test_no_row_of_a_csv_is_lost_between_reading_and_counting(tmp_path, body, octet):
    path = tmp_path / "a.csv"
    path.write_bytes(b"url,n\n" + body.encode() + octet.encode("latin-1") + b"\nz.example,1\n")
    with inventory(path) as got:
        origins = list(got.origins())
        assert got.rows == sum(row.rows for row in origins) + sum(row[1] for row in got.rejects)
        assert any(row.origin.host == "z.example" for row in origins) or '"' in body


CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("dpi_top_2000_c4_token_and_urlcounts.csv", "Domain"),
        ("dpi_url_token_counts_c4_refinedweb_dolma.csv", "url"),
    ],
)
def test_real_lists_of_hosts(name, column):
    path = CORPUS / "lists" / name
    if not path.exists():
        pytest.skip("the corpus of real files is not there")
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        texts = [row[column] for row in csv.DictReader(stream)]
    assert counts(path) == expected_counts(texts)
    assert all(isinstance(origin_of(text), Origin | Reject) for text in texts)


def test_columns_with_roles_share_the_weight_of_a_row(tmp_path):
    table = {
        "p": ["https://a.example/1", "https://a.example/2", None, "https://b.example/1"],
        "i": [["https://c.example/1", "https://c.example/2"], [], [""], ["https://d.example/1"]],
        "t": [10.0, 20.0, 30.0, 40.0],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    columns = ("page=p", "asset=i[]")
    with inventory(tmp_path / "a.parquet", url_column=columns, weight_column="t") as counted:
        weights = {one.origin.host: one.weight for one in counted.origins()}
    # The third row names no host; the others weigh 70 in all.
    assert weights == {"a.example": 25, "b.example": 20, "c.example": 5, "d.example": 20}


@pytest.mark.parametrize("given", [None, "url", "meta.url"])
def test_files_of_different_layouts_are_not_counted_as_empty_rows(tmp_path, given):
    pq.write_table(pa.table({"url": ["https://a.example/"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"meta": [{"url": "https://b.example/"}]}), tmp_path / "1.parquet")
    with pytest.raises(DatasetError, match=r"parquet has no column \w+, and other files"):
        inventory(tmp_path, url_column=given)
    pq.write_table(pa.table({"n": pa.array([], pa.int64())}), tmp_path / "1.parquet")
    with inventory(tmp_path, url_column="url") as found:
        assert (found.rows, found.rejects) == (1, ())
