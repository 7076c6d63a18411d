"""A dataset costs no more than its bounds allow, says why it is refused, and keeps other rows."""

import gzip
import io
import json
import os
import socket

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.dataset import bounds
from crawler.dataset.files import DatasetError
from crawler.dataset.inventory import inventory

A, B, C = (f"https://{host}.test/page" for host in "abc")


def counted(path, **options):
    """Return the rows of each host, and the rejected rows by reason."""
    with inventory(path, **options) as found:
        hosts = {each.origin.host: each.rows for each in found.origins()}
        rejects = {reason.value: rows for reason, rows, _ in found.rejects}
        assert found.rows == sum(hosts.values()) + sum(rejects.values())
        return hosts, rejects


ALL = {"a.test": 1, "b.test": 1, "c.test": 1}
OTHERS = {"a.test": 1, "c.test": 1}
CELL = "y" * (bounds.MAX_SCANNED_LINE + 1)
LINE = "y" * (bounds.MAX_LINE + 1)
QUOTES = '"' * len(CELL)


def objects(text):
    """Return three objects, the second of which has a text."""
    texts = ((A, ""), (B, text), (C, ""))
    return "".join(json.dumps({"url": url, "t": t}) + "\n" for url, t in texts)


LONG = {
    "a cell of a table": ("d.csv", f"url,t\n{A},1\n{B},{CELL}\n{C},2\n", ALL, {}),
    "a cell in quotes": ("d.csv", f'url,t\n{A},1\n{B},"{CELL}"\n{C},2\n', ALL, {}),
    "a cell that is cut": ("d.csv", f"url,t\n{A},1\n{B},{LINE}\n{C},2\n", ALL, {}),
    "quotes only": ("d.csv", f"url,t\n{A},1\n{B},{QUOTES}\n{C},2\n", ALL, {}),
    "a text of an object": (
        "d.jsonl", objects(CELL), ALL, {},
    ),
    "an object that is cut": (
        "d.jsonl", objects(LINE), OTHERS, {"empty": 1},
    ),
    "a line of text": ("d.txt", f"{A}\n{B}{CELL}\n{C}\n", OTHERS, {"too_long": 1}),
    "one line without an end": ("d.txt", LINE, {}, {"too_long": 1}),
    "one cell without an end": ("d.csv", LINE, {}, {"too_long": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "hosts", "rejects"), LONG.values(), ids=LONG)
def test_a_long_line_costs_no_other_row(name, text, hosts, rejects, tmp_path):
    (tmp_path / name).write_text(text)
    assert counted(tmp_path / name) == (hosts, rejects)


def test_a_compressed_line_without_an_end_is_counted(tmp_path):
    path = tmp_path / "d.txt.gz"
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(10):
            stream.write(b"x" * bounds.MAX_SCANNED_LINE)
    assert counted(path) == ({}, {"too_long": 1})


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl"])
def test_flags_of_a_file_that_would_lose_text_are_refused(name, tmp_path, tdm_audit, demo_output):
    text = f"url,t\n{A},{LINE}\n{B},1\n" if name == "d.csv" else objects(LINE)
    (tmp_path / name).write_text(text)
    out = tmp_path / f"out.{name[2:]}"
    done = tdm_audit("flag", tmp_path / name, "-o", out, "--db", demo_output / "audit.db")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "has a line of more than 33,554,432 characters" in done.stderr
    assert not out.exists()


def test_lines_are_cut_without_being_held():
    class Endless(io.RawIOBase):
        """Ends its one line after a hundred times the longest line; counts the largest piece."""

        left, largest = 100 * 1000, 0

        def readable(self):
            return True

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            self.left -= count
            self.largest = max(self.largest, count)
            buffer[:count] = b"x" * count
            if not self.left and count:
                buffer[count - 1 : count] = b"\n"
            return count

    cut = []
    raw = Endless()
    stream = io.BufferedReader(raw, 1000)
    lines = bounds.bounded_lines(stream, lambda line: line[:3], lambda: cut.append(1), longest=1000)
    assert (list(lines), cut, raw.left) == ([b"xxx"], [1], 0)
    assert raw.largest <= 2000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab\ncd", ["ab\n", "cd"]),
        ("a\n\nb\n", ["a\n", "\n", "b\n"]),
        ("abc\nd", ["abc\n", "d"]),
        ("abcd\ne", ["!\n", "e"]),
        ("abcdefghijkl\ne\nabcde", ["!\n", "e\n", "!\n"]),
        ("", []),
    ],
)
def test_lines_up_to_the_longest_are_kept(text, expected):
    lines = bounds.bounded_lines(io.StringIO(text), lambda _: "!\n", longest=3)
    assert list(lines) == expected


