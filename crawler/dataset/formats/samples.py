"""WebDataset: tar archives with the files of a sample side by side, one of them JSON."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from crawler.dataset.compression import CutOffError, Remains, compression_of
from crawler.dataset.files import DatasetError
from crawler.dataset.formats.handler import ReadContext
from crawler.dataset.formats.jsonl import JsonlHandler

#: The member with the key of a sample, as WebDataset's library names it.
KEY = "__key__"
_LONGEST = 16 * 1024 * 1024
_PIECE = 1 << 20
# Members that hold the data of a sample, by what follows the key.
_DATA = ("json", "url")


class TarHandler(JsonlHandler):
    """Reads the JSON of each sample as a row, under its key.

    The files of a sample have one path up to the first full stop of the name, and follow each
    other. A sample without JSON is a row without values.
    """

    def source(self, context: ReadContext, path: Path, copy: Path) -> Path:
        """See `ScanHandler.source`: a copy with a sample a line."""
        samples, described = 0, 0
        with copy.open("wb") as out:
            try:
                for key, data in _samples(path):
                    samples, described = samples + 1, described + bool(data)
                    out.write(_line(key, data))
            except CutOffError as error:
                if not samples:
                    raise EOFError("it is damaged or cut off in its first sample") from error
                context.damaged[path] = f"sample {samples:,}"
        if samples and not described:
            raise DatasetError(
                f"{path} is a tar archive without JSON for its samples; unpack it and give the "
                "files with the URLs."
            )
        return copy


def _samples(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the key and the data of each sample. Raise `CutOffError`."""
    key, data = "", dict[str, bytes]()
    for name, content in _files(path):
        found, kind = _split(name)
        if found != key:
            if key:
                yield key, data
            key, data = found, {}
        if content is not None:
            data[kind] = content
    if key:
        yield key, data


def _split(name: str) -> tuple[str, str]:
    """Return the key of a file's sample, and what follows it in lower case."""
    path = PurePosixPath(name)
    stem, _, kind = path.name.partition(".")
    return str(path.parent / stem), kind.lower()


def _files(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """Yield the name of each file, and its content if it is data of a sample."""
    if not path.stat().st_size:
        return
    remains = Remains(path)
    try:
        with io.BufferedReader(remains) as stream, _opened(stream, path) as archive:
            for member in archive:
                if not member.isfile() or PurePosixPath(member.name).name.startswith("."):
                    continue
                wanted = _split(member.name)[1] in _DATA and member.size <= _LONGEST
                yield member.name, _content(archive, member) if wanted else None
            if compression_of(path) != "none":
                _drain(stream)
    except tarfile.TarError as error:
        raise CutOffError from error
    if remains.is_damaged:
        raise CutOffError


def _drain(stream: BinaryIO) -> None:
    """Read a file to its end, where it shows whether it is whole."""
    while stream.read(_PIECE):
        pass


def _opened(stream: BinaryIO, path: Path) -> tarfile.TarFile:
    if compression_of(path) == "none":  # images are skipped, not read
        return tarfile.open(path, "r:")
    return tarfile.open(fileobj=stream, mode="r|")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    content = opened.read() if opened else b""
    if len(content) < member.size:
        raise CutOffError
    return content


def _line(key: str, data: dict[str, bytes]) -> bytes:
    """Return the JSON of a sample on one line, with its key as a member."""
    member = f'"{KEY}": {json.dumps(key)}'.encode()
    found = data.get("json", b"").strip().replace(b"\r", b" ").replace(b"\n", b" ")
    if not found and (url := data.get("url", b"").strip()):
        found = json.dumps({"url": url.decode("utf-8", "replace")}).encode()
    if not found.startswith(b"{"):
        return b"{%s}\n" % member
    rest = found[1:].lstrip()
    return b"{%s%s%s\n" % (member, b"" if rest.startswith(b"}") else b", ", rest)
