"""`flag` on files: what it keeps of a dataset in every format, masks, and interrupted runs."""

import csv
import datetime
import decimal
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner

from crawler.cli import main
from crawler.flags import COLUMNS
from tests.conftest import ROOT, patience
from tests.crawl_helpers import waited_for

HOST = "http://unanimous.demo.test"
URLS = [f"{HOST}/a", "garbage url", None, "https://nobody.example/x", f"{HOST}/b"]
STATES = ["reserved", "unknown", "unknown", "unknown", "reserved"]
PACK = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstandard.compress}
UNPACK = {"": lambda data: data, ".gz": gzip.decompress}
UNPACK[".zst"] = lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.fixture
def flag(demo_output, tmp_path, tdm_audit):
    def flagging(*arguments, json_=True):
        db = ["--db", demo_output / "audit.db"]
        done = tdm_audit("flag", *arguments, *db, *(["--json"] if json_ else []), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if json_ else done.stdout

    return flagging


def states(path):
    return pq.read_table(path)["tdm_state"].to_pylist()


def text(path, suffix=""):
    return UNPACK[suffix](path.read_bytes()).decode()


# Parquet and Arrow


ROWS = len(URLS)
TYPES = {
    "url": pa.array(URLS, pa.large_string()),
    "price": pa.array(
        [decimal.Decimal("1.10"), None, *[decimal.Decimal(2)] * 3], pa.decimal128(9, 2)
    ),
    "parts": pa.array([[{"a": 1, "b": ["x"]}], None, [], [None], [{"a": None, "b": None}]]),
    "when": pa.array([1, None, 2, 3, 4], pa.timestamp("us", tz="Europe/Berlin")),
    "day": pa.array([datetime.date(2026, 11, 22)] * ROWS),
    "code": pa.array(["x", None, "y", "x", "x"]).dictionary_encode(),
    "octets": pa.array([b"\xff", b"", None, b"a", b"b"], pa.large_binary()),
    "fixed": pa.array([b"ab"] * ROWS, pa.binary(2)),
    "pairs": pa.array([[("k", 1)], None, [], [], []], pa.map_(pa.string(), pa.int8())),
    "half": pa.array([1.5, None, 2.5, 0, 0], pa.float16()),
    "id": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * ROWS, pa.binary(16))),
    "tdm_mine": pa.array(range(ROWS), pa.uint8()),
    "a.b": pa.array(range(ROWS), pa.uint64()),
}
SCHEMA = pa.schema(
    [
        pa.field(
            name,
            array.type,
            nullable=name != "day",
            metadata={"about": name, "PARQUET:field_id": str(n + 7)},
        )
        for n, (name, array) in enumerate(TYPES.items())
    ],
    metadata={"huggingface": '{"info": {"features": {}}}', "pandas": "{}"},
)
TABLE = pa.table(list(TYPES.values()), schema=SCHEMA)


def untouched(got):
    """Return a schema without the verdict columns and without the metadata that `flag` adds."""
    plain = pa.schema([field for field in got if field.name not in COLUMNS], got.metadata)
    metadata = {key: value for key, value in plain.metadata.items() if key != b"tdm_audit"}
    return plain.with_metadata(metadata)


def test_parquet_keeps_types_values_and_metadata(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    flag("in.parquet", "-o", "out.parquet")
    before, after = (pq.read_schema(tmp_path / f"{name}.parquet") for name in ("in", "out"))
    assert untouched(after).equals(before, check_metadata=True)
    got = pq.read_table(tmp_path / "out.parquet")
    assert got.select(SCHEMA.names).to_pylist() == TABLE.to_pylist()
    assert got["tdm_state"].to_pylist() == STATES
    native = [pq.ParquetFile(tmp_path / f"{name}.parquet").schema for name in ("in", "out")]
    columns = [[str(s.column(n).logical_type) for n in range(15)] for s in native]
    assert columns[0] == columns[1]


def test_the_metadata_say_what_the_verdicts_come_from(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    flag("in.parquet", "-o", "out.parquet", "--rules", "strict", "--agent", "CCBot")
    facts = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"tdm_audit"])
    assert (facts["rules"].partition("/")[0], facts["agent"]) == ("strict", "CCBot")
    assert {"tdm_audit", "evidence", "rules_sha256", "purposes", "mask"} <= set(facts)


def compressions(path):
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    return {column.path_in_schema: column.compression for column in columns}


