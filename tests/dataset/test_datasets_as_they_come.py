"""Files in every layout, compression and oddity, through `crawl --dry-run` and `flag`."""

import bz2
import gzip
import json
import lzma
import shutil
import sqlite3
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.dataset import layouts
from tests.dataset.layouts import HOST, ODD, PACK, PACKED, TEXTS, URLS

ORIGINS = {HOST: 1, "https://nobody.example": 1}
REJECTS = {"not_http": 1}
STATES = ["reserved", "unknown", "unknown"]
MANY = [f"{HOST}/{n}?{n * 7919 % 10007:x}" for n in range(3000)]


@pytest.fixture
def dry(tdm_audit, tmp_path):
    """Return what `crawl --dry-run` finds, or the message of its error."""

    def run(*arguments):
        done = tdm_audit("crawl", *arguments, "--dry-run", "--json", cwd=tmp_path)
        if done.returncode:
            assert done.stdout == ""
            return done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def flag(tdm_audit, tmp_path, demo_output):
    """Return the states that `flag` writes, and its summary."""

    def run(*arguments, out="flagged.parquet"):
        db = ["--db", demo_output / "audit.db"]
        done = tdm_audit("flag", *arguments, "-o", out, *db, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        rows = pq.read_table(tmp_path / out) if out.endswith(".parquet") else pa.table({})
        return rows, json.loads(done.stdout)

    return run


def facts(found):
    rejects = {name: facts["rows"] for name, facts in found["unusable"].items()}
    origins = {one["origin"]: one["rows"] for one in found["would_ask"]}
    return found["format"], found["rows"], origins, rejects


COMPRESSED = {
    f"{name}{suffix}": (f"a{ending}{suffix}", form, pack(data))
    for name, (ending, form, data) in TEXTS.items()
    for suffix, pack in PACK.items()
}
FILES = COMPRESSED | PACKED | ODD


@pytest.mark.parametrize("case", FILES)
def test_every_layout_gives_the_same_rows(tmp_path, dry, flag, case):
    name, form, data = FILES[case]
    (tmp_path / name).write_bytes(data)
    assert facts(dry(name)) == (form, 3, ORIGINS, REJECTS)
    rows, summary = flag(name)
    assert rows["tdm_state"].to_pylist() == STATES
    assert rows["url"].to_pylist() == URLS
    assert "cut_off" not in summary


WRITTEN = {
    "a.csv.bz2": "a.csv.bz2",
    "a.jsonl.xz": "a.jsonl.xz",
    "a.json.gz": "a.json.gz",
    "a.json": "a.json",
    "a.tar.gz": "a.parquet",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_folder_gets_files_that_are_read_again(tmp_path, dry, flag, name):
    data = next(data for file, _, data in COMPRESSED.values() if file == name)
    (tmp_path / name).write_bytes(data)
    flag(name, out="out")
    assert (tmp_path / "out" / WRITTEN[name]).exists()
    again = dry(f"out/{WRITTEN[name]}")
    assert facts(again)[1:] == (3, ORIGINS, REJECTS)


def test_what_is_parquet_is_not_written_as_csv(tmp_path, flag):
    (tmp_path / "a.csv").write_bytes(layouts.parquet())
    flag("a.csv", out="out")
    assert pq.read_table(tmp_path / "out" / "a.parquet")["tdm_state"].to_pylist() == STATES


def test_json_lines_and_arrays_stay_what_they_are(tmp_path, flag):
    for name, data in (("lines.json", layouts.lines()), ("array.json", layouts.array())):
        (tmp_path / name).write_bytes(data)
        flag(name, out=f"out-{name}")
        text = (tmp_path / f"out-{name}").read_text()
        if name == "lines.json":
            found = [json.loads(line) for line in text.splitlines()]
            assert [line.partition(', "tdm_state"')[0] + "}" for line in text.splitlines()] == (
                data.decode().splitlines()
            )
        else:
            found = json.loads(text)
        assert [row["tdm_state"] for row in found] == STATES


# Files that are cut off


def cut(data, share=0.7):
    return data[: int(len(data) * share)]


RANDOM = [f"{HOST}/{(n * 2654435761) % 4294967291:x}{(n * 40503) % 65521:x}" for n in range(40_000)]
CUT_OFF = {
    "gzip CSV": ("a.csv.gz", cut(gzip.compress(layouts.delimited(",", RANDOM)))),
    "gzip list": ("a.txt.gz", cut(gzip.compress("\n".join(RANDOM).encode()))),
    "gzip JSON Lines": ("a.jsonl.gz", cut(gzip.compress(layouts.lines(RANDOM)))),
    "zstd JSON Lines": ("a.jsonl.zst", cut(zstandard.compress(layouts.lines(RANDOM)))),
    "zstd list": ("a.txt.zst", cut(zstandard.compress("\n".join(RANDOM).encode()))),
    "bz2 list": ("a.txt.bz2", cut(bz2.compress("\n".join(RANDOM).encode()))),
    "xz list": ("a.txt.xz", cut(lzma.compress("\n".join(RANDOM).encode()))),
    "gzip index": ("a.cdx.gz", cut(gzip.compress(layouts.cdxj(RANDOM)))),
    "gzip array": ("a.json.gz", cut(gzip.compress(layouts.array(RANDOM)))),
    "array": ("a.json", cut(layouts.array(RANDOM))),
    "indented objects": ("a.json", cut(layouts.pretty_objects(RANDOM))),
    "WebDataset": ("a.tar", cut(layouts.samples(RANDOM[:200]))),
    "gzip WebDataset": ("a.tar.gz", cut(gzip.compress(layouts.samples(RANDOM[:200])))),
    "zstd WebDataset": ("a.tar.zst", cut(zstandard.compress(layouts.samples(RANDOM[:200])))),
    "Arrow stream": ("a.arrow", cut(layouts.arrow_stream(RANDOM, 500))),
    "Arrow file": ("a.arrow", cut(layouts.arrow_file(RANDOM, 500))),
    "WARC": ("a.warc", cut(layouts.warc(RANDOM[:200]))),
    "gzip WARC": ("a.warc.gz", cut(layouts.warc_by_record(RANDOM[:200]))),
}


@pytest.mark.parametrize("case", CUT_OFF)
def test_a_file_that_is_cut_off_gives_its_whole_rows_and_says_so(tmp_path, dry, flag, case):
    name, data = CUT_OFF[case]
    (tmp_path / name).write_bytes(data)
    found = dry(name)
    _, count, origins, rejects = facts(found)
    assert (origins, rejects) == ({HOST: count}, {"cut_off": 0})
    assert found["unusable"]["cut_off"]["example"].startswith(f"{name}, read up to ")
    rows, summary = flag(name)
    # What was read are the first rows as they were, and more than a few of them.
    assert rows["url"].to_pylist() == RANDOM[:count]
    assert 50 < count < len(RANDOM)
    assert [*summary["cut_off"]] == [name]


def test_json_lines_that_are_cut_off_are_written_letter_for_letter(tmp_path, flag):
    lines = layouts.lines(RANDOM)
    (tmp_path / "a.jsonl.gz").write_bytes(cut(gzip.compress(lines)))
    flag("a.jsonl.gz", out="b.jsonl")
    written = (tmp_path / "b.jsonl").read_text().splitlines()
    assert len(written) > 1000
    for line, original in zip(written, lines.decode().splitlines(), strict=False):
        assert line.startswith(original[:-1] + ', "tdm_state"')


def test_a_crawl_says_that_the_dataset_is_cut_off_each_time(tmp_path, tdm_audit):
    data = gzip.compress("".join(f"http://127.0.0.1:9/{n}\n" for n in range(9000)).encode())
    (tmp_path / "a.txt.gz").write_bytes(data[:-2000])
    for _ in range(2):
        words = ["--contact", "a@b.example", "--db", "a.db"]
        done = tdm_audit("crawl", "a.txt.gz", *words, cwd=tmp_path)
        assert (
            "the dataset is damaged or cut off, and what is left was read: a.txt.gz" in done.stderr
        )
    with sqlite3.connect(tmp_path / "a.db") as db:
        [[reasons]] = db.execute("SELECT reasons FROM datasets")
    db.close()
    assert json.loads(reasons)["cut_off"]["rows"] == 0


# Folders


def fill(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


FOLDERS = {
    "Hugging Face, splits": (
        "parquet",
        {
            "data/train-00000-of-00002.parquet": layouts.parquet(URLS[:1]),
            "data/train-00001-of-00002.parquet": layouts.parquet(URLS[1:2]),
            "data/test-00000-of-00001.parquet": layouts.parquet(URLS[2:]),
            "dataset_info.json": b'{"features": {}}',
            "README.md": b"---\nlicense: x\n---\n",
            ".gitattributes": b"*.parquet filter=lfs\n",
            ".git/x.csv": b"url\nhidden.example\n",
        },
    ),
    "C4": (
        "jsonl",
        {
            "en/c4-train.00000.json.gz": gzip.compress(layouts.lines(URLS[:2])),
            "en/c4-train.00001.json.gz": gzip.compress(layouts.lines(URLS[2:])),
        },
    ),
    "an object a file": (
        "json",
        {
            f"{n}.json": json.dumps(one, indent=1).encode()
            for n, one in enumerate(layouts.objects())
        },
    ),
    "img2dataset": (
        "parquet",
        {
            "00000.tar": layouts.samples(),
            "00000.parquet": layouts.parquet(),
            "00000_stats.json": b'{"count": 3}',
        },
    ),
    "WebDataset": (
        "tar",
        {"00000.tar": layouts.samples(URLS[:2]), "00001.tar": layouts.samples(URLS[2:])},
    ),
    "Spark": ("jsonl", {"part-00000": layouts.lines(), "_SUCCESS": b"", ".part-00000.crc": b"crc"}),
    "Parquet without suffixes": ("parquet", {"000000_0": layouts.parquet()}),
    "notes beside": (
        "csv",
        {"a.csv": layouts.delimited(","), "license.txt": b"x", "m.json": b"{}"},
    ),
    "gzip and plain": (
        "csv",
        {
            "1.csv.gz": gzip.compress(layouts.delimited(",", URLS[:2])),
            "2.csv": layouts.delimited(",", URLS[2:]),
        },
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_folders_as_libraries_leave_them(tmp_path, dry, flag, case):
    form, files = FOLDERS[case]
    fill(tmp_path / "set", files)
    assert facts(dry("set")) == (form, 3, ORIGINS, REJECTS)
    rows, _ = flag("set")
    assert sorted(rows["tdm_state"].to_pylist()) == sorted(STATES)


# What is not read


def zipped(*names):
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 3000)
    return stream.getvalue()


NUL = bytes(64)
NOT_READ = {
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook", "as CSV"),
    "docx": (zipped("[Content_Types].xml", "word/document.xml"), "Word document", "give a table"),
    "npz": (zipped("urls.npy"), "archive of NumPy arrays", "export"),
    "zip": (zipped("a.csv"), "zip archive", "unpack it"),
    "SQLite": (b"SQLite format 3\0" + NUL, "SQLite database", "export the table"),
    "DuckDB": (b"12345678DUCK" + NUL, "DuckDB database", "export the table"),
    "pickle": (b"\x80\x04\x95" + NUL, "Python pickle", "write Parquet or JSONL"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + NUL, "HDF5", "export the table"),
    "PDF": (b"%PDF-1.7\n" + NUL, "PDF", "give a table or list"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + NUL, "7z archive", "unpack it"),
    "RAR": (b"Rar!\x1a\x07\x01\x00" + NUL, "RAR archive", "unpack it"),
    "ORC": (b"ORC" + NUL, "ORC", "convert it to Parquet"),
    "Avro": (b"Obj\x01" + NUL, "Avro", "convert it to Parquet"),
    "NumPy": (b"\x93NUMPY" + NUL, "NumPy array", "text file"),
    "old Feather": (b"FEA1" + NUL, "Feather file of version 1", "version 2"),
    "encrypted Parquet": (b"PARE" + NUL, "encrypted Parquet", "decrypt it"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NUL, "old Office document", "as CSV"),
    "LZ4": (b"\x04\x22\x4d\x18" + NUL, "compressed by LZ4", "decompress it"),
    "ARC": (b"filedesc://a.arc.gz 0.0.0.0 2008 text/plain 73\n", "ARC archive", "WARC"),
    "JPEG": (b"\xff\xd8\xff\xe0" + NUL, "JPEG image", "give a table"),
    "octets": (bytes(range(256)) * 9, "binary and of no format", "give Parquet"),
    "UTF-32": (layouts.delimited(",").decode().encode("utf-32"), "UTF-32", "UTF-8"),
    "UTF-16 without a mark": (
        layouts.delimited(",").decode().encode("utf-16-le"),
        "UTF-16 without a byte order mark",
        "UTF-8",
    ),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        "pointer of Git LFS",
        "git lfs pull",
    ),
    "a page": (b"<!DOCTYPE html>\n<html><title>404</title>", "HTML page", "get the file again"),
    "a sitemap": (b'<?xml version="1.0"?>\n<urlset>', "XML", "one a line"),
    "Parquet in gzip": (gzip.compress(layouts.parquet()), "compressed Parquet", "decompress it"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"url\n")), "compressed twice", "once"),
    "Parquet that is cut off": (cut(layouts.parquet()), "cut off", "get it again"),
    "tar of tables": (None, "without JSON for its samples", "unpack it"),
}


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a"])
@pytest.mark.parametrize("case", NOT_READ)
def test_what_is_not_read_is_named_with_what_to_do(tmp_path, dry, case, name):
    data, kind, advice = NOT_READ[case]
    if data is None:
        (tmp_path / "x.csv").write_bytes(b"url\n")
        made = shutil.make_archive(str(tmp_path / "x"), "tar", tmp_path, "x.csv")
        data = (tmp_path / made).read_bytes()
    (tmp_path / name).write_bytes(data)
    message = dry(name)
    assert message.startswith(f"tdm-audit: {name} ")
    assert kind in message
    assert advice in message
    assert message.count("\n") == 1


EMPTY = {
    "a.csv": "holds no rows",
    "a.jsonl": "holds no rows",
    "a.json": "holds no rows",
    "a.txt": "holds no rows",
    "a": "holds no rows",
    "a.parquet": "cannot be read as parquet",
    "a.arrow": "cannot be read as arrow",
    "a.warc": "No row",
    "a.tar": "holds no rows",
    "a.csv.gz": "holds no rows",
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_file(tmp_path, dry, name):
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    message = dry(name)
    assert EMPTY[name] in message
    assert message.count("\n") == 1


def test_folders_and_links_that_lead_nowhere(tmp_path, dry):
    fill(tmp_path, {"notes/README.md": b"words", "set/1.csv": layouts.delimited(",")})
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.csv").symlink_to("gone.csv")
    (tmp_path / "set" / "2.csv").symlink_to("gone.csv")
    assert "empty holds no file that can be read" in dry("empty")
    assert "notes holds no file that can be read" in dry("notes")
    assert "link.csv is a link to gone.csv, which does not exist." in dry("link.csv")
    assert "2.csv is a link to gone.csv, which does not exist." in dry("set")
    assert "nowhere does not exist" in dry("nowhere")


HOSTS = ["[2001:db8::1]", "ORC.example", "GIF8.example", "{not json", "DUCK.example"]


@pytest.mark.parametrize("first", HOSTS)
def test_lists_of_hosts_that_begin_like_something_else(tmp_path, dry, first):
    (tmp_path / "a.txt").write_text(f"{first}\nb.example\n")
    found = dry("a.txt")
    assert (found["format"], found["rows"]) == ("text", 2)
