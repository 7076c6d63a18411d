"""Small datasets in every layout that is read, with the same three rows, for tables of tests."""

import bz2
import gzip
import io
import json
import lzma
import tarfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import zstandard

HOST = "http://unanimous.demo.test"
#: A row of an origin that reserves in the demo, one of an origin that was never asked, one of none.
URLS = [f"{HOST}/a", "https://nobody.example/x", "ftp://nobody.example/f"]
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def table(urls=URLS):
    return pa.table({"url": list(urls), "n": list(range(len(urls)))})


def delimited(delimiter, urls=URLS):
    rows = [f'{url}{delimiter}"{n}, or so"' for n, url in enumerate(urls)]
    return "\n".join([f"url{delimiter}n", *rows, ""]).encode()


def objects(urls=URLS):
    return [{"n": n, "url": url, "meta": {"x": [n]}} for n, url in enumerate(urls)]


def lines(urls=URLS):
    return "".join(json.dumps(one) + "\n" for one in objects(urls)).encode()


def pretty_objects(urls=URLS):
    return "\n".join(json.dumps(one, indent=2) for one in objects(urls)).encode()


def array(urls=URLS, indent=None):
    return json.dumps(objects(urls), indent=indent).encode()


def parquet(urls=URLS):
    stream = io.BytesIO()
    pq.write_table(table(urls), stream)
    return stream.getvalue()


def arrow_stream(urls=URLS, rows=1):
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table().schema) as writer:
        writer.write_table(table(urls), max_chunksize=rows)
    return stream.getvalue()


def arrow_file(urls=URLS, rows=1):
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, table().schema) as writer:
        writer.write_table(table(urls), max_chunksize=rows)
    return stream.getvalue()


def feather_file(urls=URLS):
    stream = io.BytesIO()
    feather.write_feather(table(urls), stream, compression="lz4")
    return stream.getvalue()