def test_every_column_stays_compressed_as_it_was(flag, tmp_path):
    table = pa.table({"url": URLS, "a.b": range(ROWS), "parts": [[1], None, [], [2], []]})
    kinds = {"url": "gzip", "a.b": "none", "parts.list.element": "brotli"}
    pq.write_table(table, tmp_path / "in.parquet", compression=kinds)
    flag("in.parquet", "-o", "out.parquet")
    got = compressions(tmp_path / "out.parquet")
    assert {name: got[name] for name in kinds} == compressions(tmp_path / "in.parquet")
    assert {got[name] for name in COLUMNS} == {"GZIP"}


def test_small_row_groups_are_joined_and_no_row_is_moved(flag, tmp_path):
    table = pa.table({"url": URLS * 200, "n": range(ROWS * 200)})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=7)
    flag("in.parquet", "-o", "out.parquet")
    got = pq.ParquetFile(tmp_path / "out.parquet")
    assert got.num_row_groups == 1
    assert got.read()["n"].to_pylist() == list(range(ROWS * 200))
    assert got.read()["tdm_state"].to_pylist() == STATES * 200


def test_files_of_one_schema_become_one_file_with_its_types(flag, tmp_path):
    for name in ("1.parquet", "2.parquet"):
        pq.write_table(TABLE, tmp_path / name)
    flag("1.parquet", "2.parquet", "-o", "out.parquet")
    assert untouched(pq.read_schema(tmp_path / "out.parquet")).equals(SCHEMA)
    assert states(tmp_path / "out.parquet") == STATES * 2


def test_files_of_several_schemas_become_one_with_the_columns_of_all(flag, tmp_path):
    pq.write_table(pa.table({"url": URLS, "a": range(ROWS)}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["x"], "url": URLS[:1]}), tmp_path / "2.parquet")
    flag("1.parquet", "2.parquet", "-o", "out.parquet")
    got = pq.read_table(tmp_path / "out.parquet")
    assert got.column_names == ["url", "a", "b", *COLUMNS]
    assert got["tdm_state"].to_pylist() == [*STATES, "reserved"]


COLUMN_TYPES = {
    "numbers": pa.array([1, 2, None]),
    "octets": pa.array([f"{HOST}/".encode(), b"\xff", None]),
    "lists": pa.array([[f"{HOST}/"], None, []]),
    "codes": pa.array([f"{HOST}/", None, "x y"]).dictionary_encode(),
    "nothing": pa.nulls(3),
}


@pytest.mark.parametrize("name", COLUMN_TYPES)
def test_a_url_column_of_any_type_is_read_as_text(flag, tmp_path, name):
    pq.write_table(pa.table({name: COLUMN_TYPES[name]}), tmp_path / "in.parquet")
    flag("in.parquet", "--url-column", name, "-o", "out.parquet")
    known = name in ("octets", "codes", "lists")
    assert states(tmp_path / "out.parquet") == [
        "reserved" if known else "unknown",
        *["unknown"] * 2,
    ]


@pytest.mark.parametrize("rows", [0, 5])
@pytest.mark.parametrize("out", ["out.parquet", "out.csv.gz", "out.jsonl", "out.arrow", "out.tsv"])
@pytest.mark.parametrize("source", ["in.parquet", "in.arrow"])
def test_any_number_of_rows_in_any_format(flag, tmp_path, source, out, rows):
    table = TABLE.slice(0, rows)
    if source == "in.parquet":
        pq.write_table(table, tmp_path / source)
    else:
        stream(tmp_path / source, table)
    assert sum(flag(source, "-o", out)["rows"].values()) == rows
    assert (tmp_path / out).is_file()


@pytest.mark.parametrize(
    ("source", "data", "status", "said"),
    [
        ("in.csv", b"url,n\n", 0, ""),
        ("in.jsonl.gz", gzip.compress(b""), 1, "holds no rows"),
        ("in.cdxj", b"", 0, ""),
        ("in.warc", b"", 0, ""),
    ],
    ids=["csv", "jsonl.gz", "cdxj", "warc"],
)
def test_files_without_rows(flag, tmp_path, source, data, status, said, tdm_audit, demo_output):
    (tmp_path / source).write_bytes(data)
    done = tdm_audit(
        "flag", source, "-o", "out.jsonl", "--db", demo_output / "audit.db", cwd=tmp_path
    )
    assert done.returncode == status
    assert said in done.stderr


def test_parts_and_numbers_come_out_as_json(flag, tmp_path):
    table = pa.table({"url": URLS[:1], "parts": [[{"a": 1, "b": float("nan")}]], "n": [1.5]})
    pq.write_table(table, tmp_path / "in.parquet")
    flag("in.parquet", "-o", "out.jsonl")
    got = json.loads(text(tmp_path / "out.jsonl"), parse_constant=pytest.fail)
    assert (got["parts"], got["n"], got["tdm_reserved"]) == ([{"a": 1, "b": None}], 1.5, True)
    flag("in.parquet", "-o", "out.csv")
    [row] = csv.DictReader(text(tmp_path / "out.csv").splitlines())
    assert (row["parts"], row["n"]) == ('[{"a": 1, "b": null}]', "1.5")


