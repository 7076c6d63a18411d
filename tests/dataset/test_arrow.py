import json

import duckdb
import pyarrow as pa
import pyarrow.feather
import pytest

from crawler.dataset import saved
from crawler.dataset.files import DatasetError, locate
from crawler.dataset.formats import BY_NAME
from crawler.dataset.formats import arrow as arrow_files
from crawler.dataset.inventory import inventory
from crawler.dataset.readers import relation

URLS = ["http://a.example/1", None, "http://b.example/2"]
TABLE = pa.table(
    {
        "url": pa.array(URLS, pa.large_string()),
        "code": pa.array(["x", None, "x"]).dictionary_encode(),
        "weight": pa.array([1, 2, None], pa.int16()),
        "half": pa.array([1.0, None, 2.0], pa.float16()),
        "parts": pa.array([[{"a": 1}], None, []], pa.list_(pa.struct([("a", pa.int8())]))),
        "big": pa.array([1, 2, 3], pa.decimal256(60)),
    }
)


def stream(path, table=TABLE, **options):
    with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        out.write_table(table, max_chunksize=2)


def indexed(path, table=TABLE):
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)


def feather(path):
    pyarrow.feather.write_feather(TABLE, path, compression="lz4")


KINDS = {
    "stream.arrow": stream,
    "indexed.arrow": indexed,
    "compressed.arrow": lambda path: stream(path, compression="zstd"),
    "a.feather": feather,
}


@pytest.fixture
def read(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def reading(*paths):
        files, form = locate(paths)
        assert form.name == "arrow"
        return relation(duckdb.connect(), files, form, scratch=scratch, damaged={})

    return reading


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_seen_by_duckdb_and_read_to_the_letter(tmp_path, read, name):
    KINDS[name](path := tmp_path / name)
    rows = read(path)
    assert rows.columns == ["url", "code", "weight", "parts"]
    assert rows.fetchall() == [
        ("http://a.example/1", "x", 1, [{"a": 1}]),
        (None, None, 2, None),
        ("http://b.example/2", "x", None, []),
    ]
    got = pa.Table.from_batches(arrow_files.batches(path), arrow_files.schema_of(path))
    assert got.schema == TABLE.schema
    assert got.to_pylist() == TABLE.to_pylist()


def test_columns_of_all_files_are_there(tmp_path, read):
    stream(tmp_path / "1.arrow", TABLE.select(["url"]))
    stream(tmp_path / "2.arrow", TABLE.select(["weight", "url"]))
    rows = read(tmp_path)
    assert (rows.columns, len(rows.fetchall())) == (["url", "weight"], 6)


def test_a_saved_dataset_is_the_files_that_its_state_names(tmp_path, read):
    for split in ("test", "train"):
        folder = tmp_path / "saved" / split
        folder.mkdir(parents=True)
        for name in ("data-00000-of-00002.arrow", "data-00001-of-00002.arrow", "cache-1.arrow"):
            stream(folder / name)
        names = [{"filename": f"data-0000{n}-of-00002.arrow"} for n in range(2)]
        (folder / "state.json").write_text(json.dumps({"_data_files": names}))
        (folder / "dataset_info.json").write_text("{}")
    files, _ = locate(tmp_path / "saved")
    assert [str(file.relative_to(tmp_path / "saved")) for file in files] == [
        f"{split}/data-0000{n}-of-00002.arrow" for split in ("test", "train") for n in range(2)
    ]


@pytest.mark.parametrize("state", ["", "[]", "{", '{"_data_files": [1]}', "[" * 9999])
def test_without_a_state_that_can_be_read_all_files_count(tmp_path, state):
    stream(tmp_path / "a.arrow")
    (tmp_path / "state.json").write_text(state)
    assert locate(tmp_path) == ((tmp_path / "a.arrow",), BY_NAME["arrow"])


def test_origins_and_weights_of_a_dataset(tmp_path):
    stream(tmp_path / "a.arrow")
    with inventory(tmp_path / "a.arrow", weight_column="weight") as found:
        assert [(o.origin.host, o.rows, o.weight) for o in found.origins()] == [
            ("a.example", 1, 1.0),
            ("b.example", 1, 0.0),
        ]
        assert (found.rows, found.format) == (3, "arrow")


BROKEN = {
    "empty.arrow": lambda path: path.write_bytes(b""),
    "words.arrow": lambda path: path.write_text("words, not columns"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_in_one_sentence(tmp_path, read, name):
    BROKEN[name](tmp_path / name)
    with pytest.raises(DatasetError, match=r"cannot be read as arrow \(.*\); check the file"):
        read(tmp_path / name)


def test_columns_of_one_name_and_of_types_that_do_not_fit(tmp_path, read):
    stream(tmp_path / "1.arrow", pa.table({"url": ["a.example"]}))
    stream(tmp_path / "2.arrow", pa.table({"url": [1.5]}))
    with pytest.raises(DatasetError, match="cannot be read as arrow"):
        read(tmp_path)


def test_the_metadata_of_a_saved_dataset_follow_no_planted_link(tmp_path):
    top, out = tmp_path / "top", tmp_path / "out"
    for folder in (top, out):
        folder.mkdir()
    for name in (saved.STATE, saved.INFO, saved.SPLITS):
        (top / name).write_text("{}")
        (tmp_path / f"victim of {name}").write_text("kept")
        (out / name).symlink_to(tmp_path / f"victim of {name}")
    saved.describe(top, out, [top / "data.arrow"], pa.schema([]), "facts")
    for name in (saved.STATE, saved.INFO, saved.SPLITS):
        assert not (out / name).is_symlink()
        assert (tmp_path / f"victim of {name}").read_text() == "kept"