def samples(urls=URLS, indent=None):
    """Return a WebDataset archive: an image, a caption and JSON for each row."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for n, one in enumerate(objects(urls)):
            described = json.dumps(one, indent=indent).encode()
            files = {"jpg": b"\xff\xd8\xff" * 900, "txt": b"words", "json": described}
            for kind, data in files.items():
                info = tarfile.TarInfo(f"./{n:09}.{kind}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def record(url):
    payload = b"HTTP/1.1 200 OK\r\n\r\n" + b"hello" * 100
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2026-11-22T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"


def warc(urls=URLS):
    return b"".join(map(record, urls))


def warc_by_record(urls=URLS):
    return b"".join(gzip.compress(record(url)) for url in urls)


def cdxj(urls=URLS):
    told = (json.dumps({"url": url, "status": "200"}) for url in urls)
    return "".join(f"example,a)/ 20260101000000 {one}\n" for one in told).encode()


def cdx(urls=URLS):
    rows = (f"example,a)/ 20260101000000 {u} text/html 200 ABC - - 1 2 x.warc.gz\n" for u in urls)
    return (" CDX N b a m s k r M S V g\n" + "".join(rows)).encode()


def cdx_server(urls=URLS):
    """Return the JSON of an index server: an array of arrays, the first with names."""
    return json.dumps([["timestamp", "url"], *(["2026", url] for url in urls)]).encode()


#: Layouts that may be compressed: suffix, format, data.
TEXTS = {
    "CSV": (".csv", "csv", delimited(",")),
    "semicolons": (".csv", "csv", delimited(";")),
    "TSV": (".tsv", "tsv", delimited("\t")),
    "list": (".txt", "text", "\n".join(URLS).encode()),
    "JSON Lines": (".jsonl", "jsonl", lines()),
    "JSON Lines by another name": (".json", "jsonl", lines()),
    "array": (".json", "json", array()),
    "indented array": (".json", "json", array(indent=2)),
    "indented objects": (".json", "json", pretty_objects()),
    "array of texts": (".json", "json", json.dumps(URLS, indent=1).encode()),
    "array of arrays": (".json", "json", cdx_server()),
    "WebDataset": (".tar", "tar", samples()),
    "WARC": (".warc", "warc", warc()),
    "CDXJ": (".cdxj", "cdx", cdxj()),
    "CDX": (".cdx", "cdx", cdx()),
}
#: Layouts that are compressed inside: name, format, data.
PACKED = {
    "Parquet": ("a.parquet", "parquet", parquet()),
    "Arrow stream": ("a.arrow", "arrow", arrow_stream()),
    "Arrow file": ("a.arrow", "arrow", arrow_file()),
    "Feather": ("a.feather", "arrow", feather_file()),
    "WARC, record by record": ("a.warc.gz", "warc", warc_by_record()),
}
#: The same rows under names, and with octets, that say something else.
ODD = {
    "Parquet called CSV": ("a.csv", "parquet", parquet()),
    "Parquet called .parquet.tmp": ("a.parquet.tmp", "parquet", parquet()),
    "Parquet without a suffix": ("part-00000", "parquet", parquet()),
    "Arrow called .bin": ("a.bin", "arrow", arrow_file()),
    "Arrow stream called .parquet": ("a.parquet", "arrow", arrow_stream()),
    "WARC called .gz": ("CC-MAIN.gz", "warc", warc_by_record()),
    "CSV called .parquet": ("a.parquet", "csv", delimited(",")),
    "CSV called .txt": ("a.txt", "csv", delimited(",")),
    "CSV without a suffix": ("urls", "csv", delimited(",")),
    "TSV called .txt": ("a.txt", "tsv", delimited("\t")),
    "TSV called CSV": ("a.csv", "csv", delimited("\t")),
    "JSON Lines called .txt": ("a.txt", "jsonl", lines()),
    "JSON Lines called CSV": ("a.csv", "jsonl", lines()),
    "array called JSON Lines": ("a.jsonl", "json", array(indent=1)),
    "array called .txt": ("a.txt", "json", array()),
    "CDXJ called .txt": ("a.txt", "cdx", cdxj()),
    "Common Crawl's index": ("cdx-00007.gz", "cdx", gzip.compress(cdxj())),
    "WebDataset called .bin": ("a.bin", "tar", samples()),
    "WebDataset called .tgz": ("a.tgz", "tar", gzip.compress(samples())),
    "WebDataset with indented JSON": ("a.tar", "tar", samples(indent=1)),
    "gzip called CSV": ("a.csv", "csv", gzip.compress(delimited(","))),
    "zstd called .gz": ("a.csv.gz", "csv", zstandard.compress(delimited(","))),
    "plain called .gz": ("a.csv.gz", "csv", delimited(",")),
    "plain JSON Lines called .zst": ("a.jsonl.zst", "jsonl", lines()),
    "gzip of two members": (
        "a.jsonl.gz",
        "jsonl",
        gzip.compress(lines(URLS[:2])) + gzip.compress(lines()[len(lines(URLS[:2])) :]),
    ),
    "zstd of two frames": (
        "a.txt.zst",
        "text",
        zstandard.compress(f"{URLS[0]}\n".encode())
        + zstandard.compress("\n".join(URLS[1:]).encode()),
    ),
    "CSV with a mark": ("a.csv", "csv", b"\xef\xbb\xbf" + delimited(",")),
    "CSV in UTF-16": ("a.csv", "csv", delimited(",").decode().encode("utf-16")),
    "CSV with CRLF": ("a.csv", "csv", delimited(",").replace(b"\n", b"\r\n")),
    "TSV in UTF-16, big end first": (
        "a.tsv",
        "tsv",
        b"\xfe\xff" + delimited("\t").decode().encode("utf-16-be"),
    ),
    "list in UTF-16": ("a.txt", "text", "\n".join(URLS).encode("utf-16")),
    "list with a comment": ("a.txt", "text", ("# urls\n" + "\n".join(URLS)).encode()),
    "list without a suffix": ("urls", "text", "\n".join(URLS).encode()),
    "JSON Lines with a mark": ("a.jsonl", "jsonl", b"\xef\xbb\xbf" + lines()),
    "JSON Lines in UTF-16": ("a.jsonl", "jsonl", lines().decode().encode("utf-16")),
    "JSON Lines behind blank lines": ("a.json", "jsonl", b"\n \n" + lines()),
    "array with a mark": ("a.json", "json", b"\xef\xbb\xbf" + array()),
    "array in UTF-16": ("a.json", "json", array().decode().encode("utf-16")),
    "array with CRLF": ("a.json", "json", array(indent=2).replace(b"\n", b"\r\n")),
    "arrays one after the other": ("a.json", "json", array(URLS[:1]) + b"\n" + array(URLS[1:])),
    "WARC without a suffix": ("a", "warc", warc()),
}