def stream(path, table):
    with pa.ipc.new_stream(path, table.schema) as out:
        out.write_table(table)


def test_a_saved_dataset_stays_one(flag, tmp_path):
    saved = tmp_path / "saved"
    for split in ("test", "train"):
        (saved / split).mkdir(parents=True)
        names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
        for name in names:
            stream(saved / split / name, TABLE)
        state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0"}
        (saved / split / "state.json").write_text(json.dumps(state))
        info = {"features": {"url": {"dtype": "large_string", "_type": "Value"}}, "splits": {}}
        (saved / split / "dataset_info.json").write_text(json.dumps(info))
    (saved / "dataset_dict.json").write_text('{"splits": ["test", "train"]}')
    # Side-cars are no saved dataset.
    flag("saved", "-o", "beside", "--flags-only")
    written = [path for path in (tmp_path / "beside").rglob("*") if path.is_file()]
    assert {"".join(path.suffixes[-2:]) for path in written} == {".flags.parquet", ".jsonl"}
    flag("saved", "-o", "out")
    out = tmp_path / "out"
    with pa.ipc.open_stream(out / "train" / "data-00001-of-00002.arrow") as reader:
        got = reader.read_all()
    assert untouched(got.schema).equals(SCHEMA, check_metadata=True)
    assert got["tdm_state"].to_pylist() == STATES
    state, info = (
        json.loads((out / "test" / name).read_text())
        for name in ("state.json", "dataset_info.json")
    )
    assert [data["filename"] for data in state["_data_files"]] == names
    assert state["_fingerprint"] != "0"
    assert list(info["features"]) == ["url", *COLUMNS]
    assert info["features"]["tdm_reserved"] == {"dtype": "bool", "_type": "Value"}
    assert "splits" not in info
    assert (out / "dataset_dict.json").read_text() == '{"splits": ["test", "train"]}'


def test_arrow_files_of_several_schemas_do_not_fit_into_one(flag, tmp_path, tdm_audit, demo_output):
    stream(tmp_path / "1.arrow", TABLE)
    stream(tmp_path / "2.arrow", TABLE.select(["url"]))
    done = tdm_audit(
        "flag", "1.arrow", "2.arrow", "-o", "o.parquet",
        "--db", demo_output / "audit.db", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, "different columns" in done.stderr) == (1, True)
    flag("1.arrow", "2.arrow", "-o", "out")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.arrow")) == [
        "1.arrow",
        "2.arrow",
    ]


# Text


NUMBERS = '"big":12345678901234567890123,  "f":1.50, "e":1E5'
LINES = [
    f'{{"url":"{HOST}/a", {NUMBERS}, "p":{{"b":[1,"\\u00e9"]}}}}',
    "",
    '{"url": null}',
    "{}",
    f'  {{"url":"{HOST}/c"}}  ',
]
KEPT = [
    f'{{"url":"{HOST}/a", {NUMBERS}, "p":{{"b":[1,"\\u00e9"]}}, ',
    "",
    '{"url": null, ',
    "{",
    f'  {{"url":"{HOST}/c", ',
]


@pytest.mark.parametrize("suffix", PACK)
def test_lines_of_json_stay_as_they_were_written(flag, tmp_path, suffix):
    data = "\n".join(LINES)
    (tmp_path / f"in.jsonl{suffix}").write_bytes(PACK[suffix](data.encode()))
    flag(f"in.jsonl{suffix}", "-o", f"out.jsonl{suffix}")
    got = text(tmp_path / f"out.jsonl{suffix}", suffix).splitlines()
    assert [line.partition('"tdm_state"')[0] for line in got] == KEPT
    rows = [json.loads(line) for line in got if line]
    assert [list(row)[-len(COLUMNS) :] for row in rows] == [list(COLUMNS)] * 4
    assert [row["tdm_reserved"] for row in rows] == [True, None, None, True]
    assert got[-1].endswith("}  ")


