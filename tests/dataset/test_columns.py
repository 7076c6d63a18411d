"""Columns with URLs: how they are named and found, and that no nesting changes what is counted."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.dataset.files import DatasetError
from crawler.dataset.inventory import inventory
from crawler.dataset.paths import quoted

A, B, C = "https://a.example/1", "https://b.example/2", "http://a.example/3"
BOTH = {"https://a.example": 2, "https://b.example": 1}
WORDS = {"text": "some words. And more", "n": 5}


def parquet(folder, rows, schema=None):
    path = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def arrow(folder, rows, schema=None):
    path = folder / "a.arrow"
    table = pa.Table.from_pylist(rows, schema)
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def jsonl(folder, rows, schema=None):
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def counted(path, *columns, **options):
    """Return the column, how it was chosen, the rows of each origin, and the rejects."""
    with inventory(str(path), url_column=columns, **options) as found:
        origins = {one.origin.url: one.rows for one in found.origins()}
        rejects = {reason.value: rows for reason, rows, _ in found.rejects}
        assert found.rows == sum(origins.values()) + sum(rejects.values())
        return found.url_column, found.column_choice, origins, rejects


WRITERS = pytest.mark.parametrize("write", [parquet, arrow, jsonl])

NESTED = [
    pytest.param([{"meta": {"url": u}} for u in (A, B, C)], "meta.url", {}, id="member"),
    pytest.param(
        [{"metadata": {"warc": {"url": u, "n": 1}}} for u in (A, B, C)],
        "metadata.warc.url",
        {},
        id="member of a member",
    ),
    pytest.param([{"urls": [A, B]}, {"urls": [C]}], "urls[]", {}, id="list"),
    pytest.param(
        [{"urls": [None, A, None, B]}, {"urls": [C]}, {"urls": []}, {"urls": None}],
        "urls[]",
        {"empty": 2},
        id="list with nulls, and rows without any",
    ),
    pytest.param(
        [{"images": [{"url": A}, {"url": B}]}, {"images": [{"url": C}]}],
        "images[].url",
        {},
        id="member of a list",
    ),
    pytest.param(
        [{"a": [{"b": [{"raw_url": A}, {"raw_url": B}]}, {"b": [{"raw_url": C}]}]}],
        "a[].b[].raw_url",
        {},
        id="lists in lists",
    ),
    pytest.param([{"urls": [[A], [], [B, C]]}], "urls[][]", {}, id="list of lists"),
    pytest.param(
        [{"meta": json.dumps({"url": u, "n": 1})} for u in (A, B, C)],
        "meta.url",
        {},
        id="member of JSON in a text",
    ),
    pytest.param([{"a b.c": {"my url": u}} for u in (A, B, C)], '"a b.c".my url', {}, id="names"),
]


@WRITERS
@pytest.mark.parametrize(("rows", "column", "rejects"), NESTED)
def test_a_nested_column_is_found_and_can_be_named(tmp_path, write, rows, column, rejects):
    path = write(tmp_path, [row | WORDS for row in rows])
    choice = "values" if "my url" in column else "name"
    assert counted(path) == (column, choice, BOTH, rejects)
    assert counted(path, column) == (column, "given", BOTH, rejects)
    without_brackets = counted(path, column.replace("[]", ""))
    assert without_brackets == (column, "given", BOTH, rejects)


@pytest.mark.parametrize(
    ("given", "column"),
    [
        pytest.param("a.url", "a.url", id="the column of that name"),
        pytest.param('"a".url', "a.url", id="a part of the other, in quotes"),
        pytest.param('a["url"]', "a.url", id="a part of the other, in brackets"),
        pytest.param("A.URL", "a.url", id="in other letters"),
        pytest.param("b.x.y.z", 'b."x.y".z', id="a part whose name has a dot"),
        pytest.param('b["it\'s"]', 'b."it\'s"', id="quotes in a name"),
        pytest.param("b['say \"x\"']", 'b."say ""x"""', id="double quotes in a name"),
        pytest.param("page=a.url", "page=a.url", id="with a role"),
        pytest.param("k=v", "k=v", id="a name that looks like a role"),
    ],
)
def test_names_with_dots_quotes_and_spaces(tmp_path, given, column):
    row = {
        "a.url": A,
        "a": {"url": A},
        "b": {"x.y": {"z": A}, "it's": A, 'say "x"': A},
        "k=v": A,
    }
    for write in (parquet, jsonl):
        found, choice, origins, _ = counted(write(tmp_path, [row]), given)
        assert (found, choice, origins) == (column, "given", {"https://a.example": 1})


TYPES = [
    pytest.param(pa.binary(), id="binary"),
    pytest.param(pa.large_binary(), id="large binary"),
    pytest.param(pa.large_string(), id="large string"),
    pytest.param(pa.dictionary(pa.int32(), pa.string()), id="dictionary"),
    pytest.param(pa.list_(pa.binary()), id="list of binary"),
    pytest.param(pa.list_(pa.string(), 1), id="list of fixed size"),
    pytest.param(pa.struct({"url": pa.binary()}), id="binary in a structure"),
]


@pytest.mark.parametrize("write", [parquet, arrow])
@pytest.mark.parametrize("kind", TYPES)
def test_a_column_is_found_by_its_name_whatever_its_type(tmp_path, write, kind):
    def value(url):
        wrapped = [url] if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else url
        return {"url": url} if pa.types.is_struct(kind) else wrapped

    binary = "binary" in str(kind)
    rows = [{"URL": value(u.encode() if binary else u), "TEXT": "x.example"} for u in (A, B, C)]
    path = write(tmp_path, rows, pa.schema({"URL": kind, "TEXT": pa.string()}))
    column, choice, origins, _ = counted(path)
    assert column.startswith("URL")
    assert (choice, origins) == ("name", BOTH)