def columns(count):
    return {"url": A} | {f"c{n}": 1 for n in range(count - 1)}


def wide_csv(path, row):
    path.write_text(f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")


def wide_parquet(path, row):
    pq.write_table(pa.table({name: [value] for name, value in row.items()}), path)


def wide_arrow(path, row):
    table = pa.table({name: [value] for name, value in row.items()})
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


WIDE = {"d.csv": wide_csv, "d.parquet": wide_parquet, "d.arrow": wide_arrow}


@pytest.mark.parametrize("name", WIDE)
def test_a_file_of_too_many_columns_is_refused_at_once(name, tmp_path):
    WIDE[name](tmp_path / name, columns(10 * bounds.MAX_COLUMNS))
    with pytest.raises(DatasetError, match=r"has 20,000 columns, more than 2,000; keep those"):
        counted(tmp_path / name)


@pytest.mark.parametrize("name", WIDE)
def test_as_many_columns_as_are_allowed_are_read(name, tmp_path):
    WIDE[name](tmp_path / name, columns(bounds.MAX_COLUMNS))
    assert counted(tmp_path / name) == ({"a.test": 1}, {})


def test_an_object_of_too_many_members_costs_no_other_row(tmp_path, tdm_audit, demo_output):
    path = tmp_path / "d.jsonl"
    wide = columns(5 * bounds.MAX_COLUMNS)
    path.write_text(f'{{"url": "{B}", "n": 2}}\n{json.dumps(wide)}\n{{"url": "{C}"}}\n')
    assert counted(path) == (ALL, {})
    # What keeps the lines loses nothing; a table would.
    words = ["flag", path, "--db", demo_output / "audit.db", "-o"]
    assert tdm_audit(*words, tmp_path / "out.jsonl").returncode == 0
    flagged = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert flagged[1].items() >= wide.items()
    refused = tdm_audit(*words, tmp_path / "out.parquet")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "columns, more than 2,000" in refused.stderr


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def device(path):
    path.symlink_to("/dev/zero")


SPECIAL = {"a pipe": pipe, "a socket": unix_socket, "a device": device}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["d.csv", "d.jsonl", "d.parquet", "d.warc", "d"])
def test_what_is_no_file_is_refused(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    SPECIAL[kind](tmp_path / name)
    with pytest.raises(DatasetError, match=f"is {kind}, which cannot be read twice"):
        counted(tmp_path / name)
    (tmp_path / "e.csv").write_text(f"url\n{A}\n")
    (tmp_path / name).rename(tmp_path / "f.csv")
    assert counted(tmp_path) == ({"a.test": 1}, {})  # of a folder, only its files


@pytest.mark.parametrize("name", ["d.csv", "d.tsv", "d.jsonl", "d.txt", "d"])
def test_a_file_of_nul_octets_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(bytes(100_000))
    with pytest.raises(DatasetError, match="is binary"):
        counted(tmp_path / name)


def test_objects_that_are_all_too_long_are_refused(tmp_path):
    (tmp_path / "d.jsonl").write_text(json.dumps({"url": A, "t": LINE}) + "\n")
    with pytest.raises(DatasetError, match="has a line of more than 33,554,432 characters"):
        counted(tmp_path / "d.jsonl")


def test_a_few_nul_octets_do_no_harm(tmp_path):
    (tmp_path / "d.csv").write_text(f"url,t\n{A},\0\n{B},1\n{C},2\n")
    assert counted(tmp_path / "d.csv")[0] == ALL


NUMBERS = {
    "digits": "9" * 100_000,
    "an exponent": "1e999999",
    "nested lists": "[" * 100_000 + "]" * 100_000,
    "nested objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
}


@pytest.mark.parametrize("value", NUMBERS.values(), ids=NUMBERS)
def test_a_member_beyond_all_bounds_costs_no_other_row(value, tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text(f'{{"url":"{A}","n":1}}\n{{"url":"{B}","n":{value}}}\n{{"url":"{C}","n":2}}\n')
    hosts, rejects = counted(path)
    assert hosts.items() >= OTHERS.items()
    assert sum(hosts.values()) + sum(rejects.values()) == 3
    if not value.startswith(("[", "{")):
        assert hosts == ALL


def test_messages_name_some_columns_and_say_how_many_there_are(tmp_path):
    row = {f"n{n}": "word" for n in range(100)} | {"x" * 1000: "word"}
    wide_csv(tmp_path / "d.csv", row)
    with pytest.raises(DatasetError, match=r"n0, n1, .* and 61 more") as raised:
        counted(tmp_path / "d.csv")
    assert len(str(raised.value)) < 1000