ADDED = re.compile(rb'(?:, )?"tdm_state": "[^}]*(?=})')
GOOD = f'{{"url":"{HOST}/a", "n":1.50, "n":[1e5], "x":{{}} }}'
BROKEN = {
    "an array": "[1]",
    "words": "words, not JSON",
    "an end that is missing": '{"a":',
    "two objects": '{"a":1} {"b":2}',
    "null": "null",
    "a text": '"x"',
    "octets that are not UTF-8": b"\xff",
    "NUL": "\0",
    "a number": " 5 ",
    "nested too deep": '{"url":"' + HOST + '/a","a":' + "[" * 2000 + "]" * 2000 + "}",
    "brackets only": "[" * 9999,
}


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", BROKEN)
def test_f3_a_broken_line_is_kept_counted_and_unknown(flag, tmp_path, name, suffix):
    broken = BROKEN[name] if isinstance(BROKEN[name], bytes) else BROKEN[name].encode()
    data = b"\n".join([GOOD.encode(), broken, GOOD.encode(), b""])
    (tmp_path / f"in.jsonl{suffix}").write_bytes(PACK[suffix](data))
    found = flag(f"in.jsonl{suffix}", "-o", f"out.jsonl{suffix}")
    packed = (tmp_path / f"out.jsonl{suffix}").read_bytes()
    got = UNPACK[suffix](packed)
    assert ADDED.sub(b"", got) == data
    lines = got.split(b"\n")
    assert lines[1] == broken
    assert [json.loads(lines[n])["tdm_state"] for n in (0, 2)] == ["reserved"] * 2
    assert (found["unreadable_lines"], found["rows"]["unknown"]) == (1, 1)
    flag(f"in.jsonl{suffix}", "--flags-only", "-o", "flags.parquet")
    flags = pq.read_table(tmp_path / "flags.parquet")
    assert flags["tdm_basis"].to_pylist()[1] == "no origin: empty"
    assert flags["row_number"].to_pylist() == [0, 1, 2]


LETTERS = {
    "CRLF": f"{GOOD}\r\n{GOOD}\r\n".encode(),
    "mixed line ends": f"{GOOD}\r\n{GOOD}\n".encode(),
    "a carriage return inside": f"{GOOD}\n{GOOD}".replace(", ", ",\r").encode(),
    "byte order mark": f"\ufeff{GOOD}\n{GOOD}\n".encode(),
    "byte order mark and CRLF": f"\ufeff{GOOD}\r\n{GOOD}\r\n".encode(),
    "no line end at the end": f"{GOOD}\n{GOOD}".encode(),
    "blank lines": f"\n \n{GOOD}\n\t\n\r\n{GOOD}\n\n\n".encode(),
    "white space around": f"  {GOOD}\t\n {GOOD} ".encode(),
    "Latin-1": f'{GOOD}\n{{"a":"é","url":"{HOST}/b"}}\n'.encode("latin-1"),
    "a lone surrogate": f'{GOOD}\n{{"a":"\\ud800\\\\ud800","url":"{HOST}/b"}}\n'.encode(),
    "NaN": f'{GOOD}\n{{"a":NaN,"url":"{HOST}/b"}}\n'.encode(),
    "duplicates": f'{GOOD}\n{{"url":"{HOST}/b","url":1,"a":1.0,"a":1.00}}\n'.encode(),
    "a broken line in CRLF": f"{GOOD}\r\nbroken\r\n{GOOD}\r\n".encode(),
    "a broken line and a mark": f"\ufeff{GOOD}\nbroken\n{GOOD}".encode(),
}


