import gzip
import json

import duckdb
import pytest
import zstandard

from crawler.dataset.columns import url_columns
from crawler.dataset.dialect import dialect_of
from crawler.dataset.files import DatasetError, locate
from crawler.dataset.formats import BY_NAME
from crawler.dataset.readers import relation

COMPRESS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}


@pytest.fixture
def read(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    connection = duckdb.connect()

    def reading(*paths, wanted=()):
        files, form = locate([str(path) for path in paths])
        return relation(connection, files, form, scratch=scratch, damaged={}, wanted=wanted)

    yield reading
    connection.close()


def write(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


ROWS = [("http://a.example/", "1"), ("http://b.example/x,y", "2")]
FORMATS = {
    "a.csv": 'url,n\nhttp://a.example/,1\n"http://b.example/x,y",2\n',
    "a.tsv": "url\tn\nhttp://a.example/\t1\nhttp://b.example/x,y\t2\n",
    "semicolons.csv": "url;n\nhttp://a.example/;1\nhttp://b.example/x,y;2\n",
    "a.jsonl": '{"url":"http://a.example/","n":"1"}\n\n{"url":"http://b.example/x,y","n":"2"}\n',
}


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_plain_and_compressed(tmp_path, read, name, suffix):
    write(tmp_path, name + suffix, COMPRESS[suffix](FORMATS[name].encode()))
    rows = read(tmp_path / (name + suffix))
    assert (rows.columns, rows.fetchall()) == (["url", "n"], ROWS)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.txt", "a.lst", "urls", "urls.data"])
def test_text_and_unknown_formats_are_a_url_a_line(tmp_path, read, name, suffix):
    data = '# about\nhttp://a.example/#b\n\nx.example, "y"\r\nlast.example'
    write(tmp_path, name + suffix, COMPRESS[suffix](data.encode()))
    got = read(tmp_path / (name + suffix)).fetchall()
    assert got == [("http://a.example/#b",), (None,), ('x.example, "y"',), ("last.example",)]


def test_parquet_keeps_types_and_columns_of_all_files(tmp_path, read):
    duckdb.execute(f"COPY (SELECT 'http://a.example' url, 1 n) TO '{tmp_path}/1.parquet'")
    duckdb.execute(f"COPY (SELECT [2] m, 'http://b.example' url) TO '{tmp_path}/2.parquet'")
    rows = read(tmp_path)
    assert rows.columns == ["url", "n", "m"]
    assert rows.fetchall() == [("http://a.example", 1, None), ("http://b.example", None, [2])]


CSVS = {
    "one column without a header": ("http://a.example/x,y\nhttp://b.example/\n", ["url"], 2),
    "one column of hosts without a header": ("a.example\nb.example\n", ["url"], 2),
    "one column with a header and commas": ("url\nhttp://a.example/x,y\n", ["url"], 1),
    "one quoted column": ('"http://a.example/x,y"\n"http://b.example"\n', ["url"], 2),
    "several columns without a header": (
        "1,http://a.example/\n2,http://b.example/\n",
        ["column0", "column1"],
        2,
    ),
    "header with a byte order mark": ("\ufeffurl,n\nhttp://a.example,1\n", ["url", "n"], 1),
    "an unknown header": ("id,address\n1,http://a.example/\n", ["id", "address"], 1),
    "empty and repeated names": ("url,,a,A\nx.example,1,2,3\n", ["url", "column1", "a", "A_1"], 1),
    "header only": ("url,n\n", ["url", "n"], 0),
    "a carriage return ends lines": ("url,n\rhttp://a.example,1\r", ["url", "n"], 1),
    "line ends are mixed": ("url,n\na.example,1\r\nb.example,2\nc.example,3\r", ["url", "n"], 3),
    "a blank line before the header": ("\nurl,n\na.example,1\n", ["url", "n"], 1),
    "blank lines between rows": ("url,n\na.example,1\n\nb.example,2\n", ["url", "n"], 2),
    "a short row": ("url,n\na.example\nb.example,2\n", ["url", "n"], 2),
    "a cell over two lines": ('url,n\na.example,"1\n2"\nb.example,3\n', ["url", "n"], 2),
    "a quote inside a cell": ('url,n\na.example/"x,1\nb.example,2\n', ["url", "n"], 2),
    "text after a closing quote": ('url,n\n"a.example"x,1\nb.example,2\n', ["url", "n"], 2),
    "a quote that never ends": ('url,n\n"a.example,1\nb.example,2\nc.example,3\n', ["url", "n"], 3),
    "Latin-1": (b"url,n\nhttp://a.example/caf\xe9,1\nb.example,2\n", ["url", "n"], 2),
    "UTF-16": ("\ufeffurl,n\na.example,1\n".encode("utf-16-le"), ["url", "n"], 1),
}


@pytest.mark.parametrize(
    ("data", "columns", "count"), [pytest.param(*row, id=name) for name, row in CSVS.items()]
)
def test_csv_as_it_is_found(tmp_path, read, data, columns, count):
    rows = read(write(tmp_path, "a.csv", data))
    got = rows.fetchall()
    assert (rows.columns, len(got)) == (columns, count), got


def test_repaired_cells_are_what_was_written(tmp_path, read):
    data = (
        b'url,n\nhttp://a.example/caf\xe9,1\nhttp://b.example/\xc3\xa9,2\n"c.example,3\n'
        b'"d ""4"" e",4\nf.example\ng.example,"1\n2"\n'
    )
    assert read(write(tmp_path, "a.csv", data)).fetchall() == [
        ("http://a.example/café", "1"),
        ("http://b.example/é", "2"),
        ("c.example", "3"),
        ('d "4" e', "4"),
        ("f.example", None),
        ("g.example", "1\n2"),
    ]


def test_cells_beyond_the_header_are_kept(tmp_path, read):
    rows = read(write(tmp_path, "a.csv", "url,n\na.example,1\nb.example,2,3,4\n"))
    assert rows.columns == ["url", "n", "_more_cells"]
    assert rows.fetchall() == [("a.example", "1", None), ("b.example", "2", "3,4")]


def test_a_column_the_user_names_makes_a_header(tmp_path):
    path = write(tmp_path, "a.csv", "text.example,n\nhttp://a.example/,1\n")
    assert dialect_of(path).header is False
    assert dialect_of(path, ["text.example"]).columns == ("text.example", "n")


def test_files_of_different_shape_are_joined_in_order(tmp_path, read):
    write(tmp_path, "1.csv", "url,n\na.example,1\n")
    write(tmp_path, "2.csv", "n;url\n2;b.example\n")
    write(tmp_path, "3.csv", "")
    write(tmp_path, "4.csv", "url,m\nc.example,3\n")
    rows = read(tmp_path)
    assert rows.columns == ["url", "n", "m"]
    assert rows.fetchall() == [
        ("a.example", "1", None),
        ("b.example", "2", None),
        ("c.example", None, "3"),
    ]


def test_rows_keep_their_order(tmp_path, read):
    lines = [f"http://h{n % 7}.example/{n}" for n in range(60_000)]
    for number, start in enumerate(range(0, 60_000, 20_000)):
        write(tmp_path, f"{number}.csv", "url\n" + "\n".join(lines[start : start + 20_000]) + "\n")
    assert [url for (url,) in read(tmp_path).fetchall()] == lines


def test_jsonl_keeps_texts_and_nested_values(tmp_path, read):
    data = (
        '{"url":"http://a.example","when":"2020-01-01T00:00:00Z","n":1,"meta":{"k":[1,"x"]}}\n'
        '{"url":"http://b.example","n":2.5,"ok":true}\n'
    )
    rows = read(write(tmp_path, "a.jsonl", data))
    assert [str(kind) for kind in rows.types] == ["VARCHAR", "VARCHAR", "DOUBLE", "JSON", "BOOLEAN"]
    first, second = rows.fetchall()
    assert first[:3] == ("http://a.example", "2020-01-01T00:00:00Z", 1.0)
    assert json.loads(first[3]) == {"k": [1, "x"]}
    assert second == ("http://b.example", None, 2.5, None, True)


def test_jsonl_lines_that_are_no_objects_are_rows_without_values(tmp_path, read):
    data = (
        b'\xef\xbb\xbf{"url":"a.example"}\n{bad\n\n"b.example"\n[1]\nnull\n'
        b'{"url":"c.example/\xe9"}\n{"url":"d.example/\\ud800"}\n{"url":null,"n":NaN}\n{"url":"e.example"}'
    )
    got = [row[0] for row in read(write(tmp_path, "a.jsonl", data)).fetchall()]
    assert got == [
        *("a.example", None, None, None, None),
        *("c.example/é", "d.example/\ufffd", None, "e.example"),
    ]


def test_names_with_pattern_characters_and_quotes(tmp_path, read):
    write(tmp_path, "a1.csv", "url\nno.example\n")
    path = write(tmp_path, "it's [1]*.csv", "url\nyes.example\n")
    assert read(path).fetchall() == [("yes.example",)]


def test_locate_a_pattern_a_folder_and_each_file_once(tmp_path):
    one = write(tmp_path, "d/1.csv.gz", "")
    two = write(tmp_path, "d/sub/2.CSV", "")
    write(tmp_path, "d/README.md", "")
    write(tmp_path, "d/LICENSE.txt", "")
    write(tmp_path, "d/.cache/3.csv", "")
    assert locate([tmp_path / "d", f"{tmp_path}/d/*.gz"]) == ((one, two), BY_NAME["csv"])


ERRORS = {
    "a missing file": (["nowhere.csv"], "nowhere.csv does not exist"),
    "a pattern without matches": (["*.nothing"], "matches no file"),
    "a folder without tables": (["empty"], "holds no file that can be read"),
    "no path": ([], "No dataset was given"),
    "mixed formats": (["a.csv", "a.jsonl"], "mix csv and jsonl"),
    "no JSON": (["bad.json"], "cannot be read as json"),
    "an empty CSV": (["zero.csv"], "holds no rows"),
    "an empty JSONL": (["zero.jsonl"], "holds no rows"),
    "no Parquet": (["bad.parquet"], "cannot be read as parquet"),
    "gzip that breaks off in its first line": (["cut.jsonl.gz"], "cut off before the end of its"),
    "Parquet that is cut off": (["cut.parquet"], "a Parquet file lists its rows at its end"),
    "compressed Parquet": (["a.parquet.gz"], "decompress it"),
}


@pytest.mark.parametrize(
    ("names", "message"), [pytest.param(*row, id=name) for name, row in ERRORS.items()]
)
def test_errors_say_what_to_do(tmp_path, read, names, message):
    (tmp_path / "empty").mkdir()
    write(tmp_path, "a.csv", "url\na.example\n")
    write(tmp_path, "a.jsonl", "{}\n")
    write(tmp_path, "a.parquet.gz", gzip.compress(b"PAR1"))
    write(tmp_path, "cut.parquet", b"PAR1 and no end")
    for name in ("bad.parquet", "bad.json"):
        write(tmp_path, name, "this is neither of these formats")
    write(tmp_path, "cut.jsonl.gz", gzip.compress(b'{"url":"a.exa')[:-9])
    for name in ("zero.csv", "zero.jsonl"):
        write(tmp_path, name, "")
    with pytest.raises(DatasetError) as caught:
        read(*(tmp_path / name for name in names))
    assert message in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        pytest.param("id,URL,host", None, "URL", id="url comes first"),
        pytest.param("host,link,domain", None, "link", id="the order of names decides"),
        pytest.param("id,Hostname", None, "Hostname", id="without regard to case"),
        pytest.param("id,address", None, "address", id="the only column with text"),
        pytest.param("url,target", "target", "target", id="given"),
        pytest.param("url,Target", "target", "Target", id="given in another case"),
    ],
)
def test_the_url_column(tmp_path, read, header, given, expected):
    width = header.count(",")
    path = write(tmp_path, "a.csv", f"{header}\n{'1,' * width}http://a.example/\n")
    if expected == "link":
        path = write(tmp_path, "a.csv", f"{header}\na.example,b.example,c.example\n")
    rows = read(path, wanted=[given] if given else [])
    assert str(url_columns(rows, given)) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(None, "--url-column: left, right", id="two columns with text"),
        pytest.param("url", "no column url; the columns are: left, right", id="an unknown name"),
    ],
)
def test_without_a_url_column_the_columns_are_listed(tmp_path, read, given, message):
    rows = read(write(tmp_path, "a.csv", "left,right\nx y,z\n"))
    with pytest.raises(DatasetError) as caught:
        url_columns(rows, given)
    assert message in str(caught.value)