def test_octets_that_are_no_text_are_unusable(tmp_path):
    rows = [{"url": A.encode()}, {"url": b"\xff\xfe"}, {"url": b"\x00" * 100_000}]
    _, _, origins, rejects = counted(parquet(tmp_path, rows))
    assert origins == {"https://a.example": 1}
    assert sum(rejects.values()) == 2


FOUND = [
    pytest.param({"a": {"link": "words"}, "u": A}, "u", "values", id="a part without hosts"),
    pytest.param({"link": None, "meta": {"url": A}}, "meta.url", "name", id="an empty column"),
    pytest.param({"u": A, "meta": {"url": B}}, "meta.url", "name", id="names before values"),
    pytest.param({"url": A, "meta": {"url": B}}, "url", "name", id="plain before nested"),
    pytest.param({"images": [A, B], "text": "x"}, "images[]", "values", id="a list by values"),
    pytest.param({"page": {"at": A}, "text": "x"}, "page.at", "values", id="a member by values"),
]


@pytest.mark.parametrize(("row", "column", "choice"), FOUND)
def test_the_column_that_is_chosen(tmp_path, row, column, choice):
    for write in (parquet, jsonl):
        assert counted(write(tmp_path, [row]))[:2] == (column, choice)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(["meta"], "a structure; name one of its parts: meta.link, meta.n", id="part"),
        pytest.param(["meta.none"], "no column meta.none", id="no such part"),
        pytest.param(["none[]"], "no column none", id="no such column"),
        pytest.param(["n[]"], "no column n", id="no list"),
        pytest.param(["a=n", "a=t"], "Two columns have the role a", id="a role twice"),
        pytest.param([], "Several columns hold URLs (t, u); say which", id="several by values"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, given, message):
    row = {"meta": {"link": "x", "n": 1}, "n": 1, "t": A, "u": B}
    with pytest.raises(DatasetError) as raised:
        counted(parquet(tmp_path, [row]), *given)
    assert message in str(raised.value)


def test_the_weight_of_a_row_is_shared_by_its_urls(tmp_path):
    rows = [{"urls": [A, B], "meta": {"w": 3}}, {"urls": [], "meta": {"w": 5}}]
    for write in (parquet, jsonl):
        path = str(write(tmp_path, rows))
        with inventory(path, url_column="urls", weight_column="meta.w") as found:
            assert found.records == 2
            assert [one.weight for one in found.origins()] == [1.5, 1.5]


# Roles


def test_roles_are_counted_each_and_together(tmp_path):
    rows = [
        {"page": A, "image": [B, C]},
        {"page": B, "image": [B, None]},
        {"page": "nope", "image": [A]},
        {"page": None, "image": []},
    ]
    for write in (parquet, arrow, jsonl):
        given = ["page=page", "asset=image"]
        with inventory(str(write(tmp_path, rows)), url_column=given) as found:
            origins = {one.origin.url: (one.rows, dict(one.roles)) for one in found.origins()}
            page, asset = found.roles
        assert origins == {
            "https://a.example": (3, {"page": 1, "asset": 2}),
            "https://b.example": (3, {"page": 1, "asset": 2}),
        }
        assert (found.records, found.rows) == (4, 9)
        assert (page.rows, {r.value: n for r, n, _ in page.rejects}) == (
            4,
            {"no_host": 1, "empty": 1},
        )
        assert (asset.rows, {r.value: n for r, n, _ in asset.rejects}) == (5, {"empty": 1})
        # Of the pairs with two hosts, B is not on the page's.
        assert (page.other_hosts, asset.other_hosts) == (0, 1)


# Any nesting

TEXTS = st.sampled_from([A, B, C, "b.example", "HTTP://A.EXAMPLE:80/x", "words", "", "ftp://c.d/"])
NAMES = st.sampled_from(["url", "a b", "x.y", "it's", 'q"q', "m", "é"])
#: How a text or list of texts is wrapped, from within: a member, a list, JSON in a text.
NESTINGS = st.lists(
    st.one_of(st.tuples(st.just("member"), NAMES), st.just(("list", "")), st.just(("json", ""))),
    max_size=4,
)


def nested(texts, nesting, sizes):
    """Return values with all texts in their order, and the path to them behind the column."""
    values, path = list(texts), ""
    for kind, name in nesting:
        if kind == "member":
            values, path = [{name: value} for value in values], f".{quoted(name)}{path}"
        elif kind == "list":
            values, path = _grouped(values, sizes), f"[]{path}"
        elif path and not isinstance(values[0], str):  # a text alone is no JSON
            values = [json.dumps(value) for value in values]
    return values, path


def _grouped(values, sizes):
    groups, rest = [], list(values)
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    return [group for group in [*groups, rest] if group]


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=12),
    nesting=NESTINGS,
    sizes=st.lists(st.integers(1, 4), max_size=4),
    write=st.sampled_from([parquet, arrow, jsonl]),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_nesting_of_the_same_urls_gives_the_same_origins(
    tmp_path, texts, nesting, sizes, write
):
    flat = counted(parquet(tmp_path, [{"column": text} for text in texts]), "column")
    values, path = nested(texts, nesting, sizes)
    found = counted(write(tmp_path, [{"column": value} for value in values]), f"column{path}")
    assert found[2:] == flat[2:]