@pytest.mark.parametrize("name", LETTERS)
def test_f3_every_octet_of_a_line_stays(flag, tmp_path, name):
    (tmp_path / "in.jsonl").write_bytes(LETTERS[name])
    found = flag("in.jsonl", "-o", "out.jsonl")
    got = (tmp_path / "out.jsonl").read_bytes()
    assert ADDED.sub(b"", got) == LETTERS[name]
    assert found["rows"]["reserved"] == got.count(b'"tdm_state"') == 2
    flag("out.jsonl", "-o", "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == got


def test_f3_a_comma_at_the_end_separates_what_is_added(flag, tmp_path):
    (tmp_path / "in.jsonl").write_text(f'{{"url":"{HOST}/b" , }}\n')
    flag("in.jsonl", "-o", "out.jsonl")
    got = text(tmp_path / "out.jsonl")
    assert got.startswith(f'{{"url":"{HOST}/b" , "tdm_state": "reserved", ')
    assert list(json.loads(got)) == ["url", *COLUMNS]


def test_f3_utf16_becomes_utf8(flag, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(f"{GOOD}\r\nbroken".encode("utf-16"))
    flag("in.jsonl", "-o", "out.jsonl")
    got = (tmp_path / "out.jsonl").read_bytes()
    assert ADDED.sub(b"", got) == f"{GOOD}\r\nbroken".encode()


def test_f3_lines_of_several_files_stay_lines(flag, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_bytes(f"\ufeff{GOOD}\nbroken".encode())
    assert flag("a.jsonl", "b.jsonl", "-o", "out.jsonl")["unreadable_lines"] == 2
    got = ADDED.sub(b"", (tmp_path / "out.jsonl").read_bytes())
    assert got == f"\ufeff{GOOD}\nbroken\n{GOOD}\nbroken".encode()


def test_f3_a_mask_keeps_the_text_of_the_lines_that_stay(flag, tmp_path):
    (tmp_path / "in.jsonl").write_text(f'broken\n\n{{"url":"x.test","n":1.50}}\n{GOOD}\n')
    found = flag("in.jsonl", "-o", "out.jsonl", "--mask", "keep", "--keep-unknown")
    got = ADDED.sub(b"", (tmp_path / "out.jsonl").read_bytes())
    assert got == b'broken\n\n{"url":"x.test","n":1.50}\n'
    assert found["unreadable_lines"] == 1
    shown = flag("in.jsonl", "-o", "out", json_=False)
    assert "Lines without a JSON object, written as they were: 1" in shown
    assert flag("in.jsonl", "-o", "out")["unreadable_lines"] == 1


MEMBERS = {
    "first": ('{"tdm_state":"old","url":1.50}', '{"url":1.50}'),
    "last": ('{"url":1.50 , "tdm_state":"old" }', '{"url":1.50  }'),
    "in the middle": ('{"url":1.50,"tdm_basis":{"a":[1.0]},"n":2.0}', '{"url":1.50,"n":2.0}'),
    "several": ('{"tdm_stale":1,"url":1.50,"tdm_basis":5, "tdm_rules":[]}', '{"url":1.50}'),
    "twice": ('{"tdm_state":1,"tdm_state":2,"url":1.50}', '{"url":1.50}'),
    "alone": ('{"tdm_state":null}', "{}"),
    "in escapes": ('{"url":1.50,"\\u0074dm\\u005Fstate":0}', '{"url":1.50}'),
    "only alike": ('{"url":1.50,"tdm_states":0,"x":{"tdm_state":1}}',) * 2,
    "in a text": ('{"url":1.50,"x":"\\"tdm_state\\":"}',) * 2,
    "among other octets": ('{"é":"ü","tdm_state":0,"url":1.50}', '{"é":"ü","url":1.50}'),
    "after a comma at the end": ('{"url":1.50,"tdm_state":0,}', '{"url":1.50,}'),
}


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("more", ["", "broken\n"], ids=["alone", "beside a broken line"])
def test_f3_members_of_an_earlier_run_are_cut_out(flag, tmp_path, name, more):
    given, expected = MEMBERS[name]
    (tmp_path / "in.jsonl").write_text(f"{more}{given}\n", "utf-8")
    flag("in.jsonl", "-o", "out.jsonl", "--url-column", "url" if "url" in given else "tdm_state")
    got = (tmp_path / "out.jsonl").read_bytes()
    assert ADDED.sub(b"", got).decode() == f"{more}{expected}\n"


def test_members_that_only_look_like_verdicts_stay(flag, tmp_path):
    (tmp_path / "in.jsonl").write_text(f'{{"url":"{HOST}/a","text":"\\"tdm_state\\"","n":1.0}}\n')
    flag("in.jsonl", "-o", "out.jsonl")
    got = json.loads(text(tmp_path / "out.jsonl"))
    assert (got["text"], got["n"]) == ('"tdm_state"', 1.0)


CELLS = ["007", "1e5", "1.50", "a, b", 'say "hi"', "two\nlines", "é", "NULL", " x "]


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_cells_stay_as_they_were_written(flag, tmp_path, form, suffix):
    with (tmp_path / "plain").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if form == "tsv" else ",")
        writer.writerows([["n", "url"], *([cell, f"{HOST}/"] for cell in CELLS)])
    data = (tmp_path / "plain").read_bytes()
    (tmp_path / f"in.{form}{suffix}").write_bytes(PACK[suffix](data))
    flag(f"in.{form}{suffix}", "-o", f"out.{form}{suffix}")
    with (tmp_path / "out").open("wb") as file:
        file.write(text(tmp_path / f"out.{form}{suffix}", suffix).encode())
    with (tmp_path / "out").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t" if form == "tsv" else ","))
    assert rows[0] == ["n", "url", *COLUMNS]
    assert [row[0] for row in rows[1:]] == CELLS


def test_archives_and_indexes_give_a_row_for_each_record(flag, tmp_path):
    head = ["WARC/1.0", "WARC-Type: response", f"WARC-Target-URI: {HOST}/a", "Content-Length: 0"]
    record = "\r\n".join([*head, "", "", "", ""])
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(record.encode()) * 2)
    (tmp_path / "a.cdxj").write_text(f'x 2026 {{"url": "{HOST}/a"}}\nwords\n')
    flag("a.warc.gz", "-o", "warc")
    flag("a.cdxj", "-o", "cdx")
    warc, cdx = (
        pq.read_table(tmp_path / "warc/a.parquet"),
        pq.read_table(tmp_path / "cdx/a.parquet"),
    )
    assert warc["tdm_state"].to_pylist() == ["reserved", "reserved"]
    assert warc["warc_offset"].to_pylist() == [0, len(gzip.compress(record.encode()))]
    assert cdx["tdm_state"].to_pylist() == ["reserved", "unknown"]
    assert cdx["timestamp"].to_pylist() == ["2026", None]


# Folders


def test_a_folder_of_shards_becomes_the_same_shards(flag, tmp_path):
    names = ["a.csv", "b/a.csv.gz", "b/c.d.csv", "e.CSV"]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PACK[".gz" if name.endswith("gz") else ""](f"url\n{HOST}/\n".encode()))
    flag("in", "-o", "out")
    found = {
        str(path.relative_to(tmp_path / "out"))
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == {*names, ".tdm-audit.jsonl"}
    assert "reserved" in text(tmp_path / "out/b/a.csv.gz", ".gz")


def test_links_give_their_names_not_those_of_what_they_lead_to(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "0123456789")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/train.parquet").symlink_to(tmp_path / "0123456789")
    flag("in", "-o", "out")
    assert states(tmp_path / "out/train.parquet") == STATES


@pytest.mark.parametrize(
    ("names", "more"),
    [(["a.txt", "a.lst"], []), (["a.csv", "a.csv.gz"], ["--flags-only"])],
)
def test_two_files_of_one_name(flag, tmp_path, tdm_audit, demo_output, names, more):
    for name in names:
        (tmp_path / name).write_bytes(PACK[".gz" if name.endswith("gz") else ""](b"url\nx.test\n"))
    done = tdm_audit(
        "flag", *names, "-o", "out", *more, "--db", demo_output / "audit.db", cwd=tmp_path
    )
    assert (done.returncode, "would be written to one name" in done.stderr) == (1, True)


# Masks


def selection(found):
    return found["digest"], found["kept"], found["dropped"], found["reasons"]


def test_a_selection_repeats_whatever_is_written(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    outs = ["a.parquet", "b.parquet", "c.csv", "d.jsonl.gz", "e.arrow"]
    found = [
        selection(flag("in.parquet", "-o", out, "--mask", "keep", "--keep-unknown")) for out in outs
    ]
    found.append(
        selection(flag("in.parquet", "-o", "f.parquet", "--mask", "drop", "--keep-unknown"))
    )
    found.append(selection(flag("in.parquet", "-o", "g", "--mask", "keep", "--keep-unknown")))
    stream(tmp_path / "in.arrow", TABLE)
    found.append(selection(flag("in.arrow", "-o", "h.csv", "--mask", "keep", "--keep-unknown")))
    assert [one == found[0] for one in found] == [True] * 8
    assert pq.read_table(tmp_path / "b.parquet").num_rows == 3
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 2
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_rows_are_counted_by_what_decided(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    found = flag("in.parquet", "-o", "out.parquet", "--mask", "keep")
    basis = pq.read_table(tmp_path / "in.parquet")
    flag("in.parquet", "-o", "all.parquet")
    basis = pq.read_table(tmp_path / "all.parquet")["tdm_basis"][0].as_py()
    told = [(r["state"], r["basis"], r["rows"], r["kept"], r["dropped"]) for r in found["reasons"]]
    assert ("reserved", basis, 2, 0, 2) in told
    assert ("unknown", "origin never asked", 1, 0, 1) in told
    assert sum(rows for _, _, rows, _, _ in told) == ROWS
    shown = flag("in.parquet", "-o", "out.parquet", "--mask", "keep", json_=False)
    assert f"Dropped as reserved, {basis}: 2" in shown
    assert f"Selection: sha256 {found['digest']}" in shown


def test_another_policy_is_another_selection(flag, tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    kept = ["in.parquet", "-o", "out.parquet", "--mask", "keep"]
    assert flag(*kept)["digest"] != flag(*kept, "--keep-unknown")["digest"]


def test_empty_shards_stay_empty(flag, tmp_path):
    for name in ("in/a.jsonl", "in/b.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'{{"url":"{HOST}/"}}\n' if "b." in name else "")
    assert flag("in", "-o", "out")["rows"]["reserved"] == 1
    assert text(tmp_path / "out/a.jsonl") == ""
    assert flag("in", "-o", "out.parquet", "--flags-only")["rows"]["reserved"] == 1


# Going on


def shards(folder, number=3):
    folder.mkdir()
    for n in range(number):
        pq.write_table(TABLE, folder / f"{n}.parquet")


def test_finished_shards_are_left_and_counted(flag, tmp_path):
    shards(tmp_path / "in")
    first = flag("in", "-o", "out", "--mask", "keep")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    again = flag("in", "-o", "out", "--mask", "keep")
    assert len(again.pop("finished_before")) == 3
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in times} == times


def changed(folder):
    pq.write_table(TABLE.slice(0, 2), folder / "in/1.parquet")


def shortened(folder):
    (folder / "out/1.parquet").write_bytes(b"PAR1")


def missing(folder):
    (folder / "out/1.parquet").unlink()


@pytest.mark.parametrize("happens", [changed, shortened, missing])
def test_only_what_is_not_finished_is_written(flag, tmp_path, happens):
    shards(tmp_path / "in")
    flag("in", "-o", "out")
    happens(tmp_path)
    again = flag("in", "-o", "out")
    assert [path.rpartition("/")[2] for path in again["finished_before"]] == [
        "0.parquet",
        "2.parquet",
    ]
    assert states(tmp_path / "out/1.parquet") == (STATES[:2] if happens is changed else STATES)


@pytest.mark.parametrize("way", [["--purpose", "search"], ["--url-column", "code"]], ids=str)
def test_another_way_writes_all_again(flag, tmp_path, way):
    shards(tmp_path / "in")
    flag("in", "-o", "out")
    assert "finished_before" not in flag("in", "-o", "out", *way)


@pytest.mark.parametrize(
    "note",
    ["", "[]", "{", '{"out": 5}', '{"out": "0.parquet", "from": []}', "\xff\n[" + "[" * 99_999],
)
def test_a_note_that_cannot_be_read_is_no_note(flag, tmp_path, note):
    shards(tmp_path / "in", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.tdm-audit.jsonl").write_text(note)
    assert "finished_before" not in flag("in", "-o", "out")
    assert len(flag("in", "-o", "out")["finished_before"]) == 1


def test_a_note_that_was_cut_off_keeps_what_stands_before(flag, tmp_path):
    shards(tmp_path / "in", 3)
    flag("in", "-o", "out")
    note = tmp_path / "out/.tdm-audit.jsonl"
    whole = note.read_bytes()
    note.write_bytes(whole[:-20])
    assert len(flag("in", "-o", "out")["finished_before"]) == 2
    assert note.read_bytes() == whole
    assert len(flag("in", "-o", "out")["finished_before"]) == 3


def test_a_folder_that_was_moved_is_still_finished(flag, tmp_path):
    shards(tmp_path / "in")
    flag("in", "-o", "out")
    shutil.move(tmp_path / "out", tmp_path / "moved")
    assert len(flag("in", "-o", "moved")["finished_before"]) == 3


def flagged(folder, db, *more):
    """Flag the shards below `in` into `out`; return the result and the sentence about it."""
    words = ["flag", folder / "in", "-o", folder / "out", "--json", "--db", db, *more]
    done = CliRunner().invoke(main, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


@pytest.fixture
def gone(tmp_path, demo_db_copy):
    """A folder of flagged shards, one of which is gone from the dataset, and a file of a user."""
    shards(tmp_path / "in")
    shutil.move(tmp_path / "in/2.parquet", tmp_path / "in/sub-2.parquet")
    (tmp_path / "in/sub").mkdir()
    shutil.move(tmp_path / "in/sub-2.parquet", tmp_path / "in/sub/2.parquet")
    assert flagged(tmp_path, demo_db_copy)[1] == ""
    (tmp_path / "out/3.parquet").write_bytes(b"not of this program")
    (tmp_path / "in/sub/2.parquet").unlink()
    return tmp_path


def test_a_file_whose_source_is_gone_is_named_and_stays(gone, demo_db_copy):
    result, said = flagged(gone, demo_db_copy)
    assert result["outdated"] == [str(gone / "out/sub/2.parquet")]
    assert result["removed"] == []
    assert said.count("\n") == 1
    assert f"left as they are: {gone}/out/sub/2.parquet; --prune-output removes them" in said
    assert (gone / "out/sub/2.parquet").exists()


def test_a_file_whose_source_is_gone_is_removed_if_you_say_so(gone, demo_db_copy):
    result, said = flagged(gone, demo_db_copy, "--prune-output")
    assert (result["removed"], said) == ([str(gone / "out/sub/2.parquet")], "")
    assert {p.name for p in (gone / "out").iterdir()} == {
        *("0.parquet", "1.parquet", "3.parquet", ".tdm-audit.jsonl"),
    }
    result, said = flagged(gone, demo_db_copy, "--prune-output")
    assert "outdated" not in result
    assert len(result["finished_before"]) == 2


def longer(folder):
    (folder / "out/sub/2.parquet").write_bytes(b"of a user")


def there_again(folder):
    pq.write_table(TABLE, folder / "in/sub/2.parquet")


def in_place_of_the_folder(folder):
    shutil.move(folder / "out/sub", folder / "elsewhere")
    (folder / "out/sub").symlink_to(folder / "elsewhere")


def above_the_folder(folder):
    (folder / "kept.parquet").write_bytes((folder / "out/sub/2.parquet").read_bytes())
    note = folder / "out/.tdm-audit.jsonl"
    note.write_text(note.read_text().replace('sub/2.parquet"', '../kept.parquet"'))


def not_listed(folder):
    (folder / "out/.tdm-audit.jsonl").unlink()


@pytest.mark.parametrize(
    "happens", [longer, there_again, in_place_of_the_folder, above_the_folder, not_listed]
)
def test_nothing_else_is_removed(gone, demo_db_copy, happens):
    happens(gone)
    before = {p for p in gone.rglob("*.parquet") if "in" not in p.parts}
    result, _ = flagged(gone, demo_db_copy, "--prune-output")
    assert "removed" not in result
    assert before <= {p for p in gone.rglob("*.parquet") if "in" not in p.parts}


def test_shards_that_other_commands_flag_into_the_folder_stay(gone, demo_db_copy):
    there_again(gone)
    words = ["flag", gone / "in/0.parquet", gone / "in/1.parquet", "-o", gone / "out", "--json"]
    words += ["--prune-output", "--db", demo_db_copy]
    done = CliRunner().invoke(main, list(map(str, words)))
    assert (done.exit_code, done.stderr) == (0, "")
    assert (gone / "out/sub/2.parquet").exists()


@pytest.mark.parametrize("out", ["one.csv", "-"])
def test_only_a_folder_has_files_to_prune(gone, demo_db_copy, out):
    words = ["flag", gone / "in", "-o", out if out == "-" else gone / out, "--prune-output"]
    done = CliRunner().invoke(main, list(map(str, [*words, "--db", demo_db_copy])))
    assert done.exit_code == 1
    assert "--prune-output is for a folder" in done.stderr


def test_what_a_killed_process_left_is_removed(flag, tmp_path):
    shards(tmp_path / "in", 1)
    (tmp_path / "out").mkdir()
    # No process has so high a number.
    (tmp_path / "out/.0.parquet.99999999.part").write_text("")
    (tmp_path / "out/.0.parquet.1.part").write_text("")
    flag("in", "-o", "out")
    assert {path.name for path in (tmp_path / "out").glob(".*.part")} == {".0.parquet.1.part"}


# Files that are too large to be evaluated together: some time passes between the first two.
MANY = 8
TIMES = 60_000


def start(folder, db):
    command = [sys.executable, "-m", "crawler", "flag", "in", "-o", "out", "--db", str(db)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


def after_the_first_shard(process, folder, number):
    """Send a signal as soon as one file is finished; return exit status and standard error."""
    manifest = folder / "out/.tdm-audit.jsonl"
    assert waited_for(lambda: manifest.exists() or process.poll() is not None)
    process.send_signal(number)
    said = process.communicate(timeout=patience(60))[1]
    return process.returncode, said


STOPPED = "tdm-audit: stopped early by a signal; run the same command again to continue\n"


@pytest.mark.parametrize(
    ("number", "ended", "unfinished"),
    [
        (signal.SIGINT, (4, STOPPED), 0),
        (signal.SIGTERM, (4, STOPPED), 0),
        (signal.SIGKILL, (-signal.SIGKILL, ""), 1),
    ],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_a_signal_leaves_only_whole_files_and_the_next_command_goes_on(
    flag, tmp_path, number, ended, unfinished, demo_db_copy
):
    table = pa.table({"url": URLS * TIMES, "n": range(ROWS * TIMES)})
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in/00.parquet")
    for n in range(1, MANY):
        os.link(tmp_path / "in/00.parquet", tmp_path / f"in/{n:02}.parquet")
    assert after_the_first_shard(start(tmp_path, demo_db_copy), tmp_path, number) == ended
    whole = list((tmp_path / "out").glob("*.parquet"))
    assert 0 < len(whole) < MANY
    assert {pq.read_metadata(path).num_rows for path in whole} == {len(table)}
    assert len(list((tmp_path / "out").glob(".*.part"))) <= unfinished
    found = flag("in", "-o", "out")
    assert len(found["finished_before"]) in (len(whole), len(whole) - 1)
    assert sum(found["rows"].values()) == MANY * len(table)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == MANY
    assert list((tmp_path / "out").glob(".*.part")) == []
